import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { sessionMachine } from '../../machines/session.machine.ts';
import { orderOf, ROOT, START, stageIn, stageSession } from './session-stage.ts';

const BESIDE = { placement: 'beside' } as const;
const REJECT = { whenBusy: 'reject' } as const;
const REPLACE = { whenBusy: 'replace' } as const;

describe('a start', () => {
  it('begins at once when nothing runs: it is answered, logged, and only then run', () => {
    const { start, told, tasks, activity, context } = stageSession();
    start('a');
    expect([activity(), told]).toEqual(['busy', ['opened', 'answer a started', 'start a']]);
    expect(tasks.all.map(({ id, input }) => [id, input])).toEqual([
      ['job/foreground', { taskId: 'a', sessionId: 's1', kind: 'job', killMs: 500 }],
    ]);
    expect(context().foreground).toEqual({ taskId: 'a', childId: 'job/foreground', kind: 'job', steerable: false });
  });

  it('is known to the session before the task begins to run', () => {
    const seen: unknown[] = [];
    const staged = stageSession();
    staged.actor.subscribe(({ context, children }) => seen.push([context.foreground?.taskId, Object.keys(children)]));
    staged.start('a');
    expect(seen).toEqual([['a', ['job/foreground']]]);
  });

  it('waits its turn while another runs, and begins only when the terminal of that one is seen', () => {
    const { start, complete, release, told, activity, context } = stageSession();
    start('a');
    start('b');
    start('c');
    expect([activity(), context().queue.map(({ taskId }) => taskId)]).toEqual(['busy', ['b', 'c']]);
    complete('a');
    expect([activity(), told.slice(3)]).toEqual([
      'settling',
      ['answer b queued', 'answer c queued', 'end a completed'],
    ]);
    release('a');
    expect([activity(), told.at(-1), context().queue]).toEqual(['busy', 'start b', [orderOf('c')]]);
    complete('b');
    release('b');
    complete('c');
    release('c');
    expect([activity(), told.slice(6)]).toEqual(['idle', ['start b', 'end b completed', 'start c', 'end c completed']]);
  });

  it.each(['busy', 'replacing', 'settling'] as const)('is refused when it wants to be, in %s', (state) => {
    const staged = stageIn(state);
    staged.start('r', REJECT);
    expect([staged.activity(), staged.told.at(-1)]).toEqual([state, 'answer r rejected busy']);
    expect(staged.context().queue.map(({ taskId }) => taskId)).not.toContain('r');
  });

  it('that replaces has the foreground task told to make room, and begins after its terminal is seen', () => {
    const { start, aborted, release, told, task, activity, clock } = stageSession();
    start('a');
    clock.advance(7);
    start('b', REPLACE);
    const abort = { type: 'task.abort', reason: 'replaced', at: START + 7, deadline: START + 107 };
    expect([activity(), task('a').heard]).toEqual(['replacing', [abort]]);
    expect(told.slice(3)).toEqual(['answer b queued', 'aborting a replaced']);
    aborted('a');
    expect([activity(), told.at(-1)]).toEqual(['settling', 'end a aborted']);
    release('a');
    expect([activity(), told.at(-1)]).toEqual(['busy', 'start b']);
  });

  it('that replaces makes a queued one before it give way as soon as that has begun', () => {
    const { start, aborted, release, told, task, activity, context } = stageSession();
    start('a');
    start('b');
    start('c', REPLACE);
    expect([activity(), context().queue.map(({ taskId }) => taskId)]).toEqual(['replacing', ['b', 'c']]);
    aborted('a');
    release('a');
    expect([activity(), told.slice(-2)]).toEqual(['replacing', ['start b', 'aborting b replaced']]);
    expect(task('b').heard).toEqual([{ type: 'task.abort', reason: 'replaced', at: START, deadline: START + 100 }]);
    aborted('b');
    release('b');
    expect([activity(), told.at(-1), context().queue]).toEqual(['busy', 'start c', []]);
  });

  it('that replaces only waits when the foreground task makes room already', () => {
    const { start, task, told, activity, context } = stageSession();
    start('a');
    start('b', REPLACE);
    start('c', REPLACE);
    expect([activity(), task('a').heard.length, told.at(-1)]).toEqual(['replacing', 1, 'answer c queued']);
    expect(context().queue.map(({ taskId }) => taskId)).toEqual(['b', 'c']);
  });

  it('waits while a terminal is on its way to the disk', () => {
    const { start, release, told, activity } = stageIn('settling');
    start('b', REPLACE);
    expect([activity(), told.at(-1)]).toEqual(['settling', 'answer b queued']);
    release('a');
    expect([activity(), told.at(-1)]).toEqual(['busy', 'start b']);
  });
});

