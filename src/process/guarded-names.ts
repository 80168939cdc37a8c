import { type Dirent, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Something in a writable directory that has to stay as it is. `target` is where a link leads. */
export type Guarded =
  | Readonly<{ type: 'entry'; path: string }>
  | Readonly<{ type: 'link'; path: string; target: string }>;

/** How many directories of a root are looked through, and how deep. What lies beyond is not guarded. */
export const DIRECTORIES_MAX = 4_000;
export const DEPTH_MAX = 8;
/** Packages: nobody opens them in an editor, and there are very many. */
const NOT_LOOKED_THROUGH = new Set(['node_modules']);
/** A directory that was changed just now may change again within the same tick of the file system's clock, in ms. */
const STILL_WARM_MS = 100;
/** How many directories are remembered, of all roots. */
const KNOWN_MAX = 20_000;

type Known = Readonly<{ changedMs: number; directories: readonly string[]; names: readonly string[] }>;
const known = new Map<string, Known>();

/**
 * What bears one of `names` in `root` (a real path) and below, links not followed, with what it stands for: the directory
 * that a `.git` file names. Looking again costs one `lstat` for each directory that has not changed.
 */
export function guardedIn(root: string, names: ReadonlySet<string>): readonly Guarded[] {
  const found: Guarded[] = [];
  let level = [root];
  let looked = 0;
  for (let depth = 0; depth <= DEPTH_MAX && level.length > 0; depth += 1) {
    const next: string[] = [];
    for (const directory of level) {
      if (looked === DIRECTORIES_MAX) return found;
      looked += 1;
      const { directories, names: entries } = look(directory);
      for (const name of entries) if (names.has(name)) found.push(...guard(join(directory, name), name));
      for (const name of directories)
        if (!names.has(name) && !NOT_LOOKED_THROUGH.has(name)) next.push(join(directory, name));
    }
    level = next;
  }
  return found;
}

function look(directory: string): Known {
  const now = Date.now();
  const changedMs = lstatSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const before = known.get(directory);
  if (before?.changedMs === changedMs) return before;
  const entries = entriesOf(directory);
  const seen = {
    changedMs,
    directories: entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
    names: entries.map(({ name }) => name),
  };
  if (known.size >= KNOWN_MAX) known.clear();
  if (now - changedMs > STILL_WARM_MS) known.set(directory, seen);
  return seen;
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // Gone, or not ours to read: a command of ours cannot either.
  }
}

function guard(path: string, name: string): Guarded[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  if (stats.isSymbolicLink()) {
    const target = realPathOrNull(path);
    const link: Guarded = { type: 'link', path, target: readlinkSync(path) };
    return target === null ? [link] : [link, { type: 'entry', path: target }];
  }
  const entry: Guarded = { type: 'entry', path };
  return name === '.git' && stats.isFile() ? [entry, ...repositoryOf(path)] : [entry];
}

/** A worktree or submodule: its `.git` is a file that names the directory, and that may name one it has in common with others (gitrepository-layout(5)). */
function repositoryOf(gitFile: string): Guarded[] {
  const named = /^gitdir: (.+)$/m.exec(textOf(gitFile))?.[1];
  if (named === undefined) return [];
  const directory = realPathOrNull(resolve(dirname(gitFile), named));
  if (directory === null) return [];
  const common = textOf(join(directory, 'commondir')).trim();
  const shared = common === '' ? null : realPathOrNull(resolve(directory, common));
  return [directory, ...(shared === null ? [] : [shared])].map((path) => ({ type: 'entry', path }));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function realPathOrNull(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
