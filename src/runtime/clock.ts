/** What a timer is known by. */
export type Timer = unknown;

/** Time, in ms since 1970, and timers. XState takes it as its `clock`. */
export interface Clock {
  now(): number;
  setTimeout(fn: () => void, ms: number): Timer;
  clearTimeout(timer: Timer): void;
}

/** The longest delay that Node's timers take; a longer one would fire at once. */
export const TIMER_MAX_MS = 2_147_483_647;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (fn, ms) => setTimeout(fn, Math.min(Math.max(ms, 0), TIMER_MAX_MS)),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