/** A session in the state, with `x` beside. */
function stageBeside(state: 'idle' | 'busy' | 'replacing' | 'settling') {
  const staged = stageSession();
  staged.start('x', BESIDE);
  if (state !== 'idle') staged.start('a');
  if (state === 'replacing') staged.start('b', REPLACE);
  if (state === 'settling') staged.complete('a');
  expect(staged.activity()).toBe(state);
  return staged;
}

describe('a start beside', () => {
  it('begins in idle, and leaves the foreground free', () => {
    const { start, activity, told, context } = stageSession();
    start('x', BESIDE);
    start('y', BESIDE);
    expect([activity(), context().beside.map(({ taskId }) => taskId)]).toEqual(['idle', ['x', 'y']]);
    expect(told.slice(1)).toEqual(['answer x started', 'start x', 'answer y started', 'start y']);
    start('a');
    expect([activity(), told.at(-1), context().foreground?.taskId]).toEqual(['busy', 'start a', 'a']);
  });

  it.each(['busy', 'replacing', 'settling'] as const)('begins at once in %s, whatever it does when busy', (state) => {
    const staged = stageIn(state);
    staged.start('x', { ...BESIDE, ...REPLACE });
    expect([staged.activity(), staged.told.slice(-2)]).toEqual([state, ['answer x started', 'start x']]);
    expect([staged.context().beside.map(({ taskId }) => taskId), staged.tasks.last().input.taskId]).toEqual([
      ['x'],
      'x',
    ]);
  });

  it('is kept apart from others, though the name of one that has ended is used again', () => {
    const { start, complete, aborted, abort, task, actor, context, told } = stageSession();
    for (const taskId of ['x', 'y']) start(taskId, BESIDE);
    complete('x');
    for (const taskId of ['z', 'w']) start(taskId, BESIDE);
    expect(context().beside.map(({ taskId }) => taskId)).toEqual(['y', 'z', 'w']);
    expect(new Set(context().beside.map(({ childId }) => childId))).toEqual(
      new Set(Object.keys(actor.getSnapshot().children)),
    );
    expect(Object.keys(actor.getSnapshot().children).length).toBe(3);
    abort('z');
    expect(['y', 'z', 'w'].map((taskId) => task(taskId).heard.length)).toEqual([0, 1, 0]);
    aborted('z');
    complete('y');
    expect([context().beside.map(({ taskId }) => taskId), told.slice(-2)]).toEqual([
      ['w'],
      ['end z aborted', 'end y completed'],
    ]);
  });

  it('in settling never leaves the session busy without a foreground task', () => {
    const { start, complete, release, activity } = stageIn('settling');
    start('x', BESIDE);
    release('a');
    complete('x');
    release('x');
    expect(activity()).toBe('idle');
  });

  it.each(['idle', 'busy', 'replacing', 'settling'] as const)(
    'ends without ending what runs in the foreground, in %s',
    (state) => {
      const staged = stageBeside(state);
      const children = () => Object.keys(staged.actor.getSnapshot().children).filter((id) => id === 'job/beside-0');
      expect(children()).toEqual(['job/beside-0']);
      staged.complete('x');
      expect([staged.activity(), staged.told.at(-1), children()]).toEqual([state, 'end x completed', []]);
      expect(staged.above.at(-1)).toMatchObject({ type: 'session.task-ended', taskId: 'x', end: { end: 'completed' } });
      expect([staged.context().beside, staged.context().unreleased.includes('x')]).toEqual([[], true]);
      staged.release('x');
      expect([staged.activity(), staged.context().unreleased.includes('x')]).toEqual([state, false]);
    },
  );

  it.each(['idle', 'busy', 'replacing', 'settling'] as const)('fails alone when it crashes, in %s', (state) => {
    const staged = stageBeside(state);
    staged.task('x').crash('It broke.');
    expect([staged.activity(), staged.told.at(-1)]).toEqual([state, 'end x failed']);
    expect(staged.above.at(-1)).toMatchObject({ type: 'session.task-ended', taskId: 'x', end: { end: 'failed' } });
    expect([staged.context().beside, staged.actor.getSnapshot().status]).toEqual([[], 'active']);
    expect(Object.keys(staged.actor.getSnapshot().children)).not.toContain('job/beside-0');
  });

  it('is waited for: what is next begins when all terminals are seen', () => {
    const staged = stageSession();
    staged.start('x', BESIDE);
    staged.start('a');
    staged.start('b');
    staged.complete('a');
    staged.complete('x');
    staged.release('a');
    expect([staged.activity(), staged.told.at(-1)]).toEqual(['settling', 'end x completed']);
    staged.release('x');
    expect([staged.activity(), staged.told.at(-1)]).toEqual(['busy', 'start b']);
  });
});

