import { basename, dirname, isAbsolute, join } from 'node:path';
import type { FileKind, Files } from '../tools/files.ts';
import { createFaults, diskError, type FaultDesk, type FaultOf } from './faults.ts';
import type { SeededRng } from './seeded-rng.ts';
import type { SteppedClock } from './stepped-clock.ts';
import type { Trace } from './trace.ts';

/** Files in memory, and ways to look at them and to change them from outside, which take no time. */
export interface SimulatedFiles extends Files {
  /** Puts something at an absolute path, with all directories above it; it replaces what is there. */
  put(path: string, content: string | Uint8Array | Readonly<{ link: string }>, mode?: number): void;
  /** Makes a directory, and all above it. */
  putDirectory(path: string): void;
  /** Every file as text, every link as `-> target`, every empty directory as `<directory>`, by absolute path, sorted. */
  tree(): Readonly<Record<string, string>>;
}

export type SimulatedFilesOptions = Readonly<{ clock: SteppedClock; rng: SeededRng; trace: Trace; faults?: FaultDesk }>;

/** How long the slowest operation takes, in ms; the seed picks one. */
const SLOWEST_MS = [0, 1, 10];

/**
 * Files that behave as those of a Linux machine seen through the port, down to the codes of its errors: what changes
 * something goes through no link. Modes are kept and permit everything; there are no limits but that of a name.
 */
