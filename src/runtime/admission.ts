import { type EventObject, fromCallback } from 'xstate';
import type { Clock } from './clock.ts';
import { clockOf } from './system-clock.ts';

/** How many may begin in one turn of the event loop: as many where there is time, and as few where there is none. */
export const SLICE_MAX = 16;
export const SLICE_MIN = 2;
/** How long a turn of the event loop may get by what begins in it, in ms. */
const TURN_MS = 25;

/** After how long the next turn is looked for, in ms: the shortest that a timer of Node takes. */
const WAIT_MS = 1;

/** Who may begin when many want to at once: some in each turn of the event loop, the others in the order of their asking. */
export interface Admission {
  /** Whether one more may begin in this turn; if so it is counted. */
  enter(): boolean;
  /** Calls back when the turn has come. Gives back how to give up waiting. */
  wait(onTurn: () => void): () => void;
  /** Something has begun, and is over: while nothing runs, whoever comes may begin. */
  begun(): void;
  over(): void;
}

const admissions = new WeakMap<Clock, Admission>();

/** The admission of all that share a clock: of this process, or of a simulated world. */
export function admissionOf(clock: Clock): Admission {
  const known = admissions.get(clock) ?? createAdmission(clock);
  admissions.set(clock, known);
  return known;
}

export function createAdmission(clock: Clock): Admission {
  const waiting = new Set<() => void>();
  let running = 0;
  let slice = SLICE_MAX;
  let entered = 0;
  let turnBegan: number | null = null;

  const beginTurn = () => {
    turnBegan = clock.now();
    entered = 0;
    clock.setTimeout(onTurn, WAIT_MS);
  };
  const onTurn = () => {
    const tookMs = Math.max(1, clock.now() - (turnBegan ?? 0));
    slice = Math.min(SLICE_MAX, Math.max(SLICE_MIN, Math.round((slice * TURN_MS) / tookMs)));
    if (waiting.size === 0) {
      if (entered > 0) beginTurn();
      else turnBegan = null;
      return;
    }
    beginTurn();
    for (const go of waiting) {
      if (entered >= slice) break;
      waiting.delete(go);
      entered += 1;
      go();
    }
  };

  return {
    enter() {
      if (waiting.size > 0 || (running > 0 && entered >= slice)) return false;
      // One after the other needs no turns, and no timer.
      if (running === 0) return true;
      if (turnBegan === null) beginTurn();
      entered += 1;
      return true;
    },
    wait(go) {
      const own = () => go();
      waiting.add(own);
      if (turnBegan === null) beginTurn();
      return () => void waiting.delete(own);
    },
    begun() {
      running += 1;
    },
    over() {
      running -= 1;
    },
  };
}

/** Tells its parent `turn.granted` when it may begin. Invoked, so that it asks again when its machine is restored. */
export const turn = fromCallback<EventObject>(({ sendBack, system }) => {
  const clock = clockOf(system);
  return admissionOf(clock).wait(() => sendBack({ type: 'turn.granted', at: clock.now() }));
});
