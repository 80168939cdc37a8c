import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually, knownOf, left } from './census.ts';
import { newTag, type Way } from './trees.ts';

/** When an orchestrator is killed: so long after it has begun to start commands, or when all of them are ready. */
export type Moment = Readonly<{ afterMs: number }> | 'ready';

/** What was left of its commands, and how long it took until no more were. They are dead by now. */
export type Aftermath = Readonly<{ left: number; tookMs: number }>;

export const COMMANDS = 6;

/** How long what an orchestrator leaves may be there, in ms. */
const GONE_WITHIN_MS = 5_000;

/** Starts a process that runs six commands below `base`, and kills it (SIGKILL). `escapes`: how many of theirs are known to. */
export async function killOrchestrator(way: Way, base: string, moment: Moment, escapes = 0): Promise<Aftermath> {
  const orchestrator = startOrchestrator(way, base);
  await orchestrator.said(moment === 'ready' ? 'ready' : 'tried');
  if (moment !== 'ready') await new Promise((resolve) => setTimeout(resolve, moment.afterMs));
  const known = orchestrator.tags.map(knownOf);
  const count = () => known.reduce((sum, one) => sum + left(one).length, 0);
  const killedAt = performance.now();
  orchestrator.child.kill('SIGKILL');
  await orchestrator.ended;
  // What was just being started may show itself only now.
  await new Promise((resolve) => setTimeout(resolve, 100));
  await eventually(() => count() <= escapes, GONE_WITHIN_MS);
  const tookMs = performance.now() - killedAt;
  const pids = known.flatMap(left);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  return { left: pids.length, tookMs };
}

/** Starts an orchestrator; `tags` are those of its commands. */
export function startOrchestrator(way: Way, base: string) {
  const tags = Array.from({ length: COMMANDS }, newTag);
  const path = fileURLToPath(new URL('./orchestrator.ts', import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path], {
    // Not among its arguments: there a tag would make it one of its own commands.
    env: { ...process.env, TORTURE: JSON.stringify({ way, base, tags }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return { child, tags, ended, said: listener(child) };
}

/** The guardian of a process of ours; null when it has none. */
export function guardianOf(pid: number): number | null {
  const isGuardian = (name: string) => {
    try {
      const parent = /^\d+ \(.*\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'latin1'))?.[1];
      return Number(parent) === pid && readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('troupe-guardian');
    } catch {
      return false; // It has ended meanwhile.
    }
  };
  const found = readdirSync('/proc').find((name) => /^\d+$/.test(name) && isGuardian(name));
  return found === undefined ? null : Number(found);
}

function listener(child: ChildProcess): (word: string) => Promise<void> {
  let text = '';
  let onText = () => {};
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    onText();
  });
  return (word) =>
    new Promise((resolve, reject) => {
      onText = () => {
        if (text.includes(word)) resolve();
      };
      onText();
      child.once('close', () => reject(new Error(`Expected the orchestrator to say "${word}", it said "${text}".`)));
    });
}
