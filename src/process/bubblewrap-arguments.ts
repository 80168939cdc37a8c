import { lstatSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, relative, sep } from 'node:path';
import { type Guarded, guardedIn } from './guarded-names.ts';
import { holdPlaceholders, type Placeholders } from './placeholders.ts';
import type { SandboxProfile } from './port.ts';
import { socketsOfOthers } from './sockets-of-others.ts';

/** The number of the descriptor on which bubblewrap tells what it does. */
export const STATUS_DESCRIPTOR = 3;
/** And of the one from which it reads the filter of system calls. */
export const FILTER_DESCRIPTOR = 4;

/** The arguments for a command that may do all we may, but dies with us and is killed whole. */
export const CONTAINER_ARGUMENTS: readonly string[] = [
  ...['--dev-bind', '/', '/', '--proc', '/proc', '--unshare-pid'],
  ...['--die-with-parent', '--new-session', '--json-status-fd', String(STATUS_DESCRIPTOR)],
];

/** How much a command may write into each of its temporary directories: memory, so 1 GiB. */
export const TEMPORARY_MAX_BYTES = 1_073_741_824;
/** Where everybody keeps sockets and temporary files; a command has its own. */
const TEMPORARY = ['/run', '/tmp', '/var/tmp'];
/**
 * What the user of number 0 may write below /proc without any capability. Bubblewrap leaves open what it cannot write itself
 * at that moment, and so most of this.
 */
const KERNEL_SETTINGS = [
  '/proc/sys',
  '/proc/sysrq-trigger',
  '/proc/mtrr',
  '/proc/pressure',
  '/proc/acpi',
  '/proc/fs',
  '/proc/scsi',
];
/** What tells of others there. */
const KERNEL_SECRETS = [
  '/proc/kcore',
  '/proc/keys',
  '/proc/key-users',
  '/proc/kmsg',
  '/proc/timer_list',
  '/proc/sched_debug',
];

/** A sandbox about to be entered. Whoever made it has to `leave` it, whatever comes; that tells what was found changed. */
export type SandboxArguments = Readonly<{ arguments: readonly string[]; links: readonly Link[]; leave(): void }>;
export type Link = Extract<Guarded, { type: 'link' }>;

/**
 * The arguments that give a command this profile. Reads the file system, and makes the placeholders of reserved names. Throws
 * when the profile makes no sense on this machine, in words for a person.
 */
export function sandboxArguments(profile: SandboxProfile): SandboxArguments {
  const roots = profile.writableRoots.map(realRoot);
  const guarded = guardedOf(roots, new Set(profile.protectedNames));
  const placeholders = roots.map((root) => holdPlaceholders(root, profile.reservedNames, profile.state));
  const mounts = [
    ...TEMPORARY.flatMap(existing).map(temporary),
    ...(profile.network ? existing('/etc/resolv.conf').map(visible) : []),
    ...profile.visible.flatMap(existing).flatMap((path) => (isWritable(path, roots) ? [] : [visible(path)])),
    ...[...profile.hidden, ...socketsOfOthers(isOutside)].flatMap(existing).flatMap(hidden),
    ...roots.map(writable),
    ...guarded.flatMap(({ path }) => guardMounts(path, roots)),
    ...placeholders.flatMap(({ paths }) => paths.map(readOnly)),
  ];
  return {
    arguments: [
      ...['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'],
      ...KERNEL_SETTINGS.flatMap(existing).flatMap((path) => ['--ro-bind', path, path]),
      ...KERNEL_SECRETS.flatMap(existing).flatMap((path) => ['--ro-bind', '/dev/null', path]),
      ...inOrder(mounts).flatMap(({ words }) => words),
      ...mounts.flatMap(({ path, closes }) => (closes ? ['--remount-ro', path] : [])),
      ...['--unshare-all', '--unshare-user', '--disable-userns', '--cap-drop', 'ALL'],
      ...(profile.network ? ['--share-net'] : []),
      ...['--die-with-parent', '--new-session', '--json-status-fd', String(STATUS_DESCRIPTOR)],
    ],
    links: guarded.filter((one) => one.type === 'link'),
    leave: () => leaveAll(placeholders),
  };
}

function leaveAll(placeholders: readonly Placeholders[]): void {
  for (const one of placeholders) one.release();
}

/** One thing that is mounted. `closes`: it is made read-only once all is mounted. */
type Mount = Readonly<{ path: string; rank: number; words: readonly string[]; closes?: true }>;

/** What lies above comes first; of the same path, what is stricter comes last and so counts. */
function inOrder(mounts: readonly Mount[]): readonly Mount[] {
  return mounts.toSorted((a, b) => depthOf(a.path) - depthOf(b.path) || a.rank - b.rank);
}

function depthOf(path: string): number {
  return path.split(sep).filter((name) => name !== '').length;
}

function temporary(path: string): Mount {
  return { path, rank: 0, words: ['--size', String(TEMPORARY_MAX_BYTES), '--tmpfs', path] };
}

function visible(path: string): Mount {
  return { path, rank: 1, words: ['--ro-bind', path, path] };
}

function writable(path: string): Mount {
  return { path, rank: 2, words: ['--bind', path, path] };
}

function readOnly(path: string): Mount {
  return { path, rank: 3, words: ['--ro-bind', path, path] };
}

/** What has gone since it was found, as a socket does when its server ends, need not be covered. */
function hidden(path: string): readonly Mount[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [];
  if (!found.isDirectory()) return [{ path, rank: 4, words: ['--ro-bind', '/dev/null', path] }];
  return [{ path, rank: 4, words: ['--tmpfs', path], closes: true }];
}

/** A mount stays where it is when a directory above it is moved away; a mount cannot be moved, so each of those is one. */
function guardMounts(path: string, roots: readonly string[]): readonly Mount[] {
  const root = roots.find((one) => isBelow(one, path));
  if (root === undefined) return [];
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== false) return [];
  const above: Mount[] = [];
  for (let at = dirname(path); at !== root; at = dirname(at)) above.push(writable(at));
  return [...above, readOnly(path)];
}

function guardedOf(roots: readonly string[], names: ReadonlySet<string>): readonly Guarded[] {
  const found = new Map(roots.flatMap((root) => guardedIn(root, names)).map((one) => [one.path, one]));
  return [...found.values()];
}

function isWritable(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => root === path || isBelow(root, path));
}

/** Whether a path is not in what a command has of its own. */
function isOutside(path: string): boolean {
  return !TEMPORARY.some((directory) => isBelow(directory, path));
}

/** Whether `path` is below `directory`, and not the directory itself. */
function isBelow(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== '' && way.split(sep)[0] !== '..' && !isAbsolute(way);
}

function realRoot(path: string): string {
  const real = realpathSync(path);
  if (real !== sep) return real;
  throw new Error(
    'Expected a directory that commands may write to, got "/": with all of it writable there is no sandbox. Work in a directory below it',
  );
}

/** The path with links resolved, if there is something. */
function existing(path: string): readonly string[] {
  try {
    return [realpathSync(path)];
  } catch {
    return [];
  }
}
