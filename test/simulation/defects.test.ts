import { describe, expect, it } from 'vitest';
import type { Act, Program } from './program.ts';
import { simulate } from './simulate.ts';

/** A program in which nothing goes wrong by itself. */
const QUIET: Omit<Program, 'seed' | 'acts'> = {
  sandbox: 'workspace-write',
  limits: { requestTimeoutMs: null, requestsOpenMax: null, requestsPerMinuteMax: null, graceMs: 0 },
  people: false,
  faults: { model: false, calls: false, commands: false, logs: [] },
  cutAtTimer: null,
};
const run = (afterMs: number): Act => ({ does: 'run', whenBusy: 'queue', stopAfterMs: null, afterMs });
const help = (chance: number, afterMs: number, whenBusy: 'reject' | 'replace' | 'queue'): Act => ({
  does: 'help',
  whenBusy,
  chance,
  afterMs,
});
const withLogFault = (operation: 'append' | 'sync', n: number, how: 'EIO' | 'hangs') => ({
  ...QUIET.faults,
  logs: [{ port: 'logs' as const, operation, n, how }],
});

/** What the simulation has found in the product, made as small as it goes: each broke a promise before it was mended. */
const PROGRAMS: Readonly<Record<string, readonly Program[]>> = {
  'a sub-session whose log fails at its end says so before it is closed': [
    {
      ...QUIET,
      seed: 14,
      sandbox: 'danger-full-access',
      limits: { ...QUIET.limits, graceMs: 100 },
      faults: withLogFault('sync', 8, 'EIO'),
      acts: [run(0), { does: 'abort', which: 75, afterMs: 0 }, run(0), help(1815379193, 40, 'reject')],
    },
    {
      ...QUIET,
      seed: 127,
      limits: { ...QUIET.limits, requestTimeoutMs: 400, requestsPerMinuteMax: 2 },
      faults: withLogFault('append', 4, 'hangs'),
      acts: [help(1134784044, 0, 'queue')],
    },
    {
      ...QUIET,
      seed: 215,
      limits: { ...QUIET.limits, requestTimeoutMs: 400, requestsOpenMax: 1, requestsPerMinuteMax: 2 },
      faults: withLogFault('append', 2, 'hangs'),
      acts: [help(1475659986, 0, 'reject')],
    },
  ],
  'what a sub-session does is found again: the log of its parent leads to its own before it does anything': [
    {
      ...QUIET,
      seed: 1004,
      faults: withLogFault('sync', 2, 'hangs'),
      acts: [help(2008437385, 0, 'replace'), run(341)],
      cutAtTimer: 56,
    },
  ],
  'a sub-session is closed by a resume although its task has ended in the log, when its own end is not there': [
    {
      ...QUIET,
      seed: 2946,
      sandbox: 'danger-full-access',
      acts: [help(1423487672, 4, 'replace'), { does: 'run', whenBusy: 'replace', stopAfterMs: 181, afterMs: 33 }],
      cutAtTimer: 15,
    },
  ],
  'nothing of a sub-session is told before the task that opens it, which waits for the end of another to be on the disk':
    [
      {
        ...QUIET,
        seed: 305,
        faults: { ...QUIET.faults, model: true, commands: true },
        acts: [
          { does: 'beside', takesMs: 339, heeds: true, afterMs: 1 },
          { does: 'abort', which: 45, afterMs: 0 },
          help(2115469938, 5, 'reject'),
          { does: 'compact', whenBusy: 'replace', afterMs: 2 },
        ],
      },
    ],
};

describe.each(Object.entries(PROGRAMS))('%s', (_, programs) => {
  it.each(programs.map((program) => [program.seed, program] as const))('as seed %i had it', async (_, program) => {
    expect((await simulate(program)).broken).toEqual([]);
  });
});
