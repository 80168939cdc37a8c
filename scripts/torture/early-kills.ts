import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Proc, ProcessEnd } from '../../src/process/port.ts';
import { eventually, knownOf, left } from './census.ts';
import { noZombies } from './run-tree.ts';
import { runAlone, runAsNobody, type Say } from './step.ts';
import { newTag, WAYS, type Way } from './trees.ts';
import { type Grounds, groundsIn, procOf, specOf } from './ways.ts';

/** What came of a command that was killed early: how it ended, what is left of it, and whether it ran on after its end was told. */
export type EarlyEnd = Readonly<{ status: ProcessEnd['status']; left: number; ranOn: boolean }>;

/** How long what was killed may take to leave the process table, in ms. */
const GONE_WITHIN_MS = 2_000;

/** Starts a command that marks how far it came, kills it without grace so long after, and looks whether anything goes on. */
export async function killEarly(proc: Proc, way: Way, grounds: Grounds, afterMs: number): Promise<EarlyEnd> {
  const tag = newTag();
  const [first, second] = [join(grounds.work, `first-${tag}`), join(grounds.work, `second-${tag}`)];
  const command = `: > ${first}; sleep 0.05; : > ${second}; exec sleep ${tag}`;
  const running = proc.spawn(specOf(['bash', '--noprofile', '--norc', '-c', command], way, grounds));
  if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
  await running.kill(0);
  const { status } = await running.ended;
  const known = knownOf(tag);
  const before = [existsSync(first), existsSync(second)];
  await eventually(() => left(known).length === 0, GONE_WITHIN_MS);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const after = [existsSync(first), existsSync(second)];
  for (const path of [first, second]) rmSync(path, { force: true });
  const pids = left(known);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  return { status, left: pids.length, ranOn: before.join() !== after.join() };
}

/** Kills commands at moments that are `stepMs` apart, the first at once, some at a time; tells which were not as promised. */
export async function killThroughStart(
  way: Way,
  base: string,
  { times, stepMs }: Readonly<{ times: number; stepMs: number }>,
): Promise<readonly EarlyEnd[]> {
  const proc = procOf(way);
  await proc.containment();
  const grounds = groundsIn(base);
  const moments = Array.from({ length: times }, (_, at) => at * stepMs).values();
  const wrong: EarlyEnd[] = [];
  const killer = async () => {
    for (const afterMs of moments) {
      const end = await killEarly(proc, way, grounds, afterMs);
      if (end.status !== 'killed' || end.left > 0 || end.ranOn) wrong.push(end);
    }
  };
  await Promise.all(Array.from({ length: 8 }, killer));
  return wrong;
}

export const name = 'early-kills';

const TIMES = 400;
const STEP_MS = 0.2;

/** Kills commands at four hundred moments of their start in each way. */
export async function run(say: Say): Promise<void> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-early-')));
  try {
    for (const way of WAYS) {
      const wrong = await killThroughStart(way, base, { times: TIMES, stepMs: STEP_MS });
      say(`${way}: killed at ${TIMES} moments of the first ${TIMES * STEP_MS} ms, ${wrong.length} not as promised`);
      if (wrong.length > 0) throw new Error(`Not as promised: ${JSON.stringify(wrong.slice(0, 5))}.`);
    }
    if (!(await noZombies())) throw new Error('Expected every process to be waited for, but there are zombies.');
  } finally {
    rmSync(base, { recursive: true });
  }
  await runAsNobody(import.meta.filename, [], say);
}

if (import.meta.main) await runAlone({ name, run });
