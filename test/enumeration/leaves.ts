import { NOTHING_TO_REPORT } from '../../src/protocol/messages.ts';
import type { Leaf, LeafStep } from './actors.ts';

/** All times are one: that one thing comes after another is a choice, not a number. */
export const at = 1;

/** A deadline may pass at any time once somebody waits for it: whatever may come before it may come after it. */
export const timer: Leaf = {
  start: ({ deadline }: { deadline: number | null }) => ({ waits: deadline !== null }),
  hear: (state) => state,
  steps: ({ waits }: { waits: boolean }) =>
    waits ? [{ what: 'passes', state: { waits: false }, says: [{ type: 'deadline.passed', at }] }] : [],
};

/** An actor of which nothing is seen. */
export const silent: Leaf = { start: () => null, hear: (state) => state, steps: () => [] };

export const hook: Leaf = {
  start: () => null,
  hear: (state) => state,
  steps: (state) => [{ what: 'ends', state, ends: { output: { at } } }],
};

/** What a leaf of the runtime knows: what it was told, and how far it has come. */
export type LeafState = Readonly<{ told: 'nothing' | 'cancel' | 'kill'; step: number; heard: readonly string[] }>;

/**
 * A leaf as the runtime makes them, with these steps: it may stop at any time once it is cancelled, or go on until it is
 * killed; whatever it comes to after a cancel says so. `hears` are events that its steps wait for.
 */
export function scripted(steps: (state: LeafState) => readonly LeafStep[], hears: readonly string[] = []): Leaf {
  return {
    start: (): LeafState => ({ told: 'nothing', step: 0, heard: [] }),
    hear(state: LeafState, event): LeafState {
      if (event.type === 'work.kill') return { ...state, told: 'kill' };
      if (event.type === 'work.cancel') return { ...state, told: state.told === 'kill' ? 'kill' : 'cancel' };
      return hears.includes(event.type) ? { ...state, heard: [...state.heard, event.of ?? event.type] } : state;
    },
    steps(state: LeafState) {
      const stops = { what: 'stops', state, ends: end(state, null) };
      if (state.told === 'kill') return [stops];
      return state.told === 'cancel' ? [stops, ...steps(state)] : steps(state);
    },
  };
}

/** How a leaf ends with a value; null: with none. */
export function end({ told }: LeafState, value: unknown) {
  return { output: { at, value, error: null, cancelled: told !== 'nothing', report: NOTHING_TO_REPORT } };
}
