import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { assertions } from '../../src/testing/index.ts';
import { programOf } from './program.ts';
import { simulate } from './simulate.ts';

/** How many seeds are tried; `npm run simulate -- --seeds N` tries more. */
const SEEDS = Number(process.env.TROUPE_SEEDS ?? 20_000);
/** Every n-th seed is run twice. */
const TWICE_EVERY = 40;

const broken: { seed: number; why: string }[] = [];
const differing: number[] = [];
const points = new Set<string>();

beforeAll(async () => {
  const startedAt = performance.now();
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const run = await simulate(programOf(seed), points);
    broken.push(...run.broken.map((why) => ({ seed, why })));
    if (seed % TWICE_EVERY === 0 && (await simulate(programOf(seed))).hash() !== run.hash()) differing.push(seed);
  }
  const perSecond = (SEEDS / ((performance.now() - startedAt) / 1_000)).toFixed(0);
  console.log(`${SEEDS} seeds, ${perSecond} a second, ${broken.length} broken; ${points.size} points reached`);
}, 900_000);

it('holds all that holds in every run, whatever is done to a session, whatever fails, and when the power is cut', () => {
  expect(broken).toEqual([]);
});

it('goes the same way twice', () => {
  expect(differing).toEqual([]);
});

it('comes to all the points that a run can come to', () => {
  const known = readFileSync(join(import.meta.dirname, 'points.txt'), 'utf8')
    .trim()
    .split('\n');
  expect(known.length).toBeGreaterThanOrEqual(80);
  const reached = assertions(known);
  for (const point of points) reached.sometimes(point);
  expect(reached.end()).toEqual([]);
});
