import { describe, expect, it } from 'vitest';
import { seededRng, xoshiro128 } from '../../src/testing/seeded-rng.ts';

const first = (count: number, next: () => number) => Array.from({ length: count }, next);

describe('seeded chance', () => {
  it('draws the published numbers of its generator', () => {
    // The first numbers of xoshiro128** for the state 1, 2, 3, 4, as its ports to other languages test them.
    expect(first(10, xoshiro128([1, 2, 3, 4]))).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it('is the same for the same seed, and another for another', () => {
    const [a, again, b] = [seededRng(1), seededRng(1), seededRng(2)].map((rng) => first(20, rng.next));
    expect(again).toEqual(a);
    expect(b).not.toEqual(a);
    expect(seededRng(1).bytes(16)).toEqual(seededRng(1).bytes(16));
  });

  it('has forks that do not notice what is drawn elsewhere', () => {
    const rng = seededRng(7);
    const before = first(5, rng.fork('files').next);
    first(3, rng.next);
    first(3, rng.fork('ids').next);
    expect(first(5, rng.fork('files').next)).toEqual(before);
    expect(first(5, rng.fork('ids').next)).not.toEqual(before);
  });

  it('draws whole numbers with both bounds among them, and numbers from 0 up to but not 1', () => {
    const rng = seededRng(3);
    expect(new Set(first(200, () => rng.integer(-1, 2)))).toEqual(new Set([-1, 0, 1, 2]));
    expect(first(1_000, rng.next).every((value) => value >= 0 && value < 1)).toBe(true);
    expect(new Set(rng.bytes(20_000)).size).toBe(256);
  });

  it('picks one maximum for a pace and stays below it', () => {
    const maxima = Array.from({ length: 50 }, (_, seed) => {
      const pace = seededRng(seed).pace([0, 5]);
      return Math.max(...first(100, pace));
    });
    expect(new Set(maxima)).toEqual(new Set([0, 5]));
  });

  it('cannot pick from nothing', () => {
    expect(() => seededRng(1).pick([])).toThrow('Expected at least one value to pick from, got none.');
  });
});