describe('the end of a task', () => {
  it.each(['busy', 'replacing'] as const)(
    'lets go of the task and tells whoever opened the session, in %s',
    (state) => {
      const { complete, above, actor, context } = stageIn(state);
      complete('a');
      const end = { taskId: 'a', kind: 'job', at: START, end: 'completed', answer: null, data: null };
      const report = { killed: 0, survivors: 0, unsettled: 0, sessions: [] };
      expect(above).toEqual([{ type: 'session.task-ended', taskId: 'a', at: START, end, report }]);
      expect([actor.getSnapshot().children, context().foreground, context().unreleased]).toEqual([{}, null, ['a']]);
    },
  );

  it('by an abort says which sessions have stopped, its own first', () => {
    const { start, task, above } = stageSession();
    const sub = [...ROOT, { sessionId: 's2', kind: 'review' }];
    start('a');
    const found = { report: { killed: 2, survivors: 1, unsettled: 1, sessions: [sub] }, phases: [], forced: true };
    task('a').finish({ taskId: 'a', kind: 'job', at: 9, end: 'aborted', reason: 'interrupted', ...found });
    expect(above).toMatchObject([{ report: { killed: 2, survivors: 1, unsettled: 1, sessions: [ROOT, sub] } }]);
  });

  it.each(['busy', 'replacing'] as const)('is a failure when the foreground task crashes, in %s', (state) => {
    const staged = stageIn(state);
    staged.task('a').crash('It broke.');
    const message = "The task crashed: It broke.. This is a defect of the task's machine.";
    const error = { code: 'internal', message, retryable: false };
    expect([staged.activity(), staged.told.at(-1)]).toEqual(['settling', 'end a failed']);
    expect([staged.context().foreground, staged.context().unreleased]).toEqual([null, ['a']]);
    expect(staged.actor.getSnapshot().children).toEqual({});
    expect(staged.above).toMatchObject([{ end: { taskId: 'a', kind: 'job', at: 0, end: 'failed', error } }]);
    expect(staged.actor.getSnapshot().status).toBe('active');
  });

  it('passes up that a task has acknowledged', () => {
    const { start, task, above } = stageSession();
    start('a');
    task('a').say({ type: 'task.acknowledged', taskId: 'a', at: START + 3 });
    expect(above).toEqual([{ type: 'session.acknowledged', at: START + 3 }]);
  });

  it('is told to nobody by a session that stands alone', () => {
    const actor = createActor(sessionMachine, {
      input: { sessionId: 's1', path: ROOT, graceMs: 1, killMs: 1 },
    }).start();
    actor.send({ type: 'task.acknowledged', taskId: 'a', at: 1 });
    expect(actor.getSnapshot().value).toEqual({ activity: 'idle', attention: 'clear', showing: 'at-once' });
  });
});

describe('a start in a crowd', () => {
  it('is queued, and begins when its turn has come', () => {
    const { crowd, grant, told, activity, context, waiting } = stageSession();
    crowd('a');
    expect([activity(), told, waiting()]).toEqual(['admitting', ['opened', 'answer a queued'], 1]);
    grant();
    expect([activity(), told.slice(2), waiting()]).toEqual(['busy', ['start a'], 0]);
    expect([context().foreground?.taskId, context().queue]).toEqual(['a', []]);
  });

  it('is no other start where something runs already', () => {
    const { start, crowd, told, activity } = stageSession();
    start('a');
    crowd('b');
    expect([activity(), told.slice(3)]).toEqual(['busy', ['answer b queued']]);
  });

  it('goes before those that come after it; what runs beside waits for nobody', () => {
    const { start, crowd, grant, complete, release, told } = stageIn('admitting');
    start('b');
    crowd('c', REJECT);
    crowd('d', BESIDE);
    grant();
    complete('a');
    release('a');
    expect(told.slice(2)).toEqual([
      'answer b queued',
      'answer c rejected busy',
      'answer d started',
      'start d',
      'start a',
      'end a completed',
      'start b',
    ]);
  });

  it.each([
    { what: 'an abort', reason: 'timeout', stop: (staged: ReturnType<typeof stageSession>) => staged.abort('a') },
    {
      what: 'an interrupt',
      reason: 'interrupted',
      stop: (staged: ReturnType<typeof stageSession>) => staged.interrupt(),
    },
  ])('is dropped by $what before its turn, and the session waits for none any more', ({ reason, stop }) => {
    const staged = stageIn('admitting');
    stop(staged);
    expect([staged.activity(), staged.told.slice(2), staged.waiting()]).toEqual(['idle', [`drop a ${reason}`], 0]);
    staged.start('b');
    expect(staged.activity()).toBe('busy');
  });

  it('is dropped when the session closes', () => {
    const { close, activity, told, waiting } = stageIn('admitting');
    close();
    expect([activity(), told.slice(2), waiting()]).toEqual(['closed', ['drop a shutdown', 'closed'], 0]);
  });
});
