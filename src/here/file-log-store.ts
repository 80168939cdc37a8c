import { constants } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { hasCode, messageOf, TroupeError } from '../protocol/errors.ts';
import type { LogFile, LogStore } from '../rollout/log-store.ts';
import { findLog, openLog, piecesOf, setAside } from './log-files.ts';
import { lock } from './log-lock.ts';
import { privateDirectory, syncDirectory } from './private-directory.ts';

/** What is asked of the disk, so that a test can have it fail as disks do. `write` may write less than it is given. */
export type FileCalls = Readonly<{
  write(handle: FileHandle, bytes: Uint8Array): Promise<number>;
  truncate(handle: FileHandle, length: number): Promise<void>;
  sync(handle: FileHandle): Promise<void>;
  syncDirectory(path: string): Promise<void>;
}>;

const FILE_MODE = 0o600;
const SESSION_ID = /^[A-Za-z0-9_-]{1,64}$/;
const OLD_LOG = constants.O_APPEND | constants.O_RDWR;
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
      const location = join(day.directory, name);
      try {
        const unlock = await lock(location);
        return logFile(location, handle, { day, unlock, length: 0 }, { ...NODE_CALLS, ...calls });
      } catch (error) {
        await handle.close();
        throw error;
      }
    },

    async pieces(sessionId) {
      const location = await findLog(root, sessionId);
      return location === null ? null : piecesOf(location);
    },

    async reopen(sessionId, read) {
      const location = await findLog(root, sessionId);
      if (location === null) throw refusal(`Expected a log of session ${sessionId} below ${root}, got none.`);
      const unlock = await lock(location);
      let handle: FileHandle | null = null;
      try {
        const wholeBytes = await read(piecesOf(location));
        handle = await openLog(location, OLD_LOG);
        await setAside(location, handle, wholeBytes);
        const day = { directory: dirname(location), parents: parentsOf(location), parentsSynced: null };
        return logFile(location, handle, { day, unlock, length: wholeBytes }, { ...NODE_CALLS, ...calls });
      } catch (error) {
        await handle?.close().catch(() => {});
        await unlock();
        throw error;
      }
    },
  };

  async function openIn(date: string, name: string): Promise<{ day: Day; handle: FileHandle }> {
    const day = await dayOf(date);
    try {
      return { day, handle: await openNew(join(day.directory, name)) };
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
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
  return { ...(await privateDirectory(home, ['sessions', ...date.split('-')])), parentsSynced: null };
}

/** The directories above the one of a log, outermost first: the home, `sessions`, the year, the month. */
function parentsOf(location: string): readonly string[] {
  const month = dirname(dirname(location));
  const year = dirname(month);
  return [dirname(dirname(year)), dirname(year), year, month];
}

async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, NEW_LOG, FILE_MODE);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw refusal(`Expected no log at ${path}, got one.`, error);
    throw error;
  }
}

type Opened = Readonly<{ day: Day; unlock: () => Promise<void>; length: number }>;

function logFile(
  location: string,
  handle: FileHandle,
  { day, unlock, length: begun }: Opened,
  calls: FileCalls,
): LogFile {
  let length = begun;
  let entrySynced = false;
  let inode: number | null = null;
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
        await expectOurs();
        if (!entrySynced) await syncEntry();
        entrySynced = true;
      } catch (error) {
        // After a failed sync the kernel may have dropped the pages: a second one would succeed and mean nothing.
        broken = messageOf(error);
        throw error;
      }
    },

    async close() {
      try {
        await handle.close();
      } finally {
        await unlock();
      }
    },
  };

  function expectWhole(): void {
    if (broken !== null) throw refusal(`Expected a log that works, got one that failed before: ${broken}`);
  }

  // What is synced in a file that nobody will find is not safe.
  async function expectOurs(): Promise<void> {
    inode ??= (await handle.stat()).ino;
    const found = await lstat(location).catch(() => null);
    if (found?.ino !== inode)
      throw refusal(`Expected ${location} to be left where it is, but somebody has removed it.`);
    if (found.size === length) return;
    throw refusal(`Expected ${location} to have ${length} bytes, got ${found.size}: somebody else has changed it.`);
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

function refusal(message: string, cause?: unknown): TroupeError {
  return new TroupeError('log-failed', message, { cause });
}
