import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, knownOf, left } from './census.ts';
import { begin, noZombies } from './run-tree.ts';
import { runAlone, type Say } from './step.ts';
import { CROWD, newTag, WAYS, type Way } from './trees.ts';
import { groundsIn, procOf, specOf } from './ways.ts';

/** What became of many trees that were killed at once. Times in ms, memory in MiB. */
export type CrowdReport = Readonly<{
  startMs: number;
  /** From the kill to the last end that was told. */
  endedMs: number;
  /** From the kill to the moment when none of their processes was there. */
  deadMs: number;
  /** Processes that were there nevertheless, and what the kills said of that; they are dead by now. */
  left: number;
  reported: number;
  statuses: readonly string[];
  /** How much larger this process was at most than before. */
  growthMb: number;
}>;

/** That of an abort. */
const GRACE_MS = 100;
const DEAD_WITHIN_MS = 30_000;
const MIB = 1_048_576;

/** Starts `count` trees of four processes each, and kills all of them at once. */
export async function killCrowd(way: Way, count: number, base: string): Promise<CrowdReport> {
  const grounds = groundsIn(base);
  const proc = procOf(way);
  await proc.containment();
  const tag = newTag();
  const memoryBefore = process.memoryUsage.rss();
  let memoryMost = memoryBefore;
  const watch = setInterval(() => {
    memoryMost = Math.max(memoryMost, process.memoryUsage.rss());
  }, 20);
  const startedAt = performance.now();
  const begun = Array.from({ length: count }, () => begin(proc, specOf(CROWD.argv(tag), way, grounds)));
  await Promise.all(begun.map(({ ready }) => ready));
  const startMs = performance.now() - startedAt;
  const known = knownOf(tag);
  const killedAt = performance.now();
  const reports = Promise.all(begun.map(({ running }) => running.kill(GRACE_MS)));
  const ends = await Promise.all(begun.map(({ running }) => running.ended));
  const endedMs = performance.now() - killedAt;
  await eventually(() => left(known).length === 0, DEAD_WITHIN_MS);
  const deadMs = performance.now() - killedAt;
  clearInterval(watch);
  const pids = left(known);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  return {
    startMs,
    endedMs,
    deadMs,
    left: pids.length,
    reported: (await reports).reduce((sum, { survivors }) => sum + survivors, 0),
    statuses: [...new Set(ends.map(({ status }) => status))],
    growthMb: (memoryMost - memoryBefore) / MIB,
  };
}

export const name = 'crowd';

const TREES_AT_ONCE = 1_000;

/** Kills 1,000 trees of four processes at once, in each way. */
export async function run(say: Say): Promise<void> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-crowd-')));
  try {
    for (const way of WAYS) {
      const report = await killCrowd(way, TREES_AT_ONCE, base);
      const { startMs, endedMs, deadMs, growthMb } = report;
      const times = [startMs, endedMs, deadMs].map((ms) => (ms / 1_000).toFixed(2));
      say(
        `${TREES_AT_ONCE} trees in the way of the ${way}: started in ${times[0]} s, all ends told ${times[1]} s after the kill, ` +
          `all dead after ${times[2]} s, ${growthMb.toFixed(0)} MiB more memory`,
      );
      if (report.left > 0 || report.reported > 0 || report.statuses.join() !== 'killed' || !(await noZombies())) {
        throw new Error(`Expected all trees to be killed, got ${JSON.stringify(report)}.`);
      }
    }
  } finally {
    rmSync(base, { recursive: true });
  }
}

if (import.meta.main) await runAlone({ name, run });
