import { expect, it } from 'vitest';
import { quantile, spreadOf } from '../../bench/statistics.ts';

it('tells the median, the least and the most of the samples, in whatever order they come', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, samples: [3, 1, 2] });
  expect(spreadOf([4, 1])).toEqual({ median: 2.5, min: 1, max: 4, samples: [4, 1] });
});

it('finds a value between two samples in proportion', () => {
  expect([0, 0.25, 0.99, 1].map((share) => quantile([10, 20, 30], share))).toEqual([10, 15, 29.8, 30]);
});

it('refuses to tell a quantile of nothing', () => {
  expect(() => quantile([], 0.5)).toThrow('Expected at least one sample, got none.');
});
