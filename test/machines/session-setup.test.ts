import { describe, expect, it } from 'vitest';
import {
  abortReplaced,
  atIn,
  endIn,
  namedIn,
  orderIn,
  type SessionMachineContext,
  type SessionMachineEvent,
} from '../../machines/session-setup.ts';
import { orderOf } from './session-stage.ts';

/** A session in which these tasks run and wait. */
const contextOf = (more: Partial<SessionMachineContext> = {}) =>
  ({ foreground: null, beside: [], queue: [], inputs: [], graceMs: 100, ...more }) as unknown as SessionMachineContext; // All that is read.
const running = { taskId: 't1', childId: 'job/foreground', kind: 'job', steerable: false };
const crash = (actorId: string) =>
  ({ type: 'xstate.error.actor.x', actorId, error: new Error('broken') }) as unknown as SessionMachineEvent; // As XState tells it.

describe('the end of a task', () => {
  const failed = (taskId: string, kind: string, cause: string) => ({
    taskId,
    kind,
    at: 0,
    end: 'failed',
    error: {
      code: 'internal',
      message: `The task crashed: ${cause}. This is a defect of the task's machine.`,
      retryable: false,
    },
  });

  it('is a failure when its machine has crashed, by the name of the task, or, of one that is not known, of its actor', () => {
    const context = contextOf({ foreground: running });
    expect([
      endIn({ context, event: crash('job/foreground') }),
      endIn({ context, event: crash('job/beside-0') }),
      endIn({ context, event: { type: 'session.stop' } as unknown as SessionMachineEvent }), // As a chart that is wired wrongly has it.
    ]).toEqual([failed('t1', 'job', 'broken'), failed('job/beside-0', '', 'broken'), failed('', '', 'session.stop')]);
  });
});

describe('what an event is about', () => {
  const other = { type: 'session.resumed' } as unknown as SessionMachineEvent; // It brings nothing along.

  it('is the start that waits the longest, and it is said when there is none', () => {
    const [first, second] = [orderOf('t1'), orderOf('t2')];
    expect(orderIn({ context: contextOf({ queue: [first, second] }), event: other })).toBe(first);
    expect(() => orderIn({ context: contextOf(), event: other })).toThrow(
      'Expected a start to be waiting, got none at "session.resumed".',
    );
  });

  it('is no start in the queue, when it names none', () => {
    expect(namedIn({ context: contextOf({ queue: [orderOf('t1')] }), event: other })).toEqual([]);
  });

  it('has a time where it says so, itself or in what it gives back', () => {
    const times = [{ at: 5 }, { output: { at: 7 } }, { output: {} }, {}].map((one) => atIn({ type: 'x', ...one }));
    expect(times).toEqual([5, 7, 0, 0]);
  });
});

it('replaces nothing when nothing runs in the foreground', () => {
  const event = { type: 'x', at: 5 };
  const abort = { reason: 'replaced', at: 5, deadline: 105 };
  expect([
    abortReplaced({ context: contextOf(), event }),
    abortReplaced({ context: contextOf({ foreground: running }), event }),
  ]).toEqual([
    { ...abort, taskIds: [] },
    { ...abort, taskIds: ['t1'] },
  ]);
});
