import { createDeadline, type Deadline, pause } from './deadline.ts';
import { clear, type Found, KILL_BOUND_MS, type Killing, type KillPorts, type Look, sameProcess } from './kill.ts';
import type { KillReport } from './port.ts';
import type { Identity, Snapshot } from './process-table.ts';

/** The processes of a container: what bubblewrap is outside, and the first one inside as soon as there is one. */
export type Container = Readonly<{ outer: Identity; init(): Identity | null }>;

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
  const all = new Set<string>();
  const told = new Set<string>();
  const find = async (): Promise<Look> => {
    const found = await look(container, ports);
    for (const one of found.members) all.add(sameProcess(one));
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
  if (stopped && container.init() !== null) await hasGone(container.outer, ports);
  grace.cancel();
  const whole = [container.init(), container.outer].filter((one) => one !== null);
  const kill = () => {
    for (const one of whole) if (ports.table.startTime(one.pid) === one.startTime) ports.send(one.pid, 'SIGKILL');
  };
  const bound = createDeadline(ports.clock);
  bound.within(KILL_BOUND_MS);
  const rest = async (): Promise<Look> => {
    const snapshot = await ports.table.look(Number.POSITIVE_INFINITY);
    return { members: [...(await find()).members, ...livingOf(whole, snapshot, ports)], settled: true };
  };
  const cleared = await clear(rest, kill, bound, ports.clock);
  bound.cancel();
  const survivors = cleared ? 0 : (await find()).members.length;
  return { graceful: stopped, killed: all.size - survivors, survivors };
}

async function hasGone(outer: Identity, ports: KillPorts): Promise<void> {
  const patience = createDeadline(ports.clock);
  patience.within(PASS_ON_MS);
  while (!patience.passed() && ports.table.startTime(outer.pid) === outer.startTime)
    await pause(ports.clock, 2, patience);
  patience.cancel();
}

/** A process that has ended and was not waited for is dead; without a table that cannot be told. */
function livingOf(whole: readonly Identity[], snapshot: Snapshot | null, { table }: KillPorts): readonly Found[] {
  return whole
    .filter((one) => {
      const there = snapshot === null ? table.startTime(one.pid) : snapshot.byPid.get(one.pid)?.startTime;
      return there === one.startTime;
    })
    .map((one) => ({ ...one, group: one.pid, program: 'bwrap' }));
}

/** All below the first process of the container, which only minds the others. */
async function look({ init }: Container, ports: KillPorts): Promise<Look> {
  const first = init();
  const snapshot = first === null ? null : await ports.table.look(Number.POSITIVE_INFINITY);
  if (first === null || snapshot === null) return { members: [], settled: true };
  return { members: membersBelow(first, snapshot), settled: snapshot.settled };
}

function membersBelow(first: Identity, snapshot: Snapshot): readonly Found[] {
  if (snapshot.byPid.get(first.pid)?.startTime !== first.startTime) return [];
  const members: Found[] = [...(snapshot.byParent.get(first.pid) ?? [])];
  // The list grows while it is walked, so this reaches every generation.
  for (const one of members) members.push(...(snapshot.byParent.get(one.pid) ?? []));
  return members;
}
