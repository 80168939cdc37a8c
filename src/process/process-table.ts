import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../runtime/clock.ts';
import { createDeadline } from './deadline.ts';
import { procText } from './proc-text.ts';

/** The variable in a command's environment whose value names the call; whatever it starts inherits it. */
export const MARKER_NAME = 'TROUPE_CALL';

/** Which process: its number, and when it began (clock ticks since boot), because numbers are given again. */
export type Identity = Readonly<{ pid: number; startTime: number }>;

/** One living process. `program` is the name of what it runs; `marker` is null when it has none, or when it began before anybody asked for markers. */
export type ProcessRow = Identity & Readonly<{ parent: number; group: number; program: string; marker: string | null }>;

/** The living processes at one moment, and ways to find them. */
export type Snapshot = Readonly<{
  /** Nothing was started during the look or was about to become another program: what was not found is not there. */
  settled: boolean;
  byPid: ReadonlyMap<number, ProcessRow>;
  byParent: ReadonlyMap<number, readonly ProcessRow[]>;
  byGroup: ReadonlyMap<number, readonly ProcessRow[]>;
  byMarker: ReadonlyMap<string | null, readonly ProcessRow[]>;
}>;

/** The processes of this machine. */
export interface ProcessTable {
  /** All that live; markers are read of those that began at `since` or later. Null where there is no such table. */
  look(since: number): Promise<Snapshot | null>;
  /** When the process of this number began; null when there is none. A zombie is still there. */
  startTime(pid: number): number | null;
  /** Whether it lives; a zombie does not. */
  lives(one: Identity): boolean;
  /** The living descendants of one, found without a look at all others; null where the system does not list children. */
  below(first: Identity): readonly ProcessRow[] | null;
}

/** Markers that cannot be read within this time are taken as missing: a process may be stuck in the kernel. */
const MARKERS_WAIT_MS = 250;
/** How many environments are read at once. */
const MARKER_READERS = 8;

/** The table under /proc. Looks that are asked for while one is under way share the next one. */
export function procTable(clock: Clock): ProcessTable {
  const readEnvironment = createEnvironmentReader();
  let current: Promise<unknown> = Promise.resolve();
  let next: { since: number; snapshot: Promise<Snapshot | null> } | null = null;

  const lookNow = async (since: number): Promise<Snapshot | null> => {
    const before = lastPid();
    const rows = readRows();
    if (rows === null) return null;
    const after = lastPid();
    const queue = rows.filter((row) => row.startTime >= since).values();
    const markers = new Map<number, string | null>();
    let unread = false;
    const reader = async () => {
      for (const row of queue) {
        const environment = await readEnvironment(row);
        // A process has none for the moment in which it becomes another program.
        if (environment?.length === 0) unread = true;
        else if (environment !== null) markers.set(row.pid, markerIn(environment));
      }
    };
    const bound = createDeadline(clock);
    bound.within(MARKERS_WAIT_MS);
    await Promise.race([Promise.all(Array.from({ length: MARKER_READERS }, reader)), bound.reached]);
    bound.cancel();
    const settled = before !== undefined && before === after && !unread;
    return snapshotOf(
      rows.map(({ alive: _, ...row }) => ({ ...row, marker: markers.get(row.pid) ?? null })),
      settled,
    );
  };

  return {
    look(since) {
      if (next !== null) {
        next.since = Math.min(next.since, since);
        return next.snapshot;
      }
      const asked = { since, snapshot: Promise.resolve<Snapshot | null>(null) };
      asked.snapshot = current.then(() => {
        next = null;
        return lookNow(asked.since);
      });
      current = asked.snapshot;
      next = asked;
      return asked.snapshot;
    },
    startTime: startTimeOf,
    lives: isLiving,
    below,
  };
}

/** When the process of this number began, in clock ticks since boot; null when there is none. */
export function startTimeOf(pid: number): number | null {
  return readRow(pid)?.startTime ?? null;
}

/** Whether the process lives that began then under this number; a zombie does not. */
export function isLiving({ pid, startTime }: Identity): boolean {
  return livingRow(pid)?.startTime === startTime;
}

function livingRow(pid: number): Row | null {
  const row = readRow(pid);
  return row?.alive === true ? row : null;
}

