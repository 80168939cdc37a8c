import { createActor, type SnapshotFrom } from 'xstate';
import { definedWork } from '../../machines/defined-work.machine.ts';
import type { DelegateEnd, DelegateInput, delegate } from '../../machines/delegate.machine.ts';
import type { BodyValue, StageInput } from '../../machines/staged-work.ts';
import { type LeafEnd, NOTHING_TO_REPORT, type TaskInput, type WorkCommand } from '../../src/protocol/messages.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';
import { ORDER } from './delegate-stage.ts';
import { audience, puppets, resumed, type Stored } from './puppet.ts';

export const TASK: TaskInput = { taskId: 'lint/1', sessionId: 's1', kind: 'lint', killMs: 500 };

export function inputOf(sessionId: string): DelegateInput {
  return {
    session: { sessionId, path: [], graceMs: 100, killMs: 500 },
    relay: { parentId: 's1', childId: sessionId },
    relayId: `relay:lint/${sessionId}`,
    order: { ...ORDER, taskId: `regular/${sessionId}` },
    at: 5,
  };
}

export function endOf(sessionId: string, more: Partial<DelegateEnd> = {}): DelegateEnd {
  return { sessionId, at: 60, end: null, error: null, report: NOTHING_TO_REPORT, ...more };
}

/** A work that is a function, with a body and delegates that the test plays. */
export function stageDefined(store?: Stored) {
  const clock = createSteppedClock(store?.at);
  const above = audience(clock);
  const bodies = puppets<StageInput, WorkCommand, LeafEnd<BodyValue>>();
  const delegates = puppets<DelegateInput, WorkCommand, DelegateEnd>();
  const delivered: DelegateEnd[] = [];
  const refused: string[] = [];
  const machine = definedWork.provide({
    actors: { body: bodies.logic, delegate: delegates.logic as unknown as typeof delegate }, // XState wants equal types.
    actions: {
      deliverDelegate: (_, { event }) => void delivered.push(event.output),
      refuseDelegate: (_, { input }) => void refused.push(input.session.sessionId),
    },
  });
  const actor = createActor(machine, {
    id: 'work',
    parent: above.ref,
    input: TASK,
    ...resumed<SnapshotFrom<typeof machine>>(store),
  }).start();
  return {
    actor,
    clock,
    get body() {
      return bodies.last();
    },
    delegates,
    delivered,
    refused,
    above: above.heard,
    state: () => actor.getSnapshot().value,
    end: () => actor.getSnapshot().output,
    open(sessionId: string) {
      actor.send({ type: 'delegate.open', input: inputOf(sessionId) });
      return delegates.last();
    },
    /** The function has returned, or thrown. */
    returns: (end: Partial<LeafEnd<BodyValue>> = {}) =>
      bodies.last().finish({
        at: 50,
        value: null,
        error: null,
        cancelled: false,
        report: NOTHING_TO_REPORT,
        ...end,
      }),
  };
}
