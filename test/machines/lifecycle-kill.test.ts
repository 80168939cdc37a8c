import { describe, expect, it } from 'vitest';
import { BACKSTOP_MS } from '../../machines/lifecycle.ts';
import { GRACE_MS, INTO, KILL_MS, START, stageTask } from './lifecycle-stage.ts';

const DEADLINE = START + GRACE_MS;
const NOTHING = { killed: 0, survivors: 0, unsettled: 0, sessions: [] };
const ABORTED = { taskId: 'job/1', kind: 'job', end: 'aborted', reason: 'interrupted' };

describe('a work that does not stop', () => {
  it('is killed at the deadline when it has acknowledged', () => {
    const { abort, work, clock, state, cleanUp, end } = stageTask();
    abort();
    clock.advance(30);
    work.say({ type: 'work.acknowledged', at: clock.now() });
    clock.advance(GRACE_MS - 31);
    expect(state()).toEqual({ 'grace-wait': 'settling' });
    clock.advance(1);
    expect([state(), work.heard.at(-1)]).toEqual([
      { 'grace-wait': 'killing' },
      { type: 'work.kill', at: DEADLINE, deadline: DEADLINE + KILL_MS },
    ]);
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
      { type: 'work.kill', at: DEADLINE, deadline: DEADLINE + KILL_MS },
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
      { type: 'work.kill', at: START + 3, deadline: DEADLINE + KILL_MS },
    ]);
  });

  it('is killed once, however often the session says so', () => {
    const task = stageTask();
    INTO.killing(task);
    task.kill();
    expect(task.work.heard.filter(({ type }) => type === 'work.kill')).toEqual([
      { type: 'work.kill', at: START, deadline: DEADLINE + KILL_MS },
    ]);
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
