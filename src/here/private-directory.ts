import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, TroupeError } from '../protocol/errors.ts';
import { effectiveUser } from './effective-user.ts';

const DIRECTORY_MODE = 0o700;
const WRITABLE_BY_OTHERS = 0o022;

/** A directory for nobody but its owner, and the ones above it that were perhaps made with it, outermost first. */
export type PrivateDirectory = Readonly<{ directory: string; parents: readonly string[] }>;

/**
 * The directory `names` below `home`, made if need be. Throws where somebody else owns a part of the way or may write to it,
 * or where a link stands in its place.
 */
export async function privateDirectory(home: string, names: readonly string[]): Promise<PrivateDirectory> {
  await mkdir(home, { recursive: true, mode: DIRECTORY_MODE });
  // The home directory may be a link of our own to another disk; what is below it may not.
  expectOwn(home, await lstat(home));
  expectSafe(home, await stat(home));
  const parents: string[] = [];
  let directory = home;
  for (const name of names) {
    parents.push(directory);
    directory = join(directory, name);
    await mkdir(directory, { mode: DIRECTORY_MODE }).catch(unless('EEXIST'));
    expectSafe(directory, await lstat(directory));
  }
  return { directory, parents };
}

/** Waits until the disk has the entries of a directory. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    // Some file systems cannot sync a directory, and say so.
    await handle.sync().catch(unless('EINVAL'));
  } finally {
    await handle.close();
  }
}

function expectSafe(path: string, found: Stats): void {
  const problem = found.isSymbolicLink() ? 'a symbolic link' : found.isDirectory() ? null : 'something else';
  if (problem !== null) throw refusal(`Expected ${path} to be a directory, got ${problem}.`);
  expectOwn(path, found);
  const mode = (found.mode & 0o777).toString(8).padStart(4, '0');
  if ((found.mode & WRITABLE_BY_OTHERS) === 0) return;
  throw refusal(`Expected ${path} to be writable by its owner only, got mode ${mode}. Try: chmod go-w '${path}'`);
}

function expectOwn(path: string, found: Stats): void {
  const user = effectiveUser(found.uid);
  if (found.uid === user) return;
  throw refusal(
    `Expected ${path} to belong to the user who runs this (${user}), got user ${found.uid}. Choose another home.`,
  );
}

function unless(code: string): (error: unknown) => void {
  return (error) => {
    if (!hasCode(error, code)) throw error;
  };
}

function refusal(message: string): TroupeError {
  return new TroupeError('log-failed', message);
}
