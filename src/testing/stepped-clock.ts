import { type Clock, TIMER_MAX_MS } from '../runtime/clock.ts';

/** Where simulated time begins, in ms since 1970: the first day of 2000, which nobody takes for today. */
export const START_MS = Date.UTC(2000, 0, 1);

/** Time that stands still until it is told to go on. */
export interface SteppedClock extends Clock {
  /** Goes on to the next deadline and fires that one timer; false when none waits. Equal deadlines: the oldest first. */
  step(): boolean;
  /** Resolves after `ms`, or as soon as `signal` aborts. `what` is said of it while it is waited for. */
  pass(ms: number, what: string, signal?: AbortSignal): Promise<void>;
  /** Never resolves. `what` is said of it for ever. */
  hang(what: string): Promise<never>;
  /** How many timers wait. */
  readonly timers: number;
  /** What is waited for, in words: the soonest first, then what hangs. */
  waiting(): readonly string[];
}

/** Makes a clock that shows whole ms only. A timer that throws throws out of the `step` that fired it. */
export function steppedClock(startMs = START_MS): SteppedClock {
  /** By deadline; equal ones in the order in which they were made. */
  const timers: Waiting[] = [];
  const hanging: string[] = [];
  let now = startMs;

  const add = (fn: () => void, ms: number, what: string): Waiting => {
    const timer = { at: now + delayOf(ms), fn, what };
    const later = timers.findLastIndex(({ at }) => at <= timer.at) + 1;
    timers.splice(later, 0, timer);
    return timer;
  };
  const remove = (timer: unknown) => {
    const known: readonly unknown[] = timers;
    const index = known.indexOf(timer);
    if (index !== -1) timers.splice(index, 1);
  };

  return {
    now: () => now,
    setTimeout: (fn, ms) => add(fn, ms, 'a timer'),
    clearTimeout: remove,
    step() {
      const timer = timers.shift();
      if (timer === undefined) return false;
      now = timer.at;
      timer.fn();
      return true;
    },
    pass: (ms, what, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const end = () => {
          remove(timer);
          signal?.removeEventListener('abort', end);
          resolve();
        };
        const timer = add(end, ms, what);
        signal?.addEventListener('abort', end, { once: true });
      }),
    hang(what) {
      hanging.push(what);
      return new Promise(() => {});
    },
    get timers() {
      return timers.length;
    },
    waiting: () => [
      ...timers.map(({ at, what }) => `in ${at - now} ms: ${what}`),
      ...hanging.map((what) => `for ever: ${what}`),
    ],
  };
}

type Waiting = Readonly<{ at: number; fn: () => void; what: string }>;

/** Never early, never longer than a timer of Node takes, and nothing but whole ms. */
function delayOf(ms: number): number {
  if (Number.isNaN(ms)) throw new RangeError('Expected the delay of a timer in ms, got NaN.');
  return Math.ceil(Math.min(Math.max(ms, 0), TIMER_MAX_MS));
}
