import { describe, expect, it } from 'vitest';
import type { TaskEnd } from '../../src/protocol/messages.ts';
import { END, INPUT, ORDER, stageDelegate, TASK_ENDED } from './delegate-stage.ts';

const NOTHING = { killed: 0, survivors: 0, unsettled: 0, sessions: [] };
const CANCEL = { type: 'work.cancel', deadline: 200, at: 100 } as const;
const KILL = { type: 'work.kill', at: 200 } as const;
const START = { type: 'op.start', order: ORDER, at: 10 };
const INTERRUPT = { type: 'op.interrupt', reason: 'parent-aborted', deadline: 200, at: 100 };
const CLOSE = { type: 'op.close', at: 90, deadline: 90 };

describe('a delegate', () => {
  it('joins the channels, opens its sub-session, and starts one task in it', () => {
    const { session, relays, state, actor } = stageDelegate();
    expect([state(), session.input, session.heard]).toEqual(['running', INPUT.session, [START]]);
    expect(relays.all.map(({ id, input }) => [id, input])).toEqual([['relay:review/s2', INPUT.relay]]);
    expect(Object.keys(actor.getSnapshot().children)).toEqual(['relay:review/s2', 'session']);
  });

  it('closes its sub-session when the task in it has ended, and ends when that has closed', () => {
    const { session, state, end, above, relays } = stageDelegate();
    session.say(TASK_ENDED);
    expect([state(), session.heard, above]).toEqual(['closing', [START, CLOSE], []]);
    session.finish(undefined);
    expect([state(), end()]).toEqual(['over', { sessionId: 's2', at: 90, end: END, error: null, report: NOTHING }]);
    expect([above.length, relays.last().isStopped]).toEqual([1, true]);
  });

  it('is not over with the end of another task of its sub-session', () => {
    const { session, state } = stageDelegate();
    const other: TaskEnd = { ...END, taskId: 'snapshot/1', kind: 'snapshot' };
    session.say({ ...TASK_ENDED, taskId: 'snapshot/1', end: other });
    expect([state(), session.heard]).toEqual(['running', [START]]);
  });

  it('passes the wish to wrap up on to the task', () => {
    const { session, actor, state } = stageDelegate();
    actor.send({ type: 'work.wind-down' });
    expect([state(), session.heard]).toEqual(['running', [START, { type: 'op.cancel', taskId: 'regular/9' }]]);
  });

  it('ends without the end of a task when its sub-session closes by itself', () => {
    const { session, end } = stageDelegate();
    session.finish(undefined);
    expect(end()).toEqual({ sessionId: 's2', at: 10, end: null, error: null, report: NOTHING });
  });

  it.each([
    ['runs', () => {}],
    ['is cancelled', ({ actor }: ReturnType<typeof stageDelegate>) => actor.send(CANCEL)],
    ['closes', ({ session }: ReturnType<typeof stageDelegate>) => session.say(TASK_ENDED)],
  ])('ends with the crash of its sub-session, and does not crash itself, when that throws while it %s', (_, into) => {
    const staged = stageDelegate();
    into(staged);
    staged.session.crash('The chart broke.');
    const error = {
      code: 'sub-session-failed',
      message: 'The sub-session crashed: The chart broke.',
      retryable: false,
    };
    expect([staged.state(), staged.end()?.error, staged.relays.last().isStopped]).toEqual(['over', error, true]);
  });

  it('keeps the end of the task when its sub-session crashes while it closes', () => {
    const { session, end } = stageDelegate();
    session.say(TASK_ENDED);
    session.crash('The chart broke.');
    expect([end()?.at, end()?.end]).toEqual([90, END]);
  });
});

describe('a delegate that is cancelled', () => {
  const ABORTED: TaskEnd = {
    ...{ taskId: 'regular/9', kind: 'regular', at: 150, end: 'aborted', reason: 'parent-aborted' },
    ...{ report: { ...NOTHING, killed: 1 }, phases: [{ phase: 'aborting', ms: 50 }], forced: false },
  };

  it('interrupts its sub-session with the same deadline', () => {
    const { actor, session, state, above } = stageDelegate();
    actor.send(CANCEL);
    expect([state(), session.heard, above]).toEqual(['cancelling', [START, INTERRUPT], []]);
  });

  it('acknowledges when its sub-session does, and says whose it is', () => {
    const { actor, session, state, above } = stageDelegate();
    actor.send(CANCEL);
    session.say({ type: 'session.acknowledged', at: 103 });
    expect([state(), above]).toEqual(['cancelling', [{ type: 'work.acknowledged', from: 's2', at: 103 }]]);
  });

  it('waits for the end of the task and for the sub-session to close, and reports both', () => {
    const { actor, session, state, end } = stageDelegate();
    actor.send(CANCEL);
    const report = { killed: 1, survivors: 0, unsettled: 0, sessions: [INPUT.session.path] };
    session.say({ type: 'session.task-ended', taskId: 'regular/9', at: 150, end: ABORTED, report });
    expect([state(), session.heard.at(-1)]).toEqual(['closing', { type: 'op.close', at: 150, deadline: 150 }]);
    session.finish(undefined);
    expect(end()).toEqual({ sessionId: 's2', at: 150, end: ABORTED, error: null, report });
  });

  it('does not take the end of another task for that of its own', () => {
    const { actor, session, state } = stageDelegate();
    actor.send(CANCEL);
    const other: TaskEnd = { ...END, taskId: 'snapshot/1', kind: 'snapshot' };
    session.say({ ...TASK_ENDED, taskId: 'snapshot/1', end: other });
    expect([state(), session.heard]).toEqual(['cancelling', [START, INTERRUPT]]);
  });

  it('passes the kill on', () => {
    const { actor, session, state } = stageDelegate();
    actor.send(CANCEL);
    actor.send(KILL);
    expect([state(), session.heard]).toEqual(['cancelling', [START, INTERRUPT, { type: 'op.kill', at: 200 }]]);
  });

  it('interrupts once', () => {
    const { actor, session } = stageDelegate();
    actor.send(CANCEL);
    actor.send(CANCEL);
    expect(session.heard).toEqual([START, INTERRUPT]);
  });

  it('acknowledges by itself when it was closing, and goes on closing', () => {
    const { actor, session, state, above } = stageDelegate();
    session.say(TASK_ENDED);
    actor.send(CANCEL);
    expect([state(), session.heard, above]).toEqual([
      'closing',
      [START, CLOSE],
      [{ type: 'work.acknowledged', from: 's2', at: 100 }],
    ]);
  });

  it('has nothing to kill when it was closing: its close gave no grace', () => {
    const { actor, session, state } = stageDelegate();
    session.say(TASK_ENDED);
    actor.send(CANCEL);
    actor.send(KILL);
    expect([state(), session.heard]).toEqual(['closing', [START, CLOSE]]);
  });
});
