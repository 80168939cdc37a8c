import { createDeadline, type Deadline } from './deadline.ts';
import { clear, type Found, KILL_BOUND_MS, type Killing, type KillPorts, type Look, sameProcess } from './kill.ts';
import { membersOf } from './members.ts';
import type { KillReport } from './port.ts';
import type { Identity, Snapshot } from './process-table.ts';

/** A container: what bubblewrap is outside, the first process inside as soon as it is told, and the marker that all begin with. */
export type Container = Readonly<{
  outer: Identity;
  init(): Identity | null;
  marker: string;
  /** Resolves when it has been told that bubblewrap has ended. */
  ended: Promise<unknown>;
  /** Kills bubblewrap outside by Node's own knowledge of it, whatever the process table says; nothing when it has ended. */
  end?(): void;
}>;

/** How long bubblewrap may take to pass on how a command ended that has stopped by itself, in ms. */
const PASS_ON_MS = 100;

/**
 * Tells all that runs in a container to stop (TERM), one by one, because bubblewrap itself would take everything with it at
 * once; and kills the whole after `graceMs`. Nothing in it can leave it, so nothing survives but what hangs in the kernel.
 */
export function killContainer(container: Container, graceMs: number, ports: KillPorts): Killing {
  const grace = createDeadline(ports.clock);
  grace.within(graceMs);
  return { report: stopAndKill(container, grace, ports), hurry: grace.within };
}

async function stopAndKill(container: Container, grace: Deadline, ports: KillPorts): Promise<KillReport> {
  const seen = new Map<string, Identity>();
  const told = new Set<string>();
  const find = async (): Promise<Look> => {
    const found = await look(container, ports);
    for (const one of found.members) seen.set(sameProcess(one), one);
    return found;
  };
  const stop = (found: readonly Found[]) => {
    for (const one of found) {
      const program = `${sameProcess(one)}:${one.program}`;
      if (told.has(program) || ports.table.startTime(one.pid) !== one.startTime) continue;
      told.add(program);
      // One that is stopped takes a TERM only when it continues.
      for (const signal of ['SIGTERM', 'SIGCONT'] as const) ports.send(one.pid, signal);
    }
  };
  const stopped = await clear(find, stop, grace, ports.clock);
  if (stopped && container.init() !== null) await hasEnded(container, ports);
  grace.cancel();
  const kill = (found: readonly Found[]) => {
    for (const one of found) if (ports.table.startTime(one.pid) === one.startTime) ports.send(one.pid, 'SIGKILL');
  };
  const bound = createDeadline(ports.clock);
  bound.within(KILL_BOUND_MS);
  const rest = createRest(container, seen, ports);
  const cleared = await clear(rest, kill, bound, ports.clock);
  container.end?.();
  bound.cancel();
  const left = cleared ? [] : (await rest()).members;
  const hanging = left.filter((one) => seen.has(sameProcess(one))).length;
  return { graceful: stopped, killed: seen.size - hanging, survivors: hanging > 0 ? hanging : left.length };
}

/**
 * What is left of the whole. One that is being built does not depend on bubblewrap outside yet: it would go on and run the
 * command when that is killed. So where the first one inside is not known, all that has the marker is meant.
 */
function createRest(
  { outer, init, marker }: Container,
  seen: ReadonlyMap<string, Identity>,
  ports: KillPorts,
): () => Promise<Look> {
  const first = init();
  const unnamed = new Map<number, Identity>();
  return async () => {
    if (first !== null) {
      const members = [first, outer, ...seen.values()].filter(ports.table.lives);
      return { members: members.map((one) => ({ ...one, group: one.pid, program: '' })), settled: true };
    }
    const snapshot = await ports.table.look(outer.startTime);
    if (snapshot === null) return { members: [], settled: true };
    const members = membersOf({ leader: outer, marker }, snapshot, [...unnamed.values(), ...seen.values()]);
    for (const one of members) unnamed.set(one.pid, one);
    return { members, settled: snapshot.settled };
  };
}

async function hasEnded({ ended }: Container, ports: KillPorts): Promise<void> {
  const patience = createDeadline(ports.clock);
  patience.within(PASS_ON_MS);
  await Promise.race([ended, patience.reached]);
  patience.cancel();
}

/** All below the first process of the container, which only minds the others. */
async function look({ outer, init }: Container, { table }: KillPorts): Promise<Look> {
  // It is there before it was told of, which may be late in a busy process.
  const first = init() ?? table.below(outer)?.[0] ?? null;
  if (first === null) return { members: [], settled: true };
  const members = table.below(first);
  if (members !== null) return { members, settled: true };
  const snapshot = await table.look(Number.POSITIVE_INFINITY);
  if (snapshot === null) return { members: [], settled: true };
  return { members: membersBelow(first, snapshot), settled: snapshot.settled };
}

function membersBelow(first: Identity, snapshot: Snapshot): readonly Found[] {
  if (snapshot.byPid.get(first.pid)?.startTime !== first.startTime) return [];
  const members: Found[] = [...(snapshot.byParent.get(first.pid) ?? [])];
  // The list grows while it is walked, so this reaches every generation.
  for (const one of members) members.push(...(snapshot.byParent.get(one.pid) ?? []));
  return members;
}
