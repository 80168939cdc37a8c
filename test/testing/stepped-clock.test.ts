import { describe, expect, it } from 'vitest';
import { TIMER_MAX_MS } from '../../src/runtime/clock.ts';
import { START_MS, type SteppedClock, steppedClock } from '../../src/testing/stepped-clock.ts';

/** Fires all timers; gives what was noted with the ms that had passed then. */
function runDown(clock: SteppedClock, arrange: (note: (what: string) => () => void) => void): [number, string][] {
  const fired: [number, string][] = [];
  arrange((what) => () => void fired.push([clock.now() - START_MS, what]));
  while (clock.step());
  return fired;
}

describe('a stepped clock', () => {
  it('fires each timer at its own deadline, and equal ones in the order of their making', () => {
    const clock = steppedClock();
    const fired = runDown(clock, (note) => {
      clock.setTimeout(note('c'), 30);
      clock.setTimeout(note('a'), 10);
      clock.setTimeout(note('d'), 30);
      clock.setTimeout(note('b'), 20);
    });
    expect(fired).toEqual([
      [10, 'a'],
      [20, 'b'],
      [30, 'c'],
      [30, 'd'],
    ]);
  });

  it('counts a timer that a timer makes from the deadline of the first', () => {
    const clock = steppedClock();
    const fired = runDown(clock, (note) => {
      clock.setTimeout(() => clock.setTimeout(note('second'), 50), 50);
      clock.setTimeout(note('later'), 200);
    });
    expect(fired).toEqual([
      [100, 'second'],
      [200, 'later'],
    ]);
  });

  it('does not fire what was cleared, and clears what it does not know without a word', () => {
    const clock = steppedClock();
    const fired = runDown(clock, (note) => {
      const timer = clock.setTimeout(note('cleared'), 10);
      clock.setTimeout(() => clock.clearTimeout(timer), 5);
      clock.clearTimeout('unknown');
    });
    expect(fired).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it('shows whole ms, is never early, and knows no timer longer than those of Node', () => {
    const clock = steppedClock();
    const fired = runDown(clock, (note) => {
      clock.setTimeout(note('negative'), -5);
      clock.setTimeout(note('fraction'), 1.2);
      clock.setTimeout(note('for ever'), Number.POSITIVE_INFINITY);
    });
    expect(fired).toEqual([
      [0, 'negative'],
      [2, 'fraction'],
      [TIMER_MAX_MS, 'for ever'],
    ]);
    expect(() => clock.setTimeout(() => {}, Number.NaN)).toThrow('got NaN');
  });

  it('lets a wait end early, and says what is waited for', async () => {
    const clock = steppedClock();
    const stop = new AbortController();
    const waits = Promise.all([
      clock.pass(500, 'the answer', stop.signal),
      clock.pass(5, 'nothing', AbortSignal.abort()),
    ]);
    clock.setTimeout(() => {}, 20);
    void clock.hang('a dead disk');
    expect(clock.waiting()).toEqual(['in 20 ms: a timer', 'in 500 ms: the answer', 'for ever: a dead disk']);
    stop.abort();
    await waits;
    expect(clock.waiting()).toEqual(['in 20 ms: a timer', 'for ever: a dead disk']);
  });

  it('throws what a timer throws', () => {
    const clock = steppedClock();
    clock.setTimeout(() => {
      throw new Error('broken timer');
    }, 1);
    expect(() => clock.step()).toThrow('broken timer');
  });
});
