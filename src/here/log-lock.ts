import { readFileSync, readlinkSync } from 'node:fs';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { isLiving, startTimeOf } from '../process/process-table.ts';
import { hasCode, TroupeError } from '../protocol/errors.ts';

/**
 * Who writes a log: a process of this boot of the machine, that began at this time; its number is one of a namespace of
 * processes (`null`: one without a name, as in locks of older releases).
 */
type Holder = Readonly<{ pid: number; startTime: number | null; bootId: string; namespace: string | null }>;

/** Who has a log open. `isForeign`: in another namespace of processes, as a container has one; whether it lives cannot be seen. */
export type Writer = Readonly<{ pid: number; isForeign: boolean }>;

let taken = 0;

/**
 * Takes the lock of a log, for its one writer; gives how to let go of it. What a dead process has left is taken over. Rejects
 * when somebody who lives has it, or somebody of whom that cannot be seen from here.
 */
export async function lock(location: string): Promise<() => Promise<void>> {
  const path = `${location}.lock`;
  const holder: Holder = {
    pid: process.pid,
    startTime: startTimeOf(process.pid),
    bootId: bootId(),
    namespace: namespaceHere(),
  };
  const own = JSON.stringify(holder);
  taken += 1;
  const beside = `${path}.${process.pid}-${taken}`;
  // Numbers of processes are given again: a dead one may have left a file of this name.
  await unlink(beside).catch(() => {});
  try {
    await writeFile(beside, own, { flag: 'wx', mode: 0o600 });
    // A link is made or not; a file that is there is never changed.
    for (let tries = 0; !(await linked(beside, path)); tries += 1) {
      if (tries === TRIES_MAX) throw refusal(location, await holderOf(`${path}.taking`));
      await takeAway(path, beside, location);
    }
    return () => unlink(path).catch(() => {});
  } finally {
    await unlink(beside).catch(() => {});
  }
}

/** Who has a log open; null when nobody does who lives. */
export async function writerOf(location: string): Promise<Writer | null> {
  const holder = await holderOf(`${location}.lock`);
  if (holder === null || isDead(holder)) return null;
  return { pid: holder.pid, isForeign: isForeign(holder) };
}

/** A writer, in words that follow "in" or come before "has". */
export function writerWords({ pid, isForeign }: Writer): string {
  return isForeign ? `process ${pid} of another container` : `process ${pid}`;
}

/**
 * Takes away what a dead process has left. One at a time, and only after another look: nobody but who does this removes the
 * lock of a dead process. Rejects when the lock is that of somebody who lives.
 */
async function takeAway(path: string, own: string, location: string): Promise<void> {
  if (!(await isThereStale(path, location))) return;
  const taking = `${path}.taking`;
  if (!(await linked(own, taking))) {
    const other = await holderOf(taking);
    // It lasts for a moment; one that has died in it has left it.
    if (other === null || isDead(other)) await unlink(taking).catch(() => {});
    else await pause();
    return;
  }
  try {
    // One that was let go of meanwhile may be somebody's by the time it would be removed.
    if (await isThereStale(path, location)) await unlink(path).catch(() => {});
  } finally {
    await unlink(taking).catch(() => {});
  }
}

/** Whether there is a lock that is nobody's; rejects when it is somebody's. */
async function isThereStale(path: string, location: string): Promise<boolean> {
  const text = await textOf(path);
  const holder = text === null ? null : holderIn(text);
  if (holder !== null && !isDead(holder)) throw refusal(location, holder);
  return text !== null;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

/** How long who wants to take a lock over waits while another does, in ms. */
const PAUSE_MS = 5;
/** How often it tries: one second and more, where the other does not come to an end. */
const TRIES_MAX = 200;

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function holderOf(path: string): Promise<Holder | null> {
  const text = await textOf(path);
  return text === null ? null : holderIn(text);
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // One that is there and cannot be read may be somebody's.
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Null for what is no lock of ours. */
function holderIn(text: string): Holder | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('pid' in value) || typeof value.pid !== 'number') return null;
    const { pid, startTime = null, bootId: boot = '', namespace = null } = value as Partial<Holder> & { pid: number }; // Checked above; the rest is compared.
    return { pid, startTime, bootId: boot, namespace };
  } catch {
    return null;
  }
}

/** Whether it is known not to live. Numbers of another namespace say nothing here: that one is not known to be dead. */
function isDead(holder: Holder): boolean {
  const { pid, startTime, bootId: boot } = holder;
  if (boot !== bootId()) return true;
  if (isForeign(holder)) return false;
  return startTime === null ? startTimeOf(pid) !== null || !isThere(pid) : !isLiving({ pid, startTime });
}

function isForeign({ bootId: boot, namespace }: Holder): boolean {
  const here = namespaceHere();
  return boot === bootId() && namespace !== null && here !== null && namespace !== here;
}

/** Where there is no process table. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
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

let namespaceOfOurs: string | null | undefined;

/** Null where there are no such namespaces. */
function namespaceHere(): string | null {
  if (namespaceOfOurs !== undefined) return namespaceOfOurs;
  try {
    namespaceOfOurs = readlinkSync('/proc/self/ns/pid');
  } catch {
    namespaceOfOurs = null;
  }
  return namespaceOfOurs;
}

function refusal(location: string, holder: Holder | null): TroupeError {
  if (holder !== null && isForeign(holder)) {
    const { pid } = holder;
    return new TroupeError(
      'busy',
      `Expected nobody to write ${location}, but process ${pid} of another container (or of the machine around this one) has opened this session, and from here it cannot be seen whether it lives. Close it there first, or fork the session; when you know that it is gone, remove ${location}.lock.`,
    );
  }
  const who = holder === null ? 'another process' : `process ${holder.pid}`;
  return new TroupeError(
    'busy',
    `Expected nobody to write ${location}, but ${who} has this session open. Close it there first, or fork the session.`,
  );
}
