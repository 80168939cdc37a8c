import type { Proc, ProcessEnd, ProcessSpec } from '../../src/process/port.ts';
import { eventually, knownOf, left, zombies } from './census.ts';
import { newTag, type Tree, type Way } from './trees.ts';
import { type Grounds, specOf } from './ways.ts';

/** What came of a tree. `escaped`: how many of its processes lived on; they are dead by now. */
export type Outcome = Readonly<{ status: string; exitCode: number; text: string; escaped: number; reported: number }>;

/** How long a process that was killed may take to be gone from the table, in ms. */
const GONE_WITHIN_MS = 2_000;

/** Runs a tree to its end, and looks for what is left of it. */
export async function runTree(tree: Tree, way: Way, proc: Proc, grounds: Grounds): Promise<Outcome> {
  const tag = newTag();
  const { running, ready } = begin(proc, specOf(tree.argv(tag), way, grounds, { graceMs: tree.graceMs }));
  await ready;
  const known = knownOf(tag);
  if (tree.ends === 'kill') await running.kill(tree.graceMs);
  const { status, exitCode, output, killed } = await running.ended;
  await eventually(() => left(known).length <= escapesOf(tree, way), GONE_WITHIN_MS);
  const escaped = left(known);
  for (const pid of escaped) process.kill(pid, 'SIGKILL');
  return { status, exitCode, text: output.text, escaped: escaped.length, reported: killed?.survivors ?? 0 };
}

/** What has to come of a tree. */
export function expectedOf(tree: Tree, way: Way): Outcome {
  return {
    status: tree.ends === 'kill' ? 'killed' : 'exited',
    exitCode: tree.exitCode,
    text: 'ready\n',
    escaped: escapesOf(tree, way),
    reported: 0,
  };
}

function escapesOf({ escapes }: Tree, way: Way): number {
  return way === 'group' ? escapes : 0;
}

/** Runs a tree so often, some at a time; tells what came that should not have. */
export async function repeatTree(
  tree: Tree,
  way: Way,
  proc: Proc,
  grounds: Grounds,
  { times, atOnce }: Readonly<{ times: number; atOnce: number }>,
): Promise<readonly Outcome[]> {
  const expected = JSON.stringify(expectedOf(tree, way));
  const wrong: Outcome[] = [];
  const rounds = Array.from({ length: times }).values();
  const runner = async () => {
    for (const _ of rounds) {
      const outcome = await runTree(tree, way, proc, grounds);
      if (JSON.stringify(outcome) !== expected) wrong.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runner));
  return wrong;
}

/** Whether all of our children were waited for. */
export function noZombies(): Promise<boolean> {
  return eventually(() => zombies().length === 0, GONE_WITHIN_MS);
}

/** Begins a command; `ready` resolves when it has said so, and when it has ended without. */
export function begin(proc: Proc, spec: ProcessSpec) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const running = proc.spawn({
    ...spec,
    onOutput(text) {
      if (text.includes('ready')) resolve();
    },
  });
  const over: Promise<ProcessEnd> = running.ended;
  return { running, ready: Promise.race([promise, over.then(() => {})]) };
}
