import { describe, expect, it } from 'vitest';
import { BELOW, keptOf, requestOf, START, stageSession } from './session-stage.ts';

const BESIDE = { placement: 'beside' } as const;
const REPLACE = { whenBusy: 'replace' } as const;
const ABORT = { type: 'task.abort', reason: 'interrupted', at: START, deadline: START + 100 };
const SHUTDOWN = { ...ABORT, reason: 'shutdown' };
const TIMEOUT = { ...ABORT, reason: 'timeout' };

describe('an interrupt', () => {
  it('aborts all that runs, and drops what is queued', () => {
    const { start, interrupt, task, told, activity, context } = stageSession();
    start('x', BESIDE);
    start('a');
    start('b');
    start('c');
    interrupt();
    expect([activity(), context().queue]).toEqual(['busy', []]);
    expect([task('a').heard, task('x').heard]).toEqual([[ABORT], [ABORT]]);
    expect(told.slice(-4)).toEqual([
      'drop b interrupted',
      'drop c interrupted',
      'aborting a interrupted',
      'aborting x interrupted',
    ]);
  });

  it('keeps what the user has said, which waits for the next start', () => {
    const { start, steer, interrupt, aborted, release, activity, context } = stageSession();
    start('a');
    steer('1');
    interrupt();
    aborted('a');
    release('a');
    expect([activity(), context().inputs]).toEqual(['idle', [keptOf('1')]]);
  });

  it('drops what was to replace the task', () => {
    const { start, interrupt, aborted, release, told, activity } = stageSession();
    start('a');
    start('b', REPLACE);
    interrupt();
    aborted('a');
    release('a');
    expect([activity(), told.at(-1)]).toEqual(['idle', 'end a aborted']);
    expect(told).toContain('drop b interrupted');
  });

  it('aborts nothing when nothing runs, or what ran is on its way to the disk', () => {
    const { start, interrupt, complete, told, activity } = stageSession();
    interrupt();
    expect([activity(), told]).toEqual(['idle', ['opened']]);
    start('a');
    complete('a');
    interrupt();
    expect([activity(), told.at(-1)]).toEqual(['settling', 'end a completed']);
  });

  it('drops what waits for a terminal on its way to the disk', () => {
    const { start, interrupt, complete, release, activity, told } = stageSession();
    start('a');
    complete('a');
    start('b');
    interrupt();
    release('a');
    expect([activity(), told.slice(-2)]).toEqual(['idle', ['answer b queued', 'drop b interrupted']]);
  });
});

describe('an abort of one task', () => {
  it('goes to the foreground task, and to no other', () => {
    const { start, abort, task, told } = stageSession();
    start('x', BESIDE);
    start('a');
    abort('a');
    expect([task('a').heard, task('x').heard, told.at(-1)]).toEqual([[TIMEOUT], [], 'aborting a timeout']);
  });

  it('goes to a task beside, and to no other', () => {
    const { start, abort, task, told } = stageSession();
    start('x', BESIDE);
    start('a');
    abort('x');
    expect([task('a').heard, task('x').heard, told.at(-1)]).toEqual([[], [TIMEOUT], 'aborting x timeout']);
  });

  it('drops one that is queued: it never begins', () => {
    const { start, abort, complete, release, task, told } = stageSession();
    for (const taskId of ['a', 'b', 'c']) start(taskId);
    abort('b');
    expect([told.at(-1), task('a').heard]).toEqual(['drop b timeout', []]);
    complete('a');
    release('a');
    expect(told.at(-1)).toBe('start c');
  });

  it('of the one that replaces drops it, and the one before is aborted all the same', () => {
    const { start, abort, aborted, release, activity, told } = stageSession();
    start('a');
    start('b', REPLACE);
    abort('b');
    aborted('a');
    release('a');
    expect([activity(), told.slice(-2)]).toEqual(['idle', ['drop b timeout', 'end a aborted']]);
  });

  it('is nothing when the task is over, or was never there', () => {
    const { start, abort, complete, release, told } = stageSession();
    start('a');
    complete('a');
    abort('a');
    release('a');
    abort('a');
    abort('nobody');
    expect(told.at(-1)).toBe('end a completed');
  });
});

