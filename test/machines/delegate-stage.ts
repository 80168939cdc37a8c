import { createActor, type SnapshotFrom } from 'xstate';
import { type DelegateInput, delegate, type RelayInput } from '../../machines/delegate.machine.ts';
import type { SessionInput, SessionOp, StartOrder, TaskEnd } from '../../src/protocol/messages.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';
import { audience, puppets, resumed, type Stored } from './puppet.ts';

export const ORDER: StartOrder = {
  taskId: 'regular/9',
  kind: 'regular',
  input: 'Look around.',
  context: { model: 'm', cwd: '/', sandbox: 'read-only', approvalPolicy: 'never' },
  whenBusy: 'replace',
  placement: 'foreground',
  steerable: true,
};
export const INPUT: DelegateInput = {
  session: { sessionId: 's2', path: [{ sessionId: 's1', kind: 'root' }], graceMs: 100, killMs: 500 },
  relay: { parentId: 's1', childId: 's2' },
  relayId: 'relay:review/s2',
  order: ORDER,
  at: 10,
};
export const END: TaskEnd = {
  taskId: 'regular/9',
  kind: 'regular',
  at: 90,
  end: 'completed',
  answer: 'Seen.',
  data: null,
};
/** What the sub-session says when its task has completed. */
export const TASK_ENDED = {
  type: 'session.task-ended',
  taskId: 'regular/9',
  at: 90,
  end: END,
  report: { killed: 0, survivors: 0, unsettled: 0, sessions: [] },
};

/** A delegate, with a sub-session and a relay that the test plays. */
export function stageDelegate(store?: Stored, more: Pick<DelegateInput, 'converses'> = {}) {
  const clock = createSteppedClock(store?.at);
  const above = audience(clock);
  const sessions = puppets<SessionInput, SessionOp, undefined>();
  const relays = puppets<RelayInput, { type: string }, undefined>();
  const machine = delegate.provide({ actors: { session: sessions.logic, relay: relays.logic } });
  const actor = createActor(machine, {
    id: 'delegate/s2',
    parent: above.ref,
    input: { ...INPUT, ...more },
    ...resumed<SnapshotFrom<typeof machine>>(store),
  }).start();
  return {
    actor,
    clock,
    sessions,
    relays,
    get session() {
      return sessions.last();
    },
    above: above.heard,
    state: () => actor.getSnapshot().value,
    end: () => actor.getSnapshot().output,
  };
}
