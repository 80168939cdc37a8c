import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { killCrowd } from '../../scripts/torture/crowd.ts';
import { noZombies, repeatTree } from '../../scripts/torture/run-tree.ts';
import { AWKWARD_TREES, TREES, WAYS } from '../../scripts/torture/trees.ts';
import { groundsIn, procOf } from '../../scripts/torture/ways.ts';
import { rounds } from '../rounds.ts';

const base = await realpath(await mkdtemp(join(tmpdir(), 'troupe-kill-')));
const grounds = groundsIn(base);
const { container } = await procOf('container').containment();

afterAll(() => rm(base, { recursive: true }));

const TIMES = rounds(10);

describe.each(WAYS)(`in the way of the %s, ${TIMES} times`, (way) => {
  const proc = procOf(way);

  it.skipIf(way !== 'group' && !container).each(TREES.map((tree) => [tree.name, tree] as const))(
    'nothing is left but what is known to escape: %s',
    async (_, tree) => {
      expect(await repeatTree(tree, way, proc, grounds, { times: TIMES, atOnce: 5 })).toEqual([]);
      expect(await noZombies()).toBe(true);
    },
  );

  it.skipIf(way !== 'group' && !container).each(AWKWARD_TREES.map((tree) => [tree.name, tree] as const))(
    'nothing is left of what is awkward: %s',
    async (_, tree) => {
      expect(await repeatTree(tree, way, proc, grounds, { times: 1, atOnce: 1 })).toEqual([]);
    },
  );

  it.skipIf(way !== 'group' && !container)('a hundred trees are killed at once', { timeout: 120_000 }, async () => {
    const { left, reported, statuses } = await killCrowd(way, 100, base);
    expect({ left, reported, statuses, clean: await noZombies() }).toEqual({
      left: 0,
      reported: 0,
      statuses: ['killed'],
      clean: true,
    });
  });
});
