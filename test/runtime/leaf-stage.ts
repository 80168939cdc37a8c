import { createActor } from 'xstate';
import type { LeafEnd } from '../../src/protocol/messages.ts';
import { type LeafScope, leaf, type Owned } from '../../src/runtime/leaf.ts';
import { bindClock } from '../../src/runtime/system-clock.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';

/** When the clock begins, in ms since 1970. */
export const START = 1_000;
export const NOTHING = { killed: 0, survivors: 0, unsettled: 0, sessions: [] };
export const CANCEL = { type: 'work.cancel', deadline: START + 100, at: START } as const;
export const KILL = { type: 'work.kill', at: START } as const;
type Scope = LeafScope<{ name: string }>;

/** A leaf on a clock that stands; the function shows its scope and then waits until the test lets it go on. */
export function stageLeaf(before: (scope: Scope) => void = () => {}) {
  const clock = createSteppedClock(START);
  const returned = Promise.withResolvers<string>();
  const scopes: Scope[] = [];
  const logic = leaf<string, { name: string }>((scope) => {
    scopes.push(scope);
    before(scope);
    return returned.promise;
  });
  const actor = createActor(logic, { input: { name: 'one' } });
  bindClock(actor.system, clock);
  const ends: (LeafEnd<string> | undefined)[] = [];
  const ended = new Promise<void>((resolve) => {
    actor.subscribe((snapshot) => {
      if (snapshot.status !== 'done') return;
      ends.push(snapshot.output);
      resolve();
    });
  });
  actor.start();
  return {
    actor,
    clock,
    scopes,
    ends,
    ended,
    returns: returned.resolve,
    throws: returned.reject,
    scope: () => {
      const [scope] = scopes;
      if (scope === undefined) throw new Error('Expected a leaf that has begun, got one that has not.');
      return scope;
    },
  };
}

/** Something that is owned, and how often it was killed, with which grace. */
export function ownable(
  killed: Promise<{ killed: number; survivors: number }> = Promise.resolve({ killed: 1, survivors: 0 }),
) {
  const graces: number[] = [];
  const owned: Owned = {
    kill(graceMs) {
      graces.push(graceMs);
      return killed;
    },
  };
  return { owned, graces };
}

/** Lets everything happen that waits for nothing but its turn. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
