import { beforeAll, expect, it } from 'vitest';
import { isThorough } from '../rounds.ts';
import { closingLine, everyFault, type Failed, newTally } from './each.ts';
import { SCENARIOS } from './scenarios.ts';

/**
 * Every n-th way of going wrong is tried, and so many pairs a scenario, and so many faults have to be met. `npm run torture -- nth`
 * tries all, and more pairs.
 */
const { every, compound, metMin } = isThorough
  ? { every: 3, compound: 12, metMin: 5_000 }
  : { every: 12, compound: 6, metMin: 1_300 };

const failed: Failed[] = [];
const tally = newTally();

beforeAll(async () => {
  for (const scenario of SCENARIOS) failed.push(...(await everyFault(scenario, { every, compound }, tally)));
  console.log(closingLine(tally, failed.length));
}, 900_000);

it('loses nothing acknowledged and breaks nothing, whichever operation of a scenario goes wrong, and how', () => {
  expect(failed).toEqual([]);
});

it('meets what it plans, in at least 30 scenarios', () => {
  const met = Object.values(tally.met).reduce((sum, number) => sum + number, 0);
  expect(SCENARIOS.length).toBeGreaterThanOrEqual(30);
  expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
  expect(met).toBeGreaterThanOrEqual(metMin);
  expect(Math.min(...Object.values(tally.met))).toBeGreaterThan(0);
});
