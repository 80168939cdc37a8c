import { describe, expect, it } from 'vitest';
import { BACKSTOP_MS } from '../../machines/lifecycle.ts';
import { GRACE_MS, KILL_MS, START, type StagedTask, stageTask } from './lifecycle-stage.ts';

const DEADLINE = START + GRACE_MS;
const NOTHING = { killed: 0, survivors: 0, unsettled: 0, sessions: [] };
const ABORTED = { taskId: 'job/1', kind: 'job', end: 'aborted', reason: 'interrupted' };
const MODEL_ERROR = { code: 'model-error', message: 'It said no.', retryable: true } as const;

/** Ways in which a work that was told to stop can be over, and what each says of what it killed. */
const ENDINGS = {
  'says that it has settled': ({ work, clock }: StagedTask) => work.say({ type: 'work.settled', at: clock.now() }),
  'says that it is done': ({ work, clock }: StagedTask) =>
    work.say({ type: 'work.done', at: clock.now(), answer: 'Too late.' }),
  'says that it has failed': ({ work, clock }: StagedTask) =>
    work.say({ type: 'work.failed', at: clock.now(), error: MODEL_ERROR }),
  'ends as stopped': ({ work, clock }: StagedTask) => work.finish({ end: 'stopped', at: clock.now(), report: NOTHING }),
  'ends as completed': ({ work, clock }: StagedTask) =>
    work.finish({ end: 'completed', at: clock.now(), answer: 'Too late.', data: null, report: NOTHING }),
  'ends as failed': ({ work, clock }: StagedTask) =>
    work.finish({ end: 'failed', at: clock.now(), error: MODEL_ERROR, report: NOTHING }),
};

/** Takes a task that runs into the state. */
const INTO = {
  aborting: (task: StagedTask) => task.abort(),
  settling(task: StagedTask) {
    task.abort();
    task.work.say({ type: 'work.acknowledged', at: task.clock.now() });
  },
  killing(task: StagedTask) {
    INTO.settling(task);
    task.kill();
  },
};
const PHASES = {
  aborting: ['aborting'],
  settling: ['aborting', 'settling'],
  killing: ['aborting', 'settling', 'killing'],
} as const;