/** A child that comes or goes meanwhile may be missed, but never so that a process that keeps one seems to have none. */
function below(first: Identity): readonly ProcessRow[] | null {
  if (!hasChildrenLists()) return null;
  const children = startTimeOf(first.pid) === first.startTime ? childrenOf(first.pid) : [];
  const found = new Map<number, ProcessRow>();
  // The list grows while it is walked, so this reaches every generation.
  for (const pid of children) {
    const row = found.has(pid) ? null : livingRow(pid);
    if (row === null) continue;
    const { alive: _, ...rest } = row;
    found.set(pid, { ...rest, marker: null });
    children.push(...childrenOf(pid));
  }
  return [...found.values()];
}

/** Each thread has children of its own (proc_tid_children(5)); one that has gone has none. */
function childrenOf(pid: number): number[] {
  return namesIn(`/proc/${pid}/task`).flatMap(
    (thread) => procText(`/proc/${pid}/task/${thread}/children`)?.match(/\d+/g)?.map(Number) ?? [],
  );
}

let listed: boolean | null = null;

function hasChildrenLists(): boolean {
  listed ??= procText(`/proc/${process.pid}/task/${process.pid}/children`) !== null;
  return listed;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Arranges rows for searching. */
export function snapshotOf(rows: readonly ProcessRow[], settled: boolean): Snapshot {
  return {
    settled,
    byPid: new Map(rows.map((row) => [row.pid, row])),
    byParent: Map.groupBy(rows, (row) => row.parent),
    byGroup: Map.groupBy(rows, (row) => row.group),
    byMarker: Map.groupBy(rows, (row) => row.marker),
  };
}

type Row = Omit<ProcessRow, 'marker'> & Readonly<{ alive: boolean }>;

function readRows(): Row[] | null {
  const pids = namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.length === 0 ? null : pids.flatMap((pid) => readRow(pid) ?? []).filter((row) => row.alive);
}

/** The number that was given last, the last field of /proc/loadavg (proc_loadavg(5)). */
function lastPid(): string | undefined {
  return procText('/proc/loadavg')?.split(' ').at(-1);
}

function readRow(pid: number): Row | null {
  const line = procText(`/proc/${pid}/stat`);
  return line === null ? null : parseStat(pid, line);
}

/** PF_KTHREAD of Linux's sched.h. */
const KERNEL_THREAD = 0x0020_0000;

/**
 * Reads a line of /proc/<pid>/stat (proc_pid_stat(5)). The name is in parentheses and may hold any character, so the
 * fields are counted from the last parenthesis. A zombie with more than one thread still runs: only its first thread
 * has ended. Threads of the kernel are no processes.
 */
export function parseStat(pid: number, line: string): Row | null {
  const nameEnd = line.lastIndexOf(')');
  const program = line.slice(line.indexOf('(') + 1, nameEnd);
  const fields = line.slice(nameEnd + 2).split(' ');
  const [state, parent, group] = fields;
  const [flags, threads, startTime] = [fields[6], fields[17], fields[19]];
  if (startTime === undefined) return null;
  const inKernel = (Number(flags) & KERNEL_THREAD) !== 0;
  const alive = !inKernel && state !== 'X' && (state !== 'Z' || Number(threads) > 1);
  return { pid, parent: Number(parent), group: Number(group), program, startTime: Number(startTime), alive };
}

/**
 * Reads environments; null where there is none to read. A read that hangs is not begun again, so that one stuck process
 * costs one thread and not all.
 */
function createEnvironmentReader(): (row: Row) => Promise<Buffer | null> {
  const reading = new Map<string, Promise<Buffer | null>>();
  return (row) => {
    const key = `${row.pid}:${row.startTime}`;
    const begun = reading.get(key);
    if (begun !== undefined) return begun;
    const read = readFile(`/proc/${row.pid}/environ`)
      .catch(() => null)
      .finally(() => reading.delete(key));
    reading.set(key, read);
    return read;
  };
}

/** The marker in an environment block (`NAME=value`, each ended by a NUL), if there is one. */
export function markerIn(environment: Buffer): string | null {
  const prefix = `${MARKER_NAME}=`;
  for (let at = environment.indexOf(prefix); at >= 0; at = environment.indexOf(prefix, at + 1)) {
    if (at > 0 && environment[at - 1] !== 0) continue;
    const end = environment.indexOf(0, at);
    return environment.subarray(at + prefix.length, end < 0 ? undefined : end).toString('latin1');
  }
  return null;
}
