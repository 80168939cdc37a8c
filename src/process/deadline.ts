import type { Clock, Timer } from '../runtime/clock.ts';

/** A moment that only moves nearer. It is kept by timers, so that a clock that is set does not move it. */
export interface Deadline {
  passed(): boolean;
  /** Resolves when it has passed. */
  readonly reached: Promise<void>;
  /** In at most `ms` from now. */
  within(ms: number): void;
  /** Lets go of its timers; it is then never reached. */
  cancel(): void;
}

export function createDeadline(clock: Clock): Deadline {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const timers = new Set<Timer>();
  let passed = false;
  let cancelled = false;
  return {
    passed: () => passed,
    reached,
    within(ms) {
      if (passed || cancelled) return;
      timers.add(
        clock.setTimeout(() => {
          passed = true;
          resolve();
        }, ms),
      );
    },
    cancel() {
      cancelled = true;
      for (const timer of timers) clock.clearTimeout(timer);
      timers.clear();
    },
  };
}

/** Resolves after `ms`, or when `until` has passed. */
export async function pause(clock: Clock, ms: number, until: Deadline): Promise<void> {
  const over = createDeadline(clock);
  over.within(ms);
  await Promise.race([over.reached, until.reached]);
  over.cancel();
}