describe('an abort', () => {
  it('tells the work to stop, and by when', () => {
    const { abort, work, state, clock } = stageTask();
    clock.advance(40);
    abort();
    expect([state(), work.heard]).toEqual([
      'aborting',
      [{ type: 'work.cancel', deadline: START + 40 + GRACE_MS, at: START + 40 }],
    ]);
  });

  it('tells the session once the work has acknowledged, and waits for it to settle', () => {
    const { abort, work, state, above, clock } = stageTask();
    abort();
    clock.advance(5);
    work.say({ type: 'work.acknowledged', at: START + 5 });
    expect([state(), above]).toEqual([
      { 'grace-wait': 'settling' },
      [{ type: 'task.acknowledged', taskId: 'job/1', at: START + 5 }],
    ]);
  });

  it('spends no grace on a work that stops at once', () => {
    const { abort, work, cleanUp, clock, end, state } = stageTask();
    abort();
    work.say({ type: 'work.acknowledged', at: START });
    work.say({ type: 'work.settled', at: START });
    cleanUp();
    expect([state(), clock.now(), clock.pending(), work.isStopped]).toEqual(['aborted', START, [], true]);
    expect(end()).toEqual({
      ...ABORTED,
      at: START,
      report: NOTHING,
      phases: [
        { phase: 'aborting', ms: 0 },
        { phase: 'settling', ms: 0 },
        { phase: 'cleanup', ms: 0 },
      ],
      forced: false,
    });
  });

  it('says how long each phase took, and what was found', () => {
    const { abort, work, cleanUp, clock, end } = stageTask();
    const report = { killed: 2, survivors: 1, unsettled: 0, sessions: [[{ sessionId: 's2', kind: 'job' }]] };
    abort('timeout');
    clock.advance(10);
    work.say({ type: 'work.acknowledged', at: clock.now() });
    clock.advance(20);
    work.say({ type: 'work.settled', at: clock.now(), report });
    clock.advance(30);
    cleanUp();
    expect(end()).toEqual({
      ...ABORTED,
      reason: 'timeout',
      at: START + 60,
      report,
      phases: [
        { phase: 'aborting', ms: 10 },
        { phase: 'settling', ms: 20 },
        { phase: 'cleanup', ms: 30 },
      ],
      forced: false,
    });
  });

  it('runs the hook of the kind with what the task was given', () => {
    const { abort, work, cleanups } = stageTask();
    abort();
    work.say({ type: 'work.settled', at: START });
    expect(cleanups.all.map(({ input }) => input)).toEqual([
      { taskId: 'job/1', sessionId: 's1', kind: 'job', killMs: KILL_MS },
    ]);
  });

  it('keeps what a work reports as its end', () => {
    const { abort, work, cleanUp, end } = stageTask();
    const report = { killed: 3, survivors: 0, unsettled: 1, sessions: [] };
    abort();
    work.finish({ end: 'stopped', at: START + 7, report });
    cleanUp();
    const phases = [
      { phase: 'aborting', ms: 7 },
      { phase: 'cleanup', ms: 0 },
    ];
    expect(end()).toEqual({ ...ABORTED, at: START, report, phases, forced: false });
  });

  it('is the same abort when it is asked for again', () => {
    const { actor, abort, work, clock, cleanUp, end } = stageTask();
    const again = () => actor.send({ type: 'task.abort', reason: 'shutdown', at: clock.now(), deadline: 9_000 });
    abort();
    again();
    work.say({ type: 'work.acknowledged', at: START });
    again();
    clock.advance(GRACE_MS);
    again();
    work.say({ type: 'work.settled', at: DEADLINE });
    again();
    cleanUp();
    expect(work.heard).toEqual([
      { type: 'work.cancel', deadline: DEADLINE, at: START },
      { type: 'work.kill', at: DEADLINE },
    ]);
    expect(end()).toMatchObject({ ...ABORTED, at: DEADLINE });
  });

  it.each(
    Object.entries(INTO).flatMap(([state, into]) =>
      Object.entries(ENDINGS).map(([name, ending]) => ({ state, into, name, ending })),
    ),
  )('ends as aborted, once, when the work $name in $state', ({ state, into, ending }) => {
    const task = stageTask();
    into(task);
    ending(task);
    expect(task.state()).toEqual({ 'grace-wait': 'cleanup' });
    task.cleanUp();
    const ends = task.above.filter(({ type }) => type === 'xstate.done.actor.job/1');
    expect([task.state(), ends.length, task.clock.now(), task.clock.pending()]).toEqual(['aborted', 1, START, []]);
    expect(task.end()).toEqual({
      ...ABORTED,
      at: START,
      report: NOTHING,
      phases: [...phasesOf(state), 'cleanup'].map((phase) => ({ phase, ms: 0 })),
      forced: state === 'killing',
    });
  });

  it.each(Object.entries(INTO))('ends as aborted, once, when the work throws in %s', (state, into) => {
    const task = stageTask();
    into(task);
    task.work.crash('It broke while it stopped.');
    task.cleanUp();
    const ends = task.above.filter(({ type }) => type === 'xstate.done.actor.job/1');
    expect([task.state(), ends.length, task.end()?.end]).toEqual(['aborted', 1, 'aborted']);
    expect(task.actor.getSnapshot().context.phases.map(({ phase }) => phase)).toEqual([...phasesOf(state), 'cleanup']);
  });

  it.each([
    ['says that it is done', ENDINGS['says that it is done']],
    ['ends', ENDINGS['ends as completed']],
    ['throws', ({ work }: StagedTask) => work.crash('It broke after it had settled.')],
  ])('ends as aborted, once, when a work that has settled %s during the cleanup', (_, late) => {
    const task = stageTask();
    task.abort();
    task.work.say({ type: 'work.settled', at: START });
    late(task);
    expect(task.state()).toEqual({ 'grace-wait': 'cleanup' });
    task.cleanUp();
    expect([task.state(), task.above.length, task.end()?.end]).toEqual(['aborted', 1, 'aborted']);
  });
});

function phasesOf(state: string): readonly string[] {
  return Object.entries(PHASES).find(([name]) => name === state)?.[1] ?? [];
}

