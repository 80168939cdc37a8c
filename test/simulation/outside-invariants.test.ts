import { beforeAll, describe, expect, it } from 'vitest';
import { invariants, watchRun } from '../../src/testing/index.ts';
import { TRACE_BREAKS } from './broken-traces.ts';
import { programOf } from './program.ts';
import { type Simulated, show, simulate } from './simulate.ts';

const SEEDS = 100;
const runs: Simulated[] = [];

beforeAll(async () => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const run = await simulate(programOf(seed));
    // A run that was cut has not kept all of them by then.
    if (run.program.cutAtTimer === null) runs.push(run);
  }
});

const brokenIn = (trace: Simulated['trace']) => {
  const run = watchRun();
  for (const entry of trace) show(entry, run);
  return run.end().map(({ id }) => id);
};

describe.each(invariants.filter(({ id }) => id in TRACE_BREAKS))('$id: $promise', ({ id }) => {
  it('is kept where nothing is broken, and seen to be broken in the logs or the processes where it is', () => {
    expect(runs.flatMap(({ trace }) => brokenIn(trace))).toEqual([]);
    const broken = runs.flatMap(({ trace }) => {
      const wrong = TRACE_BREAKS[id]?.(trace) ?? null;
      return wrong === null ? [] : brokenIn(wrong);
    });
    expect(broken).toContain(id);
  });
});

it('watches all of which a way to break them in a trace is known', () => {
  const known = invariants.map(({ id }) => id);
  expect(Object.keys(TRACE_BREAKS).filter((id) => !known.includes(id))).toEqual([]);
});
