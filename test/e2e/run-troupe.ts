import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { inject, onTestFinished } from 'vitest';
import { expectLegalLogsBelow } from '../legal-logs.ts';

export type RunOptions = Readonly<{
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** What it reads on standard input; nothing when absent. Null: nothing comes, and it stays open. */
  input?: string | null;
  /** It runs at a terminal: what it writes, to standard error too, is on `stdout`, and what is written to it is typed. */
  terminal?: true;
}>;

export type Run = Readonly<{
  child: ChildProcess;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves when it has written `text` there; rejects when it ended without. */
  sees(where: 'stdout' | 'stderr', text: string): Promise<void>;
  /** Resolves when it has ended and all its output is here. */
  ended: Promise<Readonly<{ code: number | null; stdout: string; stderr: string }>>;
}>;

/** Starts the command as people do. It is killed when the test is over. */
export function runTroupe(args: readonly string[], { env = {}, cwd, input = '', terminal }: RunOptions = {}): Run {
  const { PATH = '', HOME = '' } = process.env;
  const command = inject('command');
  const [program, ...rest] = terminal ? atTerminal([command, ...args]) : [command, ...args];
  const child = spawn(program, rest, {
    cwd: cwd ?? tmpdir(),
    env: { PATH, HOME, TROUPE_HOME: temporaryDirectory(), TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // It may end without having read all.
  child.stdin.on('error', () => {});
  if (input !== null) child.stdin.end(input);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout: stdout.text(), stderr: stderr.text() }));
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    child,
    stdout: stdout.text,
    stderr: stderr.text,
    ended,
    sees: (where, text) => (where === 'stdout' ? stdout : stderr).sees(text),
  };
}

/** Whether a command can be run at a terminal here: `script` of util-linux makes one. */
export const hasTerminal = /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');

function atTerminal(argv: readonly string[]): [string, ...string[]] {
  const command = argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return ['script', '--quiet', '--return', '--flush', '--command', `exec ${command}`, '/dev/null'];
}

/** A directory that is gone when the test is over. Logs that were written below it, as in a home, must be legal then. */
export function temporaryDirectory(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-e2e-')));
  onTestFinished(async () => {
    try {
      await expectLegalLogsBelow(path);
    } finally {
      rmSync(path, { recursive: true, force: true });
    }
  });
  return path;
}

/** Resolves when there is a file of this path. */
export function appears(path: string): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!existsSync(path)) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(dirname(path), look);
    look();
  });
}

type Collected = Readonly<{ text(): string; sees(text: string): Promise<void> }>;

function collect(stream: Readable): Collected {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (piece: string) => {
    text += piece;
  });
  return {
    text: () => text,
    sees: (wanted) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (text.includes(wanted)) resolve();
        };
        stream.on('data', look);
        stream.on('close', () => reject(new Error(`Expected to see ${JSON.stringify(wanted)}, got:\n${text}`)));
        look();
      }),
  };
}
