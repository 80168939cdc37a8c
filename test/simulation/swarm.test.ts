import { beforeAll, describe, expect, it } from 'vitest';
import { brokenLaws, eventsOf } from './laws.ts';
import { runSwarm, type Swarmed } from './swarm.ts';

const SEEDS = Array.from({ length: 60 }, (_, seed) => seed);

describe('a session to which everything is done at every moment', () => {
  const all: Swarmed[] = [];

  beforeAll(async () => {
    for (const seed of SEEDS) all.push(await runSwarm(seed));
  });

  it('keeps the laws, and comes to rest', () => {
    const broken = all.flatMap(({ seed, world }) => brokenLaws(world).map((law) => ({ seed, law })));
    expect(broken).toEqual([]);
  });

  it('keeps every promise that it gave', () => {
    expect(all.flatMap(({ seed, unkept }) => unkept.map((what) => ({ seed, what })))).toEqual([]);
  });

  it('asks nothing any more', () => {
    expect(all.flatMap(({ seed, pending }) => pending.map(({ id }) => ({ seed, id })))).toEqual([]);
  });

  it('goes the same way for the same seed, and another for each', async () => {
    const hashes = all.map(({ world }) => world.traceHash());
    expect(new Set(hashes).size).toBe(SEEDS.length);
    for (const seed of SEEDS.slice(0, 10)) expect((await runSwarm(seed)).world.traceHash()).toBe(hashes[seed]);
  });

  it('meets what it is to meet', () => {
    const types = new Set(all.flatMap(({ world }) => eventsOf(world.trace()).map(({ type }) => type)));
    for (const type of [
      'task.completed',
      'task.failed',
      'task.aborted',
      'request.resolved',
      'request.shown',
      'input.queued',
    ])
      expect(types).toContain(type);
    const depths = new Set(all.flatMap(({ world }) => eventsOf(world.trace()).map(({ path }) => path.length)));
    expect(depths).toEqual(new Set([1, 2, 3, 4]));
  });
});