describe('what is passed down', () => {
  it('is the wish to wrap up, to the task that it names', () => {
    const { start, actor, task } = stageSession();
    start('x', BESIDE);
    start('a');
    start('b');
    for (const taskId of ['a', 'b', 'nobody']) actor.send({ type: 'op.cancel', taskId });
    expect([task('a').heard, task('x').heard]).toEqual([[{ type: 'task.cancel' }], []]);
    actor.send({ type: 'op.cancel', taskId: 'x' });
    expect(task('x').heard).toEqual([{ type: 'task.cancel' }]);
  });

  it('is the kill, to all that runs', () => {
    const { start, actor, task, interrupt, aborted } = stageSession();
    start('x', BESIDE);
    start('a');
    interrupt();
    aborted('x');
    actor.send({ type: 'op.kill', at: START + 100 });
    expect([task('a').heard, task('x').heard]).toEqual([[ABORT, { type: 'task.kill', at: START + 100 }], [ABORT]]);
  });
});

describe('a close', () => {
  it('of an idle session closes it at once', () => {
    const { close, told, actor, activity, attention } = stageSession();
    close();
    expect([activity(), attention(), actor.getSnapshot().status, told]).toEqual([
      'closed',
      'over',
      'done',
      ['opened', 'closed'],
    ]);
  });

  it('aborts all that runs, drops what is queued, and waits for the terminals to be seen', () => {
    const { start, close, task, aborted, release, told, activity, actor, context } = stageSession();
    start('x', BESIDE);
    start('a');
    start('b');
    close();
    expect([activity(), task('a').heard, task('x').heard]).toEqual(['closing', [SHUTDOWN], [SHUTDOWN]]);
    expect(context().queue).toEqual([]);
    expect(told.slice(-3)).toEqual(['drop b shutdown', 'aborting a shutdown', 'aborting x shutdown']);
    aborted('a');
    aborted('x');
    release('a');
    expect(activity()).toBe('closing');
    release('x');
    expect([actor.getSnapshot().status, told.slice(-3)]).toEqual([
      'done',
      ['end a aborted', 'end x aborted', 'closed'],
    ]);
  });

  it('of a session that replaces drops what was to come', () => {
    const { start, close, aborted, release, told } = stageSession();
    start('a');
    start('b', REPLACE);
    close();
    aborted('a');
    release('a');
    expect(told.slice(-2)).toEqual(['end a aborted', 'closed']);
    expect(told).toContain('drop b shutdown');
  });

  it('of a session whose terminal is on its way to the disk waits for that, and starts nothing', () => {
    const { start, steer, close, complete, release, told, activity } = stageSession();
    start('a');
    steer('1');
    complete('a');
    start('b');
    close();
    expect(activity()).toBe('closing');
    release('a');
    expect(told.slice(-4)).toEqual(['end a completed', 'answer b queued', 'drop b shutdown', 'closed']);
  });

  it('of a sub-session does not wait for its disk: its parent waits for the decision only', () => {
    const { start, close, aborted, told, actor } = stageSession({ path: BELOW });
    start('a');
    close();
    aborted('a');
    expect([actor.getSnapshot().status, told.at(-1)]).toEqual(['done', 'closed']);
  });

  it('once begun refuses starts and what the user says, and does not begin again', () => {
    const { start, steer, close, task, told, activity, context } = stageSession();
    start('a');
    close();
    start('b');
    start('x', BESIDE);
    steer('1');
    close();
    expect([activity(), task('a').heard.length, context().inputs]).toEqual(['closing', 1, []]);
    expect(told.slice(4)).toEqual([
      'answer b rejected closed',
      'answer x rejected closed',
      'answer said-1 rejected closed',
    ]);
  });

  it.each(['a', 'x'])('waits for a task that crashes meanwhile (%s)', (crashing) => {
    const { start, close, task, aborted, release, activity, actor } = stageSession();
    start('x', BESIDE);
    start('a');
    close();
    task(crashing).crash('It broke.');
    aborted(crashing === 'a' ? 'x' : 'a');
    release('a');
    expect(activity()).toBe('closing');
    release('x');
    expect(actor.getSnapshot().status).toBe('done');
  });

  it('passes the kill and the acknowledgement of its tasks on', () => {
    const { start, close, actor, task, above } = stageSession({ path: BELOW });
    start('a');
    close();
    task('a').say({ type: 'task.acknowledged', taskId: 'a', at: START + 1 });
    actor.send({ type: 'op.kill', at: START + 9 });
    expect([above, task('a').heard.at(-1)]).toEqual([
      [{ type: 'session.acknowledged', at: START + 1 }],
      { type: 'task.kill', at: START + 9 },
    ]);
  });

  it('ends what it is asked for, too, and leaves no timer', () => {
    const { actor, close, attention, clock } = stageSession();
    actor.send({ type: 'request.opened', request: requestOf('r1', { expiresMs: 50 }) });
    close();
    expect([attention(), actor.getSnapshot().status, clock.pending()]).toEqual(['over', 'done', []]);
  });
});
