import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import * as fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode, hasCode } from '../protocol/errors.ts';
import type { FileKind, Files } from '../tools/files.ts';

/** The biggest file that is read, in bytes: 256 MiB; beyond that text hits the limits of strings. */
const READ_MAX_BYTES = 256 * 1024 * 1024;

/**
 * The files of this machine. What changes something (`write`, `remove`, `makeDirectory`, `removeDirectory`) goes through
 * no link, also not through one that appears while it happens: it rejects with `ELOOP`, so give it real paths.
 */
export const systemFiles: Files = filesThat({
  nameBeside: () => `.troupe-${randomBytes(8).toString('hex')}.tmp`,
  written: async () => {},
});

/**
 * The same, with new contents on the disk before they take the place of the old. Each is written to a file of this name
 * beside, so that one that is not complete can be found after a crash.
 */
export function durableFiles(nameBeside: string): Files {
  return filesThat({ nameBeside: () => nameBeside, written: (file) => file.sync() });
}

/** What a new content is called until it is complete, and what is done then. */
type Manner = Readonly<{ nameBeside(): string; written(file: fs.FileHandle): Promise<void> }>;

function filesThat(manner: Manner): Files {
  return {
    async kind(path) {
      try {
        return kindOf(await fs.lstat(path));
      } catch (error) {
        const code = errorCode(error);
        if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
        throw error;
      }
    },
    realPath: (path) => fs.realpath(path),
    read,
    mode: async (path) => (await fs.lstat(path)).mode & 0o7777,
    write: (path, bytes, mode) => inDirectoryOf(path, (entry) => replace(entry, bytes, mode, manner)),
    remove: (path) => inDirectoryOf(path, (entry) => fs.unlink(entry)),
    makeDirectory: (path) => inDirectoryOf(path, (entry) => fs.mkdir(entry)),
    removeDirectory: (path) => inDirectoryOf(path, (entry) => fs.rmdir(entry)),
  };
}

async function read(path: string): Promise<Uint8Array> {
  // Without NONBLOCK the opening of a pipe waits for a writer, for ever.
  const file = await fs.open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) throw failure('EISDIR', `Expected a file, got a directory: ${path}`);
    if (!stats.isFile()) throw failure('EINVAL', `Expected a file, got a device or a pipe: ${path}`);
    if (stats.size > READ_MAX_BYTES) {
      throw failure('EFBIG', `Expected at most ${READ_MAX_BYTES} bytes, got ${stats.size}: ${path}`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function kindOf(stats: Stats): FileKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

/**
 * Runs `act` on a path whose directory is held open, so that nobody can put a link in its place meanwhile. Only Linux can
 * name a file by an open directory; elsewhere the directory is checked just before.
 */
async function inDirectoryOf(path: string, act: (entry: string) => Promise<void>): Promise<void> {
  const expected = dirname(path);
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const directory = await fs.open(expected, flags);
  try {
    const isNamed = process.platform === 'linux';
    const held = isNamed ? `/proc/self/fd/${directory.fd}` : expected;
    // What the kernel says of the directory itself; to go the way once more would be another race.
    const actual = await (isNamed ? fs.readlink(held) : fs.realpath(held));
    if (actual !== expected) throw failure('ELOOP', `Expected no link in ${expected}, got one to ${actual}`);
    await act(join(held, basename(path))).catch((error: unknown) => {
      const code = errorCode(error);
      if (code === null || !(error instanceof Error)) throw error;
      throw failure(code, error.message.replaceAll(held, expected), error);
    });
  } finally {
    await directory.close();
  }
}

/** Writes beside and renames. The new file has the given mode, else that of the one it replaces, and where allowed its owner. */
async function replace(
  path: string,
  bytes: Uint8Array,
  mode: number | undefined,
  { nameBeside, written }: Manner,
): Promise<void> {
  const old = await statsOrNull(path);
  if (old !== null && !old.isFile())
    throw failure('EINVAL', `Expected a file to replace, got a ${kindOf(old)}: ${path}`);
  // A rename would replace even a file that may not be written.
  if (old !== null) await fs.access(path, constants.W_OK);
  const beside = join(dirname(path), nameBeside());
  const file = await fs.open(beside, 'wx', old === null ? 0o666 : 0o600);
  try {
    try {
      await file.writeFile(bytes);
      if (old !== null) await takeOver(file, old);
      if (mode !== undefined) await file.chmod(mode);
      await written(file);
    } finally {
      await file.close();
    }
    await fs.rename(beside, path);
  } catch (error) {
    await fs.rm(beside, { force: true });
    throw error;
  }
}

async function takeOver(file: fs.FileHandle, old: Stats): Promise<void> {
  const own = await file.stat();
  if (own.uid !== old.uid || own.gid !== old.gid) {
    // Only root may give files away, and in a sandbox nobody may to users that are not known there; the mode must do.
    await file.chown(old.uid, old.gid).catch(unless('EPERM', 'EINVAL'));
  }
  await file.chmod(old.mode & 0o7777);
}

async function statsOrNull(path: string): Promise<Stats | null> {
  try {
    return await fs.lstat(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function unless(...codes: readonly string[]): (error: unknown) => void {
  return (error) => {
    if (!hasCode(error, ...codes)) throw error;
  };
}

function failure(code: string, message: string, cause?: Error): Error {
  return Object.assign(new Error(message, { cause }), { code });
}
