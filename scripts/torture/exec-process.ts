import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a process of ours works: the command, its home, the model server that it asks, and where compiled modules are kept for all. */
export type ExecPlace = Readonly<{ command: string; home: string; url: string; cache: string }>;

export type ExecProcess = Readonly<{
  child: ChildProcess;
  ended: Promise<number | null>;
  stdout(): string;
  stderr(): string;
  /** It has said its first word, or has ended. */
  begun: Promise<void>;
  times(): ExecTimes;
}>;

/** How long it took to the first word, and from there to the end. */
export type ExecTimes = Readonly<{ beginningMs: number; restMs: number }>;

/** Starts `troupe` as people do, after the words of `before`, if there are any. */
export function startExec(
  { command, home, url, cache }: ExecPlace,
  args: readonly string[],
  before: readonly string[] = [],
): ExecProcess {
  const at = performance.now();
  let begunAt = at;
  let endedAt = at;
  const [program = command, ...words] = [...before, command, ...args];
  const child = spawn(program, words, {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: home,
      TROUPE_HOME: troupeHomeOf(home),
      XDG_CACHE_HOME: cache,
      OPENAI_BASE_URL: url,
      TROUPE_MODEL: 'scripted',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    texts.stdout += piece;
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    texts.stderr += piece;
  });
  const begun = new Promise<void>((resolve) => {
    child.stdout.once('data', () => {
      begunAt = performance.now();
      resolve();
    });
    child.once('close', () => resolve());
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      endedAt = performance.now();
      resolve(code);
    });
  });
  const times = () => ({ beginningMs: begunAt - at, restMs: endedAt - begunAt });
  return { child, begun, ended, times, stdout: () => texts.stdout, stderr: () => texts.stderr };
}

/** Where Troupe keeps its logs, for who has this home. */
export function troupeHomeOf(home: string): string {
  return join(home, 'troupe');
}

/** The living processes whose home this is. */
export function processesOf(home: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(`HOME=${home}`);
    } catch {
      return false; // It has ended meanwhile, or is somebody else's.
    }
  });
}

/** What `--events` tells of an event. */
export type ToldEvent = Readonly<{
  seq: number | null;
  epoch: number;
  type: string;
  durable?: false;
  sessionId: string;
}>;

/** The events that came out whole. */
export function eventsIn(stdout: string): readonly ToldEvent[] {
  return stdout
    .slice(0, stdout.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line): ToldEvent => JSON.parse(line));
}
