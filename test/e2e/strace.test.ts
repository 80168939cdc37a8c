import { describe, expect, inject, it } from 'vitest';
import { failExecs, textOf, whyNoFaults, wrongIn } from '../../scripts/torture/strace.ts';
import type { KernelFault } from '../../scripts/torture/strace-round.ts';
import { temporaryDirectory } from './run-troupe.ts';

const why = whyNoFaults();

const fault = (call: string, n: number, error: KernelFault['error']) => ({ call, n, error });

/** `npm run torture -- strace` does it at each call, with each error. What is refused ends with 1 and says why; else the task goes on. */
const FAULTS = [
  { session: 'new', fault: fault('mkdir', 2, 'EROFS'), code: 0 },
  { session: 'new', fault: fault('openat', 2, 'EMFILE'), code: 0 },
  { session: 'new', fault: fault('fsync', 1, 'EIO'), code: 0 },
  { session: 'resumed', fault: fault('openat', 1, 'EMFILE'), code: 1 },
  { session: 'resumed', fault: fault('link', 1, 'EROFS'), code: 1 },
  { session: 'resumed', fault: fault('ftruncate', 1, 'EIO'), code: 1 },
  { session: 'resumed', fault: fault('write', 6, 'ENOSPC'), code: 0 },
  { session: 'resumed', fault: fault('write', 9, 'lies'), code: 0 },
  { session: 'resumed', fault: fault('fdatasync', 6, 'EIO'), code: 0 },
] as const;

describe('a kernel that refuses what a log needs', () => {
  it.skipIf(why !== null)(
    `takes nothing that was acknowledged: it is told, and the next one goes on (${why ?? 'by strace'})`,
    async () => {
      const failed = await failExecs(inject('command'), temporaryDirectory(), FAULTS);
      expect(wrongIn(failed)).toEqual([]);
      const found = failed.map((one) => `${textOf(one)}: ${one.wasMet ? one.code : 'not met'}`);
      expect(found.toSorted()).toEqual(FAULTS.map((one) => `${textOf(one)}: ${one.code}`).toSorted());
    },
  );
});
