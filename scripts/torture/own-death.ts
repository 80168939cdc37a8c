import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Aftermath, killOrchestrator } from './kill-ourselves.ts';
import { runAlone, runAsNobody, type Say } from './step.ts';
import type { Way } from './trees.ts';
import { groundsIn, procOf, specOf } from './ways.ts';

export const name = 'own-death';

const TIMES = 40;
/** Within this time an orchestrator has begun all of its commands, in ms; half of it is while it starts them. */
const SPAN_MS = 120;

/** The processes of a command that has cleared its environment; nothing ties them to us without a container. */
export const ESCAPES_OF_A_GROUP = 2;

/** Kills forty orchestrators at random moments in each contained way, and some without containers; looks for what they leave. */
export async function run(say: Say): Promise<void> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-own-death-')));
  try {
    for (const way of ['sandbox', 'container'] as const) {
      const aftermaths = await killAtRandom(way, base, TIMES);
      say(`${way}: ${TIMES} orchestrators killed, ${lineOf(aftermaths)}`);
      if (aftermaths.some(({ left }) => left > 0)) throw new Error('Expected nothing to outlive an orchestrator.');
    }
    const group = [];
    for (let done = 0; done < TIMES / 4; done += 1) {
      group.push(await killOrchestrator('group', base, 'ready', ESCAPES_OF_A_GROUP));
    }
    say(`group: ${group.length} orchestrators killed, ${lineOf(group)}, expected ${ESCAPES_OF_A_GROUP} of each`);
    if (group.some(({ left }) => left !== ESCAPES_OF_A_GROUP)) throw new Error('Expected only one command to escape.');
    await tidyUp(base);
    const made = readdirSync(groundsIn(base).work);
    say(`${made.length} placeholders left in the workspace after the next command`);
    if (made.length > 0) throw new Error(`Expected the next command to remove what was left, got ${made.join(', ')}.`);
  } finally {
    rmSync(base, { recursive: true });
  }
  await runAsNobody(import.meta.filename, [], say);
}

/** Kills so many orchestrators, each at another moment of its start, two at a time. */
export async function killAtRandom(way: Way, base: string, times: number): Promise<readonly Aftermath[]> {
  const moments = Array.from({ length: times }, () => ({ afterMs: Math.random() * SPAN_MS })).values();
  const aftermaths: Aftermath[] = [];
  const killer = async () => {
    for (const moment of moments) aftermaths.push(await killOrchestrator(way, base, moment));
  };
  await Promise.all([killer(), killer()]);
  return aftermaths;
}

/** The next command in the same place. */
export async function tidyUp(base: string): Promise<void> {
  const grounds = groundsIn(base);
  await procOf('sandbox', grounds.state).spawn(specOf(['true'], 'sandbox', grounds)).ended;
}

function lineOf(aftermaths: readonly Aftermath[]): string {
  const sum = aftermaths.reduce((total, { left }) => total + left, 0);
  const most = Math.max(...aftermaths.map(({ tookMs }) => tookMs));
  return `${sum} processes left, the last gone after at most ${most.toFixed(0)} ms`;
}

if (import.meta.main) await runAlone({ name, run });
