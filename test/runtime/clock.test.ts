import { describe, expect, it } from 'vitest';
import { systemClock, TIMER_MAX_MS } from '../../src/runtime/clock.ts';

describe("the machine's own clock", () => {
  it('shows the time, in ms since 1970', () => {
    const before = Date.now();
    const shown = systemClock.now();
    expect([before <= shown, shown <= Date.now()]).toEqual([true, true]);
  });

  it.each([TIMER_MAX_MS + 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY])(
    'does not fire at once when the delay is longer than timers can be (%d)',
    async (ms) => {
      const fired: string[] = [];
      const long = systemClock.setTimeout(() => fired.push('long'), ms);
      // Node fires a timer that is too long after 1 ms, and these two after it.
      await new Promise<void>((resolve) => {
        systemClock.setTimeout(() => systemClock.setTimeout(resolve, 2), 2);
      });
      systemClock.clearTimeout(long);
      expect(fired).toEqual([]);
    },
  );

  it('takes a delay below zero for none', async () => {
    await new Promise<void>((resolve) => {
      systemClock.setTimeout(resolve, -5);
    });
  });

  it('fires shorter timers before longer ones, and none that was cleared', async () => {
    const fired: string[] = [];
    await new Promise<void>((resolve) => {
      systemClock.setTimeout(resolve, 30);
      systemClock.setTimeout(() => fired.push('second'), 15);
      const cleared = systemClock.setTimeout(() => fired.push('cleared'), 5);
      systemClock.setTimeout(() => fired.push('first'), 1);
      systemClock.clearTimeout(cleared);
    });
    expect(fired).toEqual(['first', 'second']);
  });
});
