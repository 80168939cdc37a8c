import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTimeOf } from './process-table.ts';

/**
 * Directories that stand for names of which a command may make none: a mount needs something to cover. They are empty, and
 * go when the last command that needs them has ended; what a killed process of ours left goes with the next. Only what is
 * empty is ever removed, and only what one of us has made.
 */
export interface Placeholders {
  readonly paths: readonly string[];
  release(): void;
}

const PRIVATE_DIRECTORY = 0o700;
const PRIVATE_FILE = 0o600;

/** What this process holds, by root: how many commands need each. */
const held = new Map<string, Map<string, number>>();

/** Makes what is missing of `names` in `root`, and notes it below `state` first. */
export function holdPlaceholders(root: string, names: readonly string[], state: string): Placeholders {
  const ledger = join(state, 'placeholders', createHash('sha256').update(root).digest('hex').slice(0, 32));
  mkdirSync(ledger, { recursive: true, mode: PRIVATE_DIRECTORY });
  const others = livingLeases(ledger);
  const counts = held.get(ledger) ?? new Map<string, number>();
  held.set(ledger, counts);
  const paths = names
    .map((name) => join(root, name))
    .filter((path) => counts.has(path) || others.has(path) || isMissing(path));
  const fresh = paths.filter((path) => !counts.has(path));
  for (const path of paths) counts.set(path, (counts.get(path) ?? 0) + 1);
  if (fresh.length > 0) writeFileSync(ownLease(ledger), JSON.stringify([...counts.keys()]), { mode: PRIVATE_FILE });
  for (const path of paths) makeDirectory(path);
  let released = false;
  return {
    paths,
    release() {
      if (released) return;
      released = true;
      for (const path of paths) {
        const left = (counts.get(path) ?? 1) - 1;
        if (left > 0) counts.set(path, left);
        else counts.delete(path);
      }
      const needed = livingLeases(ledger);
      for (const path of paths) if (!counts.has(path) && !needed.has(path)) removeIfEmpty(path);
      if (counts.size > 0) return;
      held.delete(ledger);
      rmSync(ownLease(ledger), { force: true });
    },
  };
}

function ownLease(ledger: string): string {
  return join(ledger, `${process.pid}-${startTimeOf(process.pid)}`);
}

/** What other living processes of ours hold there; what dead ones held is removed if it is empty and nobody else needs it. */
function livingLeases(ledger: string): ReadonlySet<string> {
  const own = ownLease(ledger);
  const leases = namesIn(ledger)
    .map((name) => join(ledger, name))
    .filter((path) => path !== own)
    .map((path) => ({ path, lives: holderLives(path), places: placesIn(path) }));
  const living = new Set(leases.filter(({ lives }) => lives).flatMap(({ places }) => places));
  for (const { path, lives, places } of leases) {
    if (lives) continue;
    for (const place of places) if (!living.has(place) && !held.get(ledger)?.has(place)) removeIfEmpty(place);
    rmSync(path, { force: true });
  }
  return living;
}

function holderLives(lease: string): boolean {
  const [pid = '', began = ''] = (lease.split('/').at(-1) ?? '').split('-');
  return String(startTimeOf(Number(pid))) === began;
}

function placesIn(lease: string): readonly string[] {
  try {
    const places: unknown = JSON.parse(readFileSync(lease, 'utf8'));
    return Array.isArray(places) ? places.filter((place) => typeof place === 'string') : [];
  } catch {
    return []; // Half written by a process that died: it had made nothing yet.
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function isMissing(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined;
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch {
    // There by now, or not to be made: then the command cannot either.
  }
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Gone, or something is in it by now, and that is not ours.
  }
}
