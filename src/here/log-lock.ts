import { readFileSync } from 'node:fs';
import { link, open, readFile, rename, unlink } from 'node:fs/promises';
import { startTimeOf } from '../process/process-table.ts';
import { TroupeError } from '../protocol/errors.ts';

/** Who writes a log: a process of this boot of the machine, that began at this time. */
type Holder = Readonly<{ pid: number; startTime: number | null; bootId: string }>;

let taken = 0;

/**
 * Takes the lock of a log, for its one writer; gives how to let go of it. What a dead process has left is taken over. Rejects
 * when somebody who lives has it.
 */
export async function lock(location: string): Promise<() => Promise<void>> {
  const path = `${location}.lock`;
  const own = JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid), bootId: bootId() });
  taken += 1;
  const beside = `${path}.${process.pid}-${taken}`;
  const file = await open(beside, 'wx', 0o600);
  try {
    await file.writeFile(own);
  } finally {
    await file.close();
  }
  try {
    for (;;) {
      // A link is made or not; a file that is there is never changed.
      if (await linked(beside, path)) return () => unlink(path).catch(() => {});
      const holder = await holderOf(path);
      if (holder !== null && isAlive(holder)) throw refusal(location, holder);
      await takeAway(path, `${beside}.stale`, holder);
    }
  } finally {
    await unlink(beside).catch(() => {});
  }
}

/** Whether somebody who lives writes a log; null when nobody does. */
export async function writerOf(location: string): Promise<number | null> {
  const holder = await holderOf(`${location}.lock`);
  return holder !== null && isAlive(holder) ? holder.pid : null;
}

/** Takes a lock away that was found stale, unless another has taken it over meanwhile: then that one gets it back. */
async function takeAway(path: string, aside: string, stale: Holder | null): Promise<void> {
  try {
    await rename(path, aside);
  } catch {
    return; // Somebody else was faster.
  }
  const now = await holderOf(aside);
  if (JSON.stringify(now) !== JSON.stringify(stale) && now !== null && isAlive(now)) await linked(aside, path);
  await unlink(aside).catch(() => {});
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function holderOf(path: string): Promise<Holder | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value !== 'object' || value === null || !('pid' in value) || typeof value.pid !== 'number') return null;
    const { pid, startTime = null, bootId: boot = '' } = value as Partial<Holder> & { pid: number }; // Checked above; the rest is compared.
    return { pid, startTime, bootId: boot };
  } catch {
    return null; // Gone, or no lock of ours.
  }
}

function isAlive({ pid, startTime, bootId: boot }: Holder): boolean {
  return boot === bootId() && startTimeOf(pid) === startTime && (startTime !== null || isThere(pid));
}

/** Where there is no process table. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

let boot: string | null = null;

function bootId(): string {
  try {
    boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    boot = '';
  }
  return boot;
}

function refusal(location: string, { pid }: Holder): TroupeError {
  return new TroupeError(
    'busy',
    `Expected nobody to write ${location}, but process ${pid} has this session open. Close it there first, or fork the session.`,
  );
}
