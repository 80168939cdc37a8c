import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createDeadline } from './deadline.ts';
import { hasCommands, OWN_MARKER } from './guardian.ts';
import { clear, KILL_BOUND_MS, type KillPorts, sameProcess } from './kill.ts';
import { type Identity, type ProcessRow, startTimeOf } from './process-table.ts';

const PRIVATE_DIRECTORY = 0o700;
const PRIVATE_FILE = 0o600;

/**
 * Kills what dead processes of ours have left, as far as they noted themselves below `state`: whatever carries the beginning
 * of a marker that a dead one has noted, and began no earlier than it did. Nothing else is signalled. Resolves with how many
 * that were; never rejects. What cannot be read is passed over: then what was left stays.
 */
export async function sweepOrphans(state: string, ports: KillPorts): Promise<number> {
  const ledger = ledgerIn(state);
  const here = placeOfNumbers();
  if (here === null) return 0;
  let killed = 0;
  for (const name of namesIn(ledger)) {
    const entry = entryOf(name);
    if (entry === null || name === nameOf(entry.marker, here)) continue;
    // Of another namespace: its numbers say nothing here. Of an earlier start of the machine: nothing can be left.
    if (entry.boot === here.boot) {
      if (entry.namespace !== here.namespace || (await lives(entry, ports))) continue;
      killed += await killLeft(entry, ports);
    }
    rmSync(join(ledger, name), { force: true });
  }
  return killed;
}

/** Notes below `state` that this process has commands. It takes that back when it ends by itself and has none. */
export function noteOwn(state: string): void {
  const here = placeOfNumbers();
  if (here === null) return;
  const path = join(ledgerIn(state), nameOf(OWN_MARKER, here));
  try {
    mkdirSync(ledgerIn(state), { recursive: true, mode: PRIVATE_DIRECTORY });
    closeSync(openSync(path, 'a', PRIVATE_FILE));
  } catch {
    return; // Without a note nobody sweeps; commands run all the same.
  }
  process.once('exit', () => {
    if (!hasCommands()) rmSync(path, { force: true });
  });
}

async function killLeft(entry: Entry, ports: KillPorts): Promise<number> {
  const seen = new Set<string>();
  const isLeft = (row: ProcessRow) =>
    row.marker?.startsWith(entry.marker) === true && row.startTime >= entry.startTime && row.pid !== process.pid;
  const bound = createDeadline(ports.clock);
  bound.within(KILL_BOUND_MS);
  await clear(
    async () => {
      const snapshot = await ports.table.look(entry.startTime);
      const members = [...(snapshot?.byPid.values() ?? [])].filter(isLeft);
      for (const one of members) seen.add(sameProcess(one));
      return { members, settled: true };
    },
    (found) => {
      for (const one of found) if (ports.table.startTime(one.pid) === one.startTime) ports.send(one.pid, 'SIGKILL');
    },
    bound,
    ports.clock,
  );
  bound.cancel();
  return seen.size;
}

/** One that has ended and was not waited for is dead. */
async function lives({ pid, startTime }: Identity, { table }: KillPorts): Promise<boolean> {
  const snapshot = await table.look(Number.POSITIVE_INFINITY);
  return snapshot === null || snapshot.byPid.get(pid)?.startTime === startTime;
}

/** Where the number of a process means something. */
type Place = Readonly<{ namespace: string; boot: string }>;
type Entry = Identity & Place & Readonly<{ marker: string }>;

/** All is in the name, so that nobody ever reads half of it. */
function nameOf(marker: string, { namespace, boot }: Place): string {
  return [process.pid, startTimeOf(process.pid), namespace, boot, marker].join('.');
}

/** Null for what is none of ours. */
function entryOf(name: string): Entry | null {
  const [, pid, startTime, namespace = '', boot = '', marker = ''] =
    /^(\d+)\.(\d+)\.(\d+)\.([0-9a-f-]+)\.([0-9a-f]{16})$/.exec(name) ?? [];
  return pid === undefined ? null : { pid: Number(pid), startTime: Number(startTime), namespace, boot, marker };
}

function placeOfNumbers(): Place | null {
  try {
    const namespace = readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
    return { namespace, boot: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim() };
  } catch {
    return null;
  }
}

function ledgerIn(state: string): string {
  return join(state, 'commands');
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
