import { describe, expect, it } from 'vitest';
import { GRACE_MS, INTO, KILL_MS, START, type StagedTask, stageTask } from './lifecycle-stage.ts';

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
      { type: 'work.kill', at: DEADLINE, deadline: DEADLINE + KILL_MS },
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
    task.clock.advance(7);
    task.cleanUp();
    expect([task.state(), task.above.filter(({ type }) => type === 'xstate.done.actor.job/1').length]).toEqual([
      'aborted',
      1,
    ]);
    // A throw does not say when it was, so that neither the phase before it nor the one after it can be timed.
    expect(task.end()).toEqual({
      ...ABORTED,
      at: START + 7,
      report: NOTHING,
      phases: [...phasesOf(state), 'cleanup'].map((phase) => ({ phase, ms: 0 })),
      forced: state === 'killing',
    });
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
