import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { errorCode } from '../../protocol/errors.ts';
import type { FileKind, Files } from '../files.ts';

/**
 * Where a patch works: the directory that its paths start from, as given, and where it may write, with links resolved.
 * `protectedNames` is null where every name is allowed. `parents` keeps the directories that were looked up.
 */
export type Workspace = Readonly<{
  directory: string;
  realRoots: readonly string[];
  protectedNames: readonly string[] | null;
  parents: Map<string, Parent>;
}>;

/** A file that a patch names: `path` is absolute and free of links. `kind` is what is there now. */
export type Location = Readonly<{ path: string; isInside: boolean; kind: Exclude<FileKind, 'link'> }>;

export type Located = Readonly<{ ok: true; location: Location }> | Readonly<{ ok: false; message: string }>;

/** Finds out which file `given` means. Refuses names that no file of a patch may have, links, and what is protected. */
export async function locate(files: Files, workspace: Workspace, given: string): Promise<Located> {
  const fault = faultOfName(given);
  if (fault !== null) return refused(given, fault);
  const lexical = resolve(workspace.directory, given);
  const parent = workspace.parents.get(dirname(lexical)) ?? (await realParent(files, lexical));
  workspace.parents.set(dirname(lexical), parent);
  if (!parent.ok) return refused(given, parent.message);
  const path = join(parent.path, basename(lexical));
  const root = workspace.realRoots.find((one) => isBelow(one, path));
  const isInside = root !== undefined;
  const named = isInside
    ? [relative(root, path), relative(workspace.directory, lexical)].join(sep)
    : `${path}${sep}${lexical}`;
  const reason = reasonToProtect(named, workspace.protectedNames);
  if (reason !== null) return refused(given, reason);
  const kind = await files.kind(path);
  if (kind !== 'link') return { ok: true, location: { path, isInside, kind } };
  return refused(given, `expected a file, got a link${await targetText(files, path)}. Name the real file instead`);
}

/** A path as a line of output can hold it: as it is, or as a JSON string when that could be misread. */
export function pathText(path: string): string {
  return /^"|[\p{Cc}\u2028\u2029]|^\s|\s$/u.test(path) ? JSON.stringify(path) : path;
}

/** Why no patch may have a path with these components; null when one may. */
function reasonToProtect(path: string, names: readonly string[] | null): string | null {
  if (names === null) return null;
  const components = path.split(sep).map(plainName);
  // `git~1` is the short name that Windows drives give to it.
  if (components.some((name) => name === '.git' || name === 'git~1')) {
    return 'expected a file that is not in a `.git` directory: git runs what is in there';
  }
  const found = names.find((name) => components.includes(plainName(name)));
  if (found === undefined) return null;
  return `expected a file that nothing outside of the sandbox runs or obeys, got one that is protected by the name \`${found}\`. The user has to change it`;
}

/** What some file system would take for the same name: case, composition, ignorable characters and ends do not count. */
function plainName(component: string): string {
  return component
    .normalize('NFC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
    .replace(/[. ]+$/, '');
}

function isBelow(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return !isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`);
}

function faultOfName(given: string): string | null {
  if (given === '') return 'expected a path, got an empty one';
  if (given.includes('\0')) return 'expected a path without NUL characters';
  if (/^[A-Za-z]:[\\/]/.test(given)) return 'expected a path relative to the working directory, got one of Windows';
  if (/(^|\/)\.{0,2}$/.test(given)) return 'expected a file, got a directory';
  return null;
}

type Parent = Readonly<{ ok: true; path: string }> | Readonly<{ ok: false; message: string }>;

/** The directory of a path with links resolved, also when some of it does not exist yet. */
async function realParent(files: Files, path: string): Promise<Parent> {
  const missing: string[] = [];
  let existing = dirname(path);
  let kind = await files.kind(existing);
  while (kind === 'missing' && dirname(existing) !== existing) {
    missing.unshift(basename(existing));
    existing = dirname(existing);
    kind = await files.kind(existing);
  }
  const real = await realPathOrNull(files, existing);
  if (real === null)
    return { ok: false, message: `expected ${existing} to be a directory, got a link that leads nowhere` };
  if ((await files.kind(real)) === 'directory') return { ok: true, path: join(real, ...missing) };
  return { ok: false, message: `expected ${existing} to be a directory, got something else` };
}

async function targetText(files: Files, link: string): Promise<string> {
  const target = await realPathOrNull(files, link);
  return target === null ? ' that leads nowhere' : ` to ${target}`;
}

async function realPathOrNull(files: Files, path: string): Promise<string | null> {
  try {
    return await files.realPath(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR') return null;
    throw error;
  }
}

function refused(given: string, message: string): Located {
  return { ok: false, message: `${pathText(given)}: ${message}.` };
}