export function simulatedFiles({ clock, rng, trace, faults = createFaults() }: SimulatedFilesOptions): SimulatedFiles {
  const pace = rng.pace(SLOWEST_MS);
  const root: Directory = { type: 'directory', entries: new Map() };

  async function act<T>(
    operation: FaultOf<'files'>['operation'],
    what: string,
    path: string,
    run: () => T,
  ): Promise<T> {
    if (!isAbsolute(path)) throw failure('EINVAL', `Expected an absolute path to ${what}, got ${path}`);
    const how = faults.begin('files', operation);
    if (how === 'hangs') await faults.hang(`${what} of ${path}`);
    await clock.pass(pace(), `${what} of ${path}`);
    if (how === null || how === 'hangs') return run();
    if (how === 'power-cut') return faults.cut();
    if (how === 'late') run();
    throw diskError(how, `${what} '${path}'`);
  }
  const change = (
    operation: FaultOf<'files'>['operation'],
    what: 'write' | 'remove' | 'make-directory' | 'remove-directory',
    path: string,
    run: (place: { entries: Map<string, Entry>; name: string; entry: Entry | null }) => void,
  ) =>
    act(operation, what, path, () => {
      const { entries } = heldDirectory(root, path);
      const name = checkedName(basename(path), path);
      run({ entries, name, entry: entries.get(name) ?? null });
      trace.add({ type: 'file.changed', change: what, path });
    });

  return {
    kind: (path) => act('kind', 'a look at the kind', path, () => kindOf(root, path)),
    realPath: (path) =>
      act('realPath', 'a look for the real path', path, () => {
        const found = walk(root, path, true);
        if (found.entry === null) throw failure('ENOENT', `no such file or directory, realpath '${path}'`);
        return found.path;
      }),
    read: (path) =>
      act('read', 'a read', path, () => {
        const { entry } = walk(root, path, true);
        if (entry === null) throw failure('ENOENT', `no such file or directory, open '${path}'`);
        if (entry.type !== 'file') throw failure('EISDIR', `Expected a file, got a directory: ${path}`);
        return Uint8Array.from(entry.bytes);
      }),
    mode: (path) =>
      act('mode', 'a look at the mode', path, () => {
        const { entry } = walk(root, path, false);
        if (entry === null) throw failure('ENOENT', `no such file or directory, lstat '${path}'`);
        return entry.type === 'file' ? entry.mode : MODES[entry.type];
      }),
    write: (path, bytes, mode) =>
      change('write', 'write', path, ({ entries, name, entry }) => {
        if (entry !== null && entry.type !== 'file')
          throw failure('EINVAL', `Expected a file to replace, got a ${entry.type}: ${path}`);
        entries.set(name, { type: 'file', bytes: Uint8Array.from(bytes), mode: mode ?? entry?.mode ?? MODES.file });
      }),
    remove: (path) =>
      change('remove', 'remove', path, ({ entries, name, entry }) => {
        if (entry === null) throw failure('ENOENT', `no such file or directory, unlink '${path}'`);
        if (entry.type === 'directory') throw failure('EISDIR', `illegal operation on a directory, unlink '${path}'`);
        entries.delete(name);
      }),
    makeDirectory: (path) =>
      change('makeDirectory', 'make-directory', path, ({ entries, name, entry }) => {
        if (entry !== null) throw failure('EEXIST', `file already exists, mkdir '${path}'`);
        entries.set(name, { type: 'directory', entries: new Map() });
      }),
    removeDirectory: (path) =>
      change('removeDirectory', 'remove-directory', path, ({ entries, name, entry }) => {
        if (entry === null) throw failure('ENOENT', `no such file or directory, rmdir '${path}'`);
        if (entry.type !== 'directory') throw failure('ENOTDIR', `not a directory, rmdir '${path}'`);
        if (entry.entries.size > 0) throw failure('ENOTEMPTY', `directory not empty, rmdir '${path}'`);
        entries.delete(name);
      }),
    put(path, content, mode = MODES.file) {
      const bytes = typeof content === 'string' ? Buffer.from(content) : content;
      const entry: Entry =
        'link' in bytes ? { type: 'link', target: bytes.link } : { type: 'file', bytes: Uint8Array.from(bytes), mode };
      madeDirectory(root, dirname(path)).entries.set(basename(path), entry);
    },
    putDirectory: (path) => void madeDirectory(root, path),
    tree: () => Object.fromEntries(listed(root, '/').sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

type Directory = Readonly<{ type: 'directory'; entries: Map<string, Entry> }>;
type Entry =
  | Directory
  | Readonly<{ type: 'file'; bytes: Uint8Array; mode: number }>
  | Readonly<{ type: 'link'; target: string }>;

/** What a new file, a directory and a link are given where the umask is 022. */
const MODES = { file: 0o644, directory: 0o755, link: 0o777 };

/** How many links Linux follows in one path. */
const LINKS_MAX = 40;
/** How long a name may be on Linux, in bytes. */
const NAME_MAX_BYTES = 255;

type Found = Readonly<{ path: string; entry: Entry | null }>;

/** Goes to a path through every link; through one at its very end only if `followLast`. Null: nothing is there. */
function walk(root: Directory, path: string, followLast: boolean): Found {
  const rest = partsOf(path);
  let above: { path: string; directory: Directory }[] = [];
  let here = { path: '/', directory: root };
  let links = 0;
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '..') {
      here = above.pop() ?? here;
      continue;
    }
    const entry = here.directory.entries.get(checkedName(name, path)) ?? null;
    const isLast = rest.length === 0;
    if (entry?.type === 'link' && (!isLast || followLast)) {
      links += 1;
      if (links > LINKS_MAX) throw failure('ELOOP', `too many symbolic links encountered: '${path}'`);
      rest.unshift(...partsOf(entry.target));
      if (isAbsolute(entry.target)) {
        above = [];
        here = { path: '/', directory: root };
      }
      continue;
    }
    if (isLast && entry?.type !== 'directory') return { path: join(here.path, name), entry };
    if (entry === null) throw failure('ENOENT', `no such file or directory: '${path}'`);
    if (entry.type !== 'directory') throw failure('ENOTDIR', `not a directory: '${path}'`);
    above.push(here);
    here = { path: join(here.path, name), directory: entry };
  }
  return { path: here.path, entry: here.directory };
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

function kindOf(root: Directory, path: string): FileKind {
  try {
    return walk(root, path, false).entry?.type ?? 'missing';
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return 'missing';
    throw error;
  }
}

/** The directory of a path, which must be there and its own real path. */
function heldDirectory(root: Directory, path: string): Directory {
  const expected = dirname(path);
  const { path: actual, entry } = walk(root, expected, false);
  if (entry === null) throw failure('ENOENT', `no such file or directory, open '${expected}'`);
  if (entry.type !== 'directory') throw failure('ENOTDIR', `not a directory, open '${expected}'`);
  if (actual !== expected) throw failure('ELOOP', `Expected no link in ${expected}, got one to ${actual}`);
  return entry;
}

function madeDirectory(root: Directory, path: string): Directory {
  let here = root;
  for (const name of partsOf(path)) {
    const entry = here.entries.get(name);
    if (entry !== undefined && entry.type !== 'directory')
      throw failure('ENOTDIR', `Expected ${name} in ${path} to be a directory, got a ${entry.type}`);
    const directory: Directory = entry ?? { type: 'directory', entries: new Map() };
    here.entries.set(name, directory);
    here = directory;
  }
  return here;
}

function listed({ entries }: Directory, path: string): [string, string][] {
  return [...entries].flatMap(([name, entry]): [string, string][] => {
    const below = join(path, name);
    if (entry.type === 'file') return [[below, Buffer.from(entry.bytes).toString()]];
    if (entry.type === 'link') return [[below, `-> ${entry.target}`]];
    return entry.entries.size === 0 ? [[below, '<directory>']] : listed(entry, below);
  });
}

function checkedName(name: string, path: string): string {
  if (Buffer.byteLength(name) > NAME_MAX_BYTES) throw failure('ENAMETOOLONG', `name too long: '${path}'`);
  return name;
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message.startsWith('Expected') ? message : `${code}: ${message}`), { code });
}
