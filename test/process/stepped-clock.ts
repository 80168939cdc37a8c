import type { Clock } from '../../src/runtime/clock.ts';

export type SteppedClock = Clock & {
  /** Goes from timer to timer until `work` has settled; fails when nothing is left that could settle it. */
  runUntil<T>(work: Promise<T>): Promise<T>;
  /** Passes `ms`, timer by timer. */
  advance(ms: number): Promise<void>;
  /** How many timers wait. */
  pending(): number;
};

/** A clock that stands still until it is told to go on; it begins at 0. */
export function steppedClock(): SteppedClock {
  let nowMs = 0;
  const timers = new Set<{ atMs: number; fn: () => void }>();
  const next = () => [...timers].sort((a, b) => a.atMs - b.atMs)[0];
  const fire = (timer: { atMs: number; fn: () => void }) => {
    timers.delete(timer);
    nowMs = Math.max(nowMs, timer.atMs);
    timer.fn();
  };
  return {
    now: () => nowMs,
    setTimeout(fn, ms) {
      const timer = { atMs: nowMs + ms, fn };
      timers.add(timer);
      return timer;
    },
    clearTimeout(timer) {
      for (const one of timers) if (one === timer) timers.delete(one);
    },
    async runUntil(work) {
      let settled = false;
      const settle = () => {
        settled = true;
      };
      work.then(settle, settle);
      for (;;) {
        await settleEverything();
        if (settled) return work;
        const timer = next();
        if (timer === undefined) throw new Error('Expected a timer that goes on, but none waits.');
        fire(timer);
      }
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settleEverything();
      for (let timer = next(); timer !== undefined && timer.atMs <= untilMs; timer = next()) {
        fire(timer);
        await settleEverything();
      }
      nowMs = untilMs;
    },
    pending: () => timers.size,
  };
}

/** Lets all that waits for nothing but its turn have it: promises, streams, and what Node does next. */
async function settleEverything(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
