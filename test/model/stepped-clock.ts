import type { Clock } from '../../src/runtime/clock.ts';

/** A clock that stands still until it is told to go on. */
export type SteppedClock = Clock &
  Readonly<{
    /** How far off each pending timer is, soonest first. */
    pending(): readonly number[];
    /** Goes on by `ms` and fires what is due by then, in order. */
    advance(ms: number): void;
    /** Resolves as soon as a timer is pending that is exactly `ms` off. */
    whenPending(ms: number): Promise<void>;
  }>;

export function createSteppedClock(startMs = 1_000_000): SteppedClock {
  let now = startMs;
  const timers = new Set<{ at: number; fn: () => void }>();
  const waiting = new Set<{ ms: number; resolve: () => void }>();
  const pending = () => [...timers].map((timer) => timer.at - now).sort((a, b) => a - b);
  const wake = () => {
    for (const waiter of waiting) if (pending().includes(waiter.ms)) waiter.resolve();
  };
  return {
    now: () => now,
    setTimeout(fn, ms) {
      const timer = { at: now + ms, fn };
      timers.add(timer);
      wake();
      return timer;
    },
    clearTimeout(timer) {
      for (const known of timers) if (known === timer) timers.delete(known);
    },
    pending,
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const [next] = [...timers].sort((a, b) => a.at - b.at);
        if (next === undefined || next.at > until) break;
        timers.delete(next);
        now = next.at;
        next.fn();
      }
      now = until;
      wake();
    },
    whenPending: (ms) =>
      new Promise((resolve) => {
        waiting.add({ ms, resolve });
        wake();
      }),
  };
}
