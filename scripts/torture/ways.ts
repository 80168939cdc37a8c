import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Confinement, Proc, ProcessSpec } from '../../src/process/port.ts';
import { systemProc } from '../../src/process/system-proc.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Way } from './trees.ts';

/** A place to work in, and our state beside it. Both are made below `base`. */
export type Grounds = Readonly<{ work: string; state: string }>;

export function groundsIn(base: string): Grounds {
  const grounds = { work: join(base, 'work'), state: join(base, 'state') };
  for (const path of Object.values(grounds)) mkdirSync(path, { recursive: true });
  return grounds;
}

/** Names that a sandboxed command may not make: they make it leave something behind when all is killed. */
export const RESERVED_NAMES = ['.mcp.json', '.vscode'];

/** Processes in one of the ways; a container that is not to be had is a group, so without bubblewrap there are groups only. */
export function procOf(way: Way, state?: string): Proc {
  return systemProc(systemClock, {
    ...(way === 'group' ? { bubblewrap: null } : {}),
    ...(state === undefined ? {} : { state: () => state }),
  });
}

export function confinementOf(way: Way, { work, state }: Grounds): Confinement {
  if (way !== 'sandbox') return { type: 'container' };
  const profile = {
    writableRoots: [work],
    protectedNames: ['.git'],
    reservedNames: RESERVED_NAMES,
    visible: [],
    hidden: [state],
    network: false,
    state,
  };
  return { type: 'sandbox', profile };
}

/** Limits that no tree of ours reaches. */
export function specOf(
  argv: readonly string[],
  way: Way,
  grounds: Grounds,
  more: Partial<ProcessSpec> = {},
): ProcessSpec {
  return {
    argv,
    cwd: grounds.work,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' },
    timeoutMs: 600_000,
    graceMs: 100,
    keepBytes: 4_096,
    outputMaxBytes: 1_048_576,
    confinement: confinementOf(way, grounds),
    ...more,
  };
}
