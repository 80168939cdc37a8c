import { mkdtempSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { knownOf, left } from '../../scripts/torture/census.ts';
import { begin } from '../../scripts/torture/run-tree.ts';
import { newTag } from '../../scripts/torture/trees.ts';
import { groundsIn, procOf, specOf } from '../../scripts/torture/ways.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-census-')));
const grounds = groundsIn(base);
const proc = procOf('container');
const { container } = await proc.containment();

afterAll(() => rmSync(base, { recursive: true }));

/** Trees until one is in a process namespace with the number of a dead one; numbers are given again soon. */
const TREES_MAX = 200;

async function plant() {
  const tag = newTag();
  const argv = ['bash', '--noprofile', '--norc', '-c', `echo ready; exec sleep ${tag}`];
  const { running, ready } = begin(proc, specOf(argv, 'container', grounds));
  await ready;
  const known = knownOf(tag);
  const there = left(known);
  const [namespace] = there.map((pid) => readlinkSync(`/proc/${pid}/ns/pid`)).filter((one) => one !== OURS);
  const fell = async () => {
    await running.kill(0);
    await running.ended;
  };
  return { known, there, namespace, fell };
}

const OURS = readlinkSync('/proc/self/ns/pid');

it.skipIf(!container)(
  'takes no later tree for one that is dead, though its namespace has got the same number',
  async () => {
    const dead = new Map<string | undefined, Awaited<ReturnType<typeof plant>>['known']>();
    for (let planted = 0; planted < TREES_MAX; planted += 1) {
      const tree = await plant();
      const before = dead.get(tree.namespace);
      const counted = [before === undefined ? [] : left(before), left(tree.known).length];
      await tree.fell();
      expect([...counted, left(tree.known)]).toEqual([[], 3, []]);
      if (before !== undefined) return;
      dead.set(tree.namespace, tree.known);
    }
    throw new Error(`Expected one of ${TREES_MAX} namespaces to get the number of another, none did.`);
  },
);