describe('a work that does not stop', () => {
  it('is killed at the deadline when it has acknowledged', () => {
    const { abort, work, clock, state, cleanUp, end } = stageTask();
    abort();
    clock.advance(30);
    work.say({ type: 'work.acknowledged', at: clock.now() });
    clock.advance(GRACE_MS - 31);
    expect(state()).toEqual({ 'grace-wait': 'settling' });
    clock.advance(1);
    expect([state(), work.heard.at(-1)]).toEqual([{ 'grace-wait': 'killing' }, { type: 'work.kill', at: DEADLINE }]);
    clock.advance(4);
    work.say({ type: 'work.settled', at: clock.now(), report: { ...NOTHING, killed: 1 } });
    cleanUp();
    expect(end()).toEqual({
      ...ABORTED,
      at: DEADLINE + 4,
      report: { ...NOTHING, killed: 1 },
      phases: [
        { phase: 'aborting', ms: 30 },
        { phase: 'settling', ms: 70 },
        { phase: 'killing', ms: 4 },
        { phase: 'cleanup', ms: 0 },
      ],
      forced: true,
    });
  });

  it('is killed at the deadline when it never acknowledged', () => {
    const { abort, work, clock, state, cleanUp, end, above } = stageTask();
    abort();
    clock.advance(GRACE_MS - 1);
    expect(state()).toBe('aborting');
    clock.advance(1);
    expect([state(), work.heard.at(-1), above]).toEqual([
      { 'grace-wait': 'killing' },
      { type: 'work.kill', at: DEADLINE },
      [],
    ]);
    clock.advance(6);
    work.finish({ end: 'stopped', at: clock.now(), report: { ...NOTHING, unsettled: 1 } });
    cleanUp();
    expect(end()).toEqual({
      ...ABORTED,
      at: DEADLINE + 6,
      report: { ...NOTHING, unsettled: 1 },
      phases: [
        { phase: 'aborting', ms: GRACE_MS },
        { phase: 'killing', ms: 6 },
        { phase: 'cleanup', ms: 0 },
      ],
      forced: true,
    });
  });

  it('is stopped from above when it does not even answer the kill, and is counted', () => {
    const { abort, work, clock, state, end } = stageTask();
    abort();
    clock.advance(GRACE_MS + KILL_MS + BACKSTOP_MS - 1);
    expect([state(), work.isStopped]).toEqual([{ 'grace-wait': 'killing' }, false]);
    clock.advance(1);
    expect([state(), work.isStopped, clock.pending()]).toEqual(['aborted', true, []]);
    expect(end()).toEqual({
      ...ABORTED,
      at: DEADLINE + KILL_MS + BACKSTOP_MS,
      report: { ...NOTHING, unsettled: 1 },
      phases: [
        { phase: 'aborting', ms: GRACE_MS },
        { phase: 'killing', ms: KILL_MS + BACKSTOP_MS },
        { phase: 'cleanup', ms: 0 },
      ],
      forced: true,
    });
  });

  it.each(['aborting', 'settling'] as const)('is killed before the deadline when the session says so in %s', (from) => {
    const task = stageTask();
    INTO[from](task);
    task.clock.advance(3);
    task.kill();
    expect([task.state(), task.work.heard.at(-1)]).toEqual([
      { 'grace-wait': 'killing' },
      { type: 'work.kill', at: START + 3 },
    ]);
  });

  it('is killed once, however often the session says so', () => {
    const task = stageTask();
    INTO.killing(task);
    task.kill();
    expect(task.work.heard.filter(({ type }) => type === 'work.kill')).toEqual([{ type: 'work.kill', at: START }]);
  });
});

describe('the hook of the kind', () => {
  /** A task whose work has settled, and whose hook runs. */
  function stageCleanup() {
    const task = stageTask();
    task.abort();
    task.work.say({ type: 'work.settled', at: START });
    return task;
  }
  const phases = (ms: number) => [
    { phase: 'aborting', ms: 0 },
    { phase: 'cleanup', ms },
  ];

  it('has until the kill bound, and is then left', () => {
    const { clock, state, end, cleanups } = stageCleanup();
    clock.advance(GRACE_MS + KILL_MS - 1);
    expect([state(), cleanups.last().isStopped]).toEqual([{ 'grace-wait': 'cleanup' }, false]);
    clock.advance(1);
    expect([state(), cleanups.last().isStopped, clock.pending()]).toEqual(['aborted', true, []]);
    const at = DEADLINE + KILL_MS;
    expect(end()).toEqual({ ...ABORTED, at, report: NOTHING, phases: phases(GRACE_MS + KILL_MS), forced: false });
  });

  it('may throw: the task is aborted all the same', () => {
    const { cleanups, state, end } = stageCleanup();
    cleanups.last().crash('The hook broke.');
    expect([state(), end()]).toEqual([
      'aborted',
      { ...ABORTED, at: 0, report: NOTHING, phases: phases(0), forced: false },
    ]);
  });

  it('is not killed by what kills the work', () => {
    const { kill, state, work, cleanups } = stageCleanup();
    kill();
    expect([state(), work.heard.length, cleanups.last().isStopped]).toEqual([{ 'grace-wait': 'cleanup' }, 1, false]);
  });
});
