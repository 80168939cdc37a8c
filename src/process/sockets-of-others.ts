import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { procText } from './proc-text.ts';

/** How many sockets of others are covered. */
const SOCKETS_MAX = 256;

/**
 * Sockets of others that a command in a sandbox could reach by a path: those of an agent, a container engine, a database
 * (unix(7)). What it could not reach because of the directories above cannot be covered either.
 */
export function socketsOfOthers(isWanted: (path: string) => boolean): readonly string[] {
  const paths = new Set<string>();
  for (const line of (procText('/proc/net/unix') ?? '').split('\n')) {
    const path = /\s(\/.*)$/.exec(line)?.[1];
    if (path === undefined || !isWanted(path)) continue;
    if (paths.size === SOCKETS_MAX) break;
    paths.add(path);
  }
  return [...paths].flatMap(realPath).filter((path) => isWanted(path) && isSocket(path) && isReachable(path));
}

/** The path with links resolved; none where we do not even get to. */
function realPath(path: string): readonly string[] {
  try {
    return [realpathSync(path)];
  } catch {
    return [];
  }
}

function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
}

/** Whether every directory above lets us in by its mode alone: in a sandbox, the user of number 0 is not let in by more either. */
function isReachable(path: string): boolean {
  for (let at = path; at !== dirname(at); ) {
    at = dirname(at);
    const directory = lstatSync(at, { throwIfNoEntry: false });
    if (directory === undefined || (directory.mode & executeBit(directory)) === 0) return false;
  }
  return true;
}

/** The bit of the mode that says whether we may go through (path_resolution(7)). */
function executeBit({ uid, gid }: Stats): number {
  if (uid === process.geteuid?.()) return 0o100;
  return gid === process.getegid?.() || process.getgroups?.().includes(gid) ? 0o010 : 0o001;
}
