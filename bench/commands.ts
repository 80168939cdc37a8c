import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killCrowd } from '../scripts/torture/crowd.ts';
import { WAYS, type Way } from '../scripts/torture/trees.ts';
import { groundsIn, procOf, specOf } from '../scripts/torture/ways.ts';
import type { Bench, Figures } from './measures.ts';
import { PEER_NAMES } from './peer.ts';
import type { Row, Scenario } from './scenarios.ts';
import { quantile } from './statistics.ts';

/** What a command costs that does nothing, beside a bare `child_process.spawn` of the same; and a kill of many. */
export const COMMAND_SCENARIOS: readonly Scenario[] = [
  {
    number: 8,
    name: 'commands',
    peers: PEER_NAMES,
    repetitions: 3,
    size: { warmUp: 10, count: 60 },
    quick: { warmUp: 1, count: 2 },
    rows: WAYS.flatMap((way): Row[] => [
      { figure: `${way}P50Ms`, what: `command (bash -c true), ${way}, p50`, unit: 'ms', target: null },
      { figure: `${way}P95Ms`, what: 'the same, p95', unit: 'ms', target: null },
    ]),
  },
  {
    number: 9,
    name: 'commands-at-once',
    peers: PEER_NAMES,
    repetitions: 3,
    size: { warmUp: 5, count: 100 },
    quick: { warmUp: 1, count: 4 },
    rows: WAYS.flatMap((way): Row[] => [
      { figure: `${way}Ms`, what: `100 commands at once, ${way}`, unit: 'ms', target: null },
      { figure: `${way}EachMs`, what: 'for each of them', unit: 'ms', target: null },
    ]),
  },
  {
    number: 10,
    name: 'kill-at-once',
    peers: ['troupe'],
    repetitions: 1,
    size: { warmUp: 0, count: 1_000 },
    quick: { warmUp: 0, count: 5 },
    rows: WAYS.flatMap((way): Row[] => [
      {
        figure: `${way}DeadMs`,
        what: `kill of 1,000 trees of 4 processes to all dead, ${way}`,
        unit: 'ms',
        target: null,
      },
      { figure: `${way}GrowthMb`, what: 'memory of our process for them', unit: 'MiB', target: null },
    ]),
  },
];

export const COMMAND_MEASURES: Readonly<Record<string, (bench: Bench) => Promise<Figures>>> = {
  commands: ({ name, size }) =>
    inGrounds(async (base) => {
      const figures: Record<string, number> = {};
      for (const way of WAYS) {
        const run = await runnerOf(name, way, base);
        const took: number[] = [];
        for (let done = 0; done < size.warmUp + size.count; done += 1) {
          const startedAt = performance.now();
          await run();
          if (done >= size.warmUp) took.push(performance.now() - startedAt);
        }
        figures[`${way}P50Ms`] = quantile(took, 0.5);
        figures[`${way}P95Ms`] = quantile(took, 0.95);
      }
      return figures;
    }),
  'commands-at-once': ({ name, size }) =>
    inGrounds(async (base) => {
      const figures: Record<string, number> = {};
      for (const way of WAYS) {
        const run = await runnerOf(name, way, base);
        for (let done = 0; done < size.warmUp; done += 1) await run();
        const startedAt = performance.now();
        await Promise.all(Array.from({ length: size.count }, run));
        const tookMs = performance.now() - startedAt;
        figures[`${way}Ms`] = tookMs;
        figures[`${way}EachMs`] = tookMs / size.count;
      }
      return figures;
    }),
  'kill-at-once': ({ size }) =>
    inGrounds(async (base) => {
      const figures: Record<string, number> = {};
      for (const way of WAYS) {
        const { deadMs, growthMb, left } = await killCrowd(way, size.count, base);
        if (left > 0) throw new Error(`Expected a kill to leave nothing, got ${left} processes.`);
        figures[`${way}DeadMs`] = deadMs;
        figures[`${way}GrowthMb`] = Math.max(0, growthMb);
      }
      return figures;
    }),
};

const TRUE = ['bash', '--noprofile', '--norc', '-c', 'true'];

/** Runs a command to its end: ours in a way that was tried out before, or the bare thing. */
async function runnerOf(name: Bench['name'], way: Way, base: string): Promise<() => Promise<void>> {
  if (name === 'baseline') return runBare;
  const grounds = groundsIn(base);
  const proc = procOf(way, grounds.state);
  await proc.containment();
  const spec = specOf(TRUE, way, grounds);
  return async () => {
    const { status, error } = await proc.spawn(spec).ended;
    if (status !== 'exited') throw new Error(`Expected a command to exit, got ${status}: ${error}.`);
  };
}

function runBare(): Promise<void> {
  const [program = '', ...words] = TRUE;
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.resume();
    child.stderr.resume();
    child.once('error', reject);
    child.once('close', () => resolve());
  });
}

async function inGrounds(measure: (base: string) => Promise<Figures>): Promise<Figures> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-bench-')));
  try {
    return await measure(base);
  } finally {
    rmSync(base, { recursive: true });
  }
}
