import type { Clock } from '../runtime/clock.ts';
import { createDeadline, type Deadline, pause } from './deadline.ts';
import { membersOf, type Tree } from './members.ts';
import type { KillReport } from './port.ts';
import type { Identity, ProcessTable } from './process-table.ts';

/** How long processes that were killed may take to be gone; what is there then is reported as a survivor. Less than `limits.killMs`, so that the report is in time. */
export const KILL_BOUND_MS = 900;

/** Signals one process, or with a negative number a group; 0 only asks. Says whether there was one that took it. */
export type SendSignal = (pid: number, signal: NodeJS.Signals | 0) => boolean;

export type KillPorts = Readonly<{ clock: Clock; table: ProcessTable; send: SendSignal }>;

/** A killing under way. */
export interface Killing {
  /** Settles within the grace plus `KILL_BOUND_MS`; never rejects. */
  readonly report: Promise<KillReport>;
  /** From now the grace takes at most `graceMs` more. */
  hurry(graceMs: number): void;
}

/**
 * Tells all of a command's processes to stop (TERM), and kills what is there after `graceMs`. It looks again after each
 * round, so that what was started meanwhile is found, and is done when looks in succession find nothing: two, or some
 * more while other processes are being started. A process is signalled only if it is still the one that was found.
 *
 * Without a container this is a best effort: a process that has left the group, cleared its environment and lost its
 * parent before the first look is not found. Without a process table only the group is, and its zombies count as alive.
 */
export function killTree(tree: Tree, graceMs: number, ports: KillPorts): Killing {
  const grace = createDeadline(ports.clock);
  grace.within(graceMs);
  return { report: stopAndKill(tree, grace, ports), hurry: grace.within };
}

/** Node's own way to signal. */
export const sendSignal: SendSignal = (pid, signal) => {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
};

async function stopAndKill(tree: Tree, grace: Deadline, ports: KillPorts): Promise<KillReport> {
  const seen = new Map<number, Identity>();
  const all = new Set<string>();
  const find = async (): Promise<Look> => {
    const found = await look(tree, seen.values(), ports);
    for (const one of found.members) {
      seen.set(one.pid, one);
      all.add(sameProcess(one));
    }
    return found;
  };

  /** A signal to the group also reaches those that joined it since the look; no program is told twice to stop. */
  const signalAll = (found: readonly Found[], signal: NodeJS.Signals, wholeGroup: boolean) => {
    const group = tree.leader.pid;
    const there = found.filter((one) => one.wholeGroup || ports.table.startTime(one.pid) === one.startTime);
    const byGroup = wholeGroup && there.some((one) => one.group === group);
    if (byGroup) ports.send(-group, signal);
    for (const one of there) if (!byGroup || one.group !== group) ports.send(one.pid, signal);
  };

  const told = new Set<string>();
  let killedAny = false;
  const stop = (found: readonly Found[]) => {
    const fresh = found.filter((one) => !told.has(programKey(one)));
    const wholeGroup = told.size === 0;
    for (const one of fresh) told.add(programKey(one));
    // One that is stopped takes a TERM only when it continues.
    for (const signal of ['SIGTERM', 'SIGCONT'] as const) signalAll(fresh, signal, wholeGroup);
  };
  const kill = (found: readonly Found[]) => {
    killedAny = true;
    signalAll(found, 'SIGKILL', true);
  };

  const stopped = await clear(find, stop, grace, ports.clock);
  grace.cancel();
  if (!stopped) {
    const bound = createDeadline(ports.clock);
    bound.within(KILL_BOUND_MS);
    await clear(find, kill, bound, ports.clock);
    bound.cancel();
  }
  const survivors = stopped ? 0 : (await find()).members.length;
  return { graceful: !killedAny, killed: all.size - survivors, survivors };
}

/** A process, or where there is no process table the whole group in the place of its leader. */
export type Found = Identity & Readonly<{ group: number; program: string; wholeGroup?: true }>;

/** A text that tells one process from all others, whatever numbers are given again. */
export function sameProcess(one: Identity): string {
  return `${one.pid}:${one.startTime}`;
}

/** A shell that was told to stop just before it became another program may have forgotten it: that one is told, too. */
function programKey(one: Found): string {
  return `${sameProcess(one)}:${one.program}`;
}

/** Who was found, and whether that is certainly all. */
export type Look = Readonly<{ members: readonly Found[]; settled: boolean }>;

async function look(tree: Tree, seen: Iterable<Identity>, ports: KillPorts): Promise<Look> {
  const snapshot = await ports.table.look(tree.leader.startTime);
  if (snapshot !== null) return { members: membersOf(tree, snapshot, seen), settled: snapshot.settled };
  const there = ports.send(-tree.leader.pid, 0);
  return {
    members: there ? [{ ...tree.leader, group: tree.leader.pid, program: '', wholeGroup: true }] : [],
    settled: true,
  };
}

/** The first pause between two looks; it doubles up to the last one. */
const PAUSE_FIRST_MS = 2;
const PAUSE_LAST_MS = 50;
/** So many looks in succession that find nothing are enough if the last one is settled ... */
const CLEAN_LOOKS = 2;
/** ... and so many in any case: elsewhere on a busy machine something is started all the time. */
const CLEAN_LOOKS_MAX = 4;

/** Acts on what is found until nothing is found any more (true) or `until` has passed (false). */
export async function clear(
  find: () => Promise<Look>,
  act: (found: readonly Found[]) => void,
  until: Deadline,
  clock: Clock,
): Promise<boolean> {
  let pauseMs = PAUSE_FIRST_MS;
  let clean = 0;
  for (;;) {
    const { members, settled } = await find();
    if (members.length === 0) {
      clean += 1;
      if (clean >= CLEAN_LOOKS_MAX || (clean >= CLEAN_LOOKS && settled)) return true;
      if (!settled) await pause(clock, PAUSE_FIRST_MS, until);
      continue;
    }
    clean = 0;
    act(members);
    if (until.passed()) return false;
    await pause(clock, pauseMs, until);
    if (until.passed()) return false;
    pauseMs = Math.min(pauseMs * 2, PAUSE_LAST_MS);
  }
}
