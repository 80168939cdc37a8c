import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noZombies, repeatTree } from './run-tree.ts';
import { runAlone, runAsNobody, type Say } from './step.ts';
import { AWKWARD_TREES, TREES, type Tree, WAYS, type Way } from './trees.ts';
import { groundsIn, procOf } from './ways.ts';

export const name = 'kill-matrix';

const TIMES = 100;
const AWKWARD_TIMES = 10;
const AT_ONCE = 6;

/** Ends each tree a hundred times in each way, as who we are and as a user without rights, and looks for what is left. */
export async function run(say: Say): Promise<void> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-matrix-')));
  try {
    for (const way of WAYS) {
      for (const tree of TREES) await repeat(tree, way, { times: TIMES, atOnce: AT_ONCE }, base, say);
      for (const tree of AWKWARD_TREES) await repeat(tree, way, { times: AWKWARD_TIMES, atOnce: 2 }, base, say);
    }
  } finally {
    rmSync(base, { recursive: true });
  }
  await runAsNobody(import.meta.filename, [], say);
}

async function repeat(
  tree: Tree,
  way: Way,
  size: Readonly<{ times: number; atOnce: number }>,
  base: string,
  say: Say,
): Promise<void> {
  const startedAt = performance.now();
  const wrong = await repeatTree(tree, way, procOf(way), groundsIn(base), size);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const escapes = way === 'group' ? tree.escapes : 0;
  say(
    `${way}, ${tree.name}: ${size.times} times in ${seconds} s, ${escapes} left of each, ${wrong.length} not as promised`,
  );
  if (wrong.length > 0) throw new Error(`Not as promised: ${JSON.stringify(wrong.slice(0, 5))}.`);
  if (!(await noZombies())) throw new Error('Expected every process to be waited for, but there are zombies.');
}

if (import.meta.main) await runAlone({ name, run });
