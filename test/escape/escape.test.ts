import { execFile } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { systemProc } from '../../src/process/system-proc.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { ATTEMPTS } from './attempts.ts';
import type { Tried } from './run-attempts.ts';

const RUNNER = fileURLToPath(new URL('./run-attempts.ts', import.meta.url));
/** `nobody` on Linux. */
const NOBODY = 65_534;
const LIMIT_MS = 240_000;
const OUTPUT_MAX_BYTES = 16_777_216;

const { sandbox } = await systemProc(systemClock).containment();
const isRoot = process.geteuid?.() === 0;
const summary: string[] = [];

/** Makes the attempts in a process of their own, as this user or another. */
async function attempts(which: 'confined' | 'free', uid?: number): Promise<readonly Tried[]> {
  const home = uid === undefined ? null : mkdtempSync('/var/lib/troupe-nobody-');
  if (home !== null && uid !== undefined) chownSync(home, uid, uid);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [RUNNER, which], {
      maxBuffer: OUTPUT_MAX_BYTES,
      timeout: LIMIT_MS,
      cwd: '/',
      env: { PATH: process.env.PATH, HOME: home ?? process.env.HOME },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    return JSON.parse(stdout) as readonly Tried[]; // What `run-attempts.ts` prints.
  } finally {
    if (home !== null) rmSync(home, { recursive: true, force: true });
  }
}

function escapedIn(tried: readonly Tried[]) {
  return tried.filter(({ got }) => got.length > 0);
}

/** Somebody else can run it only where all of the way to it is open. */
function isReadableByOthers(): boolean {
  try {
    return [RUNNER, process.execPath].every((file) => {
      for (let path = dirname(file); path !== '/'; path = dirname(path))
        if ((statSync(path).mode & 0o001) === 0) return false;
      return (statSync(file).mode & 0o004) !== 0;
    });
  } catch {
    return false;
  }
}

describe.skipIf(!sandbox)('an attempt to get out of the sandbox', () => {
  afterAll(() => {
    process.stdout.write(`\nEscapes: ${ATTEMPTS.length} attempts; ${summary.join('; ')}\n`);
  });

  it(
    `never succeeds, of ${ATTEMPTS.length}`,
    async () => {
      const tried = await attempts('confined');
      expect(escapedIn(tried)).toEqual([]);
      expect(tried.map(({ name }) => name)).toEqual([...ATTEMPTS.map(({ name }) => name), 'after all of them']);
      summary.push(`none of them succeeded as ${isRoot ? 'root' : 'this user'}`);
    },
    LIMIT_MS,
  );

  it.skipIf(!isRoot || !isReadableByOthers())(
    'never succeeds for a user without rights either',
    async () => {
      const tried = await attempts('confined', NOBODY);
      expect(escapedIn(tried)).toEqual([]);
      expect(tried).toHaveLength(ATTEMPTS.length + 1);
      summary.push('none as a user without rights');
    },
    LIMIT_MS,
  );

  it(
    'is one that succeeds without it, where that can be shown',
    async () => {
      const tried = await attempts('free');
      expect(tried.filter(({ got }) => got.length === 0)).toEqual([]);
      summary.push(`${tried.length} shown to succeed without the sandbox`);
    },
    LIMIT_MS,
  );
});
