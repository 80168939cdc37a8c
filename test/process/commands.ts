import { randomUUID } from 'node:crypto';
import type { ProcessEnd, ProcessSpec } from '../../src/process/port.ts';
import { processesWith } from './survivors.ts';

/** Limits that a test changes as it needs. Times in ms, sizes in bytes. */
const LIMITS = { timeoutMs: 15_000, graceMs: 10_000, keepBytes: 1_000, outputMaxBytes: 134_217_728 };

/** Specs for real commands that can be told from those of every other test, and what is left of them. */
export function testCommands(cwd: string) {
  const name = 'TROUPE_TEST';
  const value = randomUUID();
  return {
    spec: (argv: readonly string[], more: Partial<ProcessSpec> = {}): ProcessSpec => ({
      argv,
      cwd,
      ...LIMITS,
      ...more,
      env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', [name]: value, ...more.env },
    }),
    leftovers: () => processesWith(`${name}=${value}`),
  };
}

/** A command for bash, as the shell tool runs it. */
export function bash(command: string): readonly string[] {
  return ['bash', '--noprofile', '--norc', '-c', command];
}

/** How a command ended, without what differs from run to run: how long it took. */
export function lasting({ durationMs, ...end }: ProcessEnd): Omit<ProcessEnd, 'durationMs'> {
  if (!(durationMs >= 0)) throw new Error(`Expected a duration, got ${durationMs}.`);
  return end;
}

/** The usual end: it exited by itself, and nothing had to be stopped. */
export function exited(exitCode: number, text: string): Omit<ProcessEnd, 'durationMs'> {
  return {
    status: 'exited',
    exitCode,
    signal: null,
    output: { text, totalBytes: Buffer.byteLength(text), truncated: false },
    error: null,
    killed: null,
  };
}

/** The end of what never began. */
export function notStarted(exitCode: number, error: string): Omit<ProcessEnd, 'durationMs'> {
  return { ...exited(exitCode, ''), status: 'not-started', error };
}
