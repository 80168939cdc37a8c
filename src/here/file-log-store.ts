import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, TroupeError } from '../protocol/errors.ts';
import type { LogFile, LogStore } from '../rollout/log-store.ts';

/** What is asked of the disk, so that a test can have it fail as disks do. `write` may write less than it is given. */
export type FileCalls = Readonly<{
  write(handle: FileHandle, bytes: Uint8Array): Promise<number>;
  truncate(handle: FileHandle, length: number): Promise<void>;
  sync(handle: FileHandle): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}>;

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const WRITABLE_BY_OTHERS = 0o022;
const SESSION_ID = /^[A-Za-z0-9_-]{1,64}$/;
const NEW_LOG = constants.O_CREAT | constants.O_EXCL | constants.O_APPEND | constants.O_WRONLY | constants.O_NOFOLLOW;

/**
 * Logs as files, `<home>/sessions/YYYY/MM/DD/<session id>.jsonl` by the day (in UTC) of their making, for nobody but
 * their owner. Refuses directories that somebody else owns or may write to, and links in their place.
 */
export function fileLogStore(home: string, calls: Partial<FileCalls> = {}): LogStore {
  const root = resolve(home);
  const days = new Map<string, Promise<Day>>();

  return {
    async create(sessionId, createdAtMs) {
      if (!SESSION_ID.test(sessionId)) {
        throw new TroupeError(
          'internal',
          `Expected a session id to match ${SESSION_ID}, got ${JSON.stringify(sessionId)}.`,
        );
      }
      const date = new Date(createdAtMs).toISOString().slice(0, 10);
      const name = `${sessionId}.jsonl`;
      const { day, handle } = await openIn(date, name);
      return logFile(join(day.directory, name), handle, day, { ...NODE_CALLS, ...calls });
    },
  };

  async function openIn(date: string, name: string): Promise<{ day: Day; handle: FileHandle }> {
    const day = await dayOf(date);
    try {
      return { day, handle: await openNew(join(day.directory, name)) };
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      // Somebody removed the directory while we ran.
      days.delete(date);
      const again = await dayOf(date);
      return { day: again, handle: await openNew(join(again.directory, name)) };
    }
  }

  // Sessions started at once share the work; a failure is not remembered, nor is a day that has passed.
  async function dayOf(date: string): Promise<Day> {
    const known = days.get(date);
    if (known !== undefined) return known;
    const day = makeDay(root, date);
    days.clear();
    days.set(date, day);
    try {
      return await day;
    } catch (error) {
      if (days.get(date) === day) days.delete(date);
      throw error;
    }
  }
}

/** The directory of a day's logs. `parentsSynced`: the entries that lead to it are on the disk; null while not yet asked. */
type Day = { readonly directory: string; readonly parents: readonly string[]; parentsSynced: Promise<unknown> | null };

async function makeDay(home: string, date: string): Promise<Day> {
  await mkdir(home, { recursive: true, mode: DIRECTORY_MODE });
  // The home directory may be a link of our own to another disk; what is below it may not.
  expectOwn(home, await lstat(home));
  expectSafe(home, await stat(home));
  const parents: string[] = [];
  let directory = home;
  for (const name of ['sessions', ...date.split('-')]) {
    parents.push(directory);
    directory = join(directory, name);
    await mkdir(directory, { mode: DIRECTORY_MODE }).catch(unless('EEXIST'));
    expectSafe(directory, await lstat(directory));
  }
  return { directory, parents, parentsSynced: null };
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
  const user = process.geteuid?.() ?? found.uid;
  if (found.uid === user) return;
  throw refusal(
    `Expected ${path} to belong to the user who runs this (${user}), got user ${found.uid}. Choose another home.`,
  );
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, NEW_LOG, FILE_MODE);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw refusal(`Expected no log at ${path}, got one.`, error);
    throw error;
  }
}

function logFile(location: string, handle: FileHandle, day: Day, calls: FileCalls): LogFile {
  let length = 0;
  let entrySynced = false;
  let broken: string | null = null;

  return {
    location,

    async append(bytes) {
      expectWhole();
      try {
        for (let done = 0; done < bytes.length; ) {
          const count = await calls.write(handle, bytes.subarray(done));
          if (count === 0) throw refusal(`Expected some of ${bytes.length - done} bytes to be written, got none.`);
          done += count;
        }
        length += bytes.length;
      } catch (error) {
        throw await cutBack(error);
      }
    },

    async sync() {
      expectWhole();
      try {
        await calls.sync(handle);
        if (!entrySynced) await syncEntry();
        entrySynced = true;
      } catch (error) {
        // After a failed sync the kernel may have dropped the pages: a second one would succeed and mean nothing.
        broken = messageOf(error);
        throw error;
      }
    },

    close: () => handle.close(),
  };

  function expectWhole(): void {
    if (broken !== null) throw refusal(`Expected a log that works, got one that failed before: ${broken}`);
  }

  // A piece of a record must not stay: the next one would be glued to it. Gives what to say about the failure.
  async function cutBack(failure: unknown): Promise<unknown> {
    try {
      await calls.truncate(handle, length);
      return failure;
    } catch (error) {
      broken = `${messageOf(failure)}; what was written of the record could not be removed: ${messageOf(error)}`;
      return refusal(broken, failure);
    }
  }

  // A new file is there after a power cut only if the directory it is in was synced, too, and the ones above.
  async function syncEntry(): Promise<void> {
    day.parentsSynced ??= Promise.all(day.parents.map(calls.syncDirectory));
    try {
      await day.parentsSynced;
    } catch (error) {
      day.parentsSynced = null;
      throw error;
    }
    await calls.syncDirectory(day.directory);
  }
}

const NODE_CALLS: FileCalls = {
  write: async (handle, bytes) => (await handle.write(bytes)).bytesWritten,
  truncate: (handle, length) => handle.truncate(length),
  sync: (handle) => handle.datasync(),
  syncDirectory,
};

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    // Some file systems cannot sync a directory, and say so.
    await handle.sync().catch(unless('EINVAL'));
  } finally {
    await handle.close();
  }
}

function unless(code: string): (error: unknown) => void {
  return (error) => {
    if (codeOf(error) !== code) throw error;
  };
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null;
}

function refusal(message: string, cause?: unknown): TroupeError {
  return new TroupeError('log-failed', message, { cause });
}
