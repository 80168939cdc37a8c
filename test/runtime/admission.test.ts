import { describe, expect, it } from 'vitest';
import { admissionOf, createAdmission, SLICE_MAX, SLICE_MIN } from '../../src/runtime/admission.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';

/** Many come at once; who begins stays. `begun` are those that have, in order. */
function crowd(size: number, costMs = 0) {
  const clock = createSteppedClock(0);
  const admission = createAdmission({ ...clock, now: () => clock.now() + spent });
  let spent = 0;
  const begun: number[] = [];
  const begin = (who: number) => {
    begun.push(who);
    admission.begun();
    spent += costMs;
  };
  const leaving: (() => void)[] = [];
  for (let who = 0; who < size; who += 1) {
    if (admission.enter()) begin(who);
    else leaving[who] = admission.wait(() => begin(who));
  }
  return { clock, admission, begun, leaving };
}

describe('admission', () => {
  it('lets one after the other begin at once, without a timer', () => {
    const { clock, admission } = crowd(0);
    for (let count = 0; count < 1_000; count += 1) {
      expect(admission.enter()).toBe(true);
      admission.begun();
      admission.over();
    }
    expect(clock.pending()).toEqual([]);
  });

  it('lets a slice of a crowd begin in each turn, in the order of asking', () => {
    // The first of all finds nothing running, and is not counted.
    const everybody = 4 * SLICE_MAX + 1;
    const { clock, begun } = crowd(everybody);
    const counts = [begun.length];
    while (begun.length < everybody) {
      clock.advance(1);
      counts.push(begun.length);
    }
    expect(counts).toEqual([1, 2, 3, 4].map((turns) => turns * SLICE_MAX + 1));
    expect(begun).toEqual(Array.from({ length: everybody }, (_, who) => who));
    clock.advance(2);
    expect(clock.pending()).toEqual([]);
  });

  it('lets fewer begin where they take long, and always some', () => {
    const { clock, begun } = crowd(100, 10);
    const first = begun.length;
    clock.advance(1);
    expect(begun.length - first).toBe(SLICE_MIN);
    for (let turn = 0; turn < 100; turn += 1) clock.advance(1);
    expect(begun.length).toBe(100);
  });

  it('passes over who has given up', () => {
    const { clock, begun, leaving } = crowd(SLICE_MAX + 4);
    leaving[SLICE_MAX + 2]?.();
    clock.advance(1);
    expect(begun.slice(-2)).toEqual([SLICE_MAX + 1, SLICE_MAX + 3]);
  });

  it('keeps who comes later behind those who wait', () => {
    const { admission, leaving } = crowd(SLICE_MAX + 2);
    expect(admission.enter()).toBe(false);
    leaving[SLICE_MAX + 1]?.();
    expect(admission.enter()).toBe(false);
  });

  it('is one for each clock', () => {
    const clock = createSteppedClock(0);
    const first = admissionOf(clock);
    expect([admissionOf(clock) === first, admissionOf(createSteppedClock(0)) === first]).toEqual([true, false]);
  });
});
