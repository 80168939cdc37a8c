import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';

const clocks = new WeakMap<object, Clock>();

/** Gives the actors of a system their clock. */
export function bindClock(system: object, clock: Clock): void {
  clocks.set(system, clock);
}

/** The clock of an actor's system: the one it was given, else the machine's own. */
export function clockOf(system: object): Clock {
  return clocks.get(system) ?? systemClock;
}
