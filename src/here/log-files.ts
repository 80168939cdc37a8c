import { constants } from 'node:fs';
import { type FileHandle, open, readdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, TroupeError } from '../protocol/errors.ts';
import { effectiveUser } from './effective-user.ts';
import { syncDirectory } from './private-directory.ts';

/** How much of a log is read at once, in bytes. */
const PIECE_BYTES = 262_144;
/** The first characters of a ULID are its time (https://github.com/ulid/spec). */
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_DIGITS = 10;
const DAY_MS = 86_400_000;
const NAME = /^[A-Za-z0-9_-]{1,64}\.jsonl$/;

/** Where the log of a session is; null when there is none. Most ids tell the day of their making. */
export async function findLog(home: string, sessionId: string): Promise<string | null> {
  const name = `${sessionId}.jsonl`;
  if (!NAME.test(name)) return null;
  const sessions = join(home, 'sessions');
  const madeAtMs = timeOf(sessionId);
  for (const day of madeAtMs === null ? [] : [madeAtMs, madeAtMs + DAY_MS, madeAtMs - DAY_MS]) {
    const directory = join(sessions, ...new Date(day).toISOString().slice(0, 10).split('-'));
    if ((await namesIn(directory)).includes(name)) return join(directory, name);
  }
  for await (const directory of daysIn(home))
    if ((await namesIn(directory)).includes(name)) return join(directory, name);
  return null;
}

/** All logs, the newest days first; within a day the newest first, as far as their names tell. */
export async function* logsIn(home: string): AsyncGenerator<string> {
  for await (const directory of daysIn(home)) {
    const names = (await namesIn(directory)).filter((name) => NAME.test(name));
    for (const name of names.toSorted().reverse()) yield join(directory, name);
  }
}

/** The bytes of a file, piece by piece. */
export async function* piecesOf(location: string): AsyncGenerator<Uint8Array> {
  const handle = await openLog(location, constants.O_RDONLY);
  try {
    yield* piecesFrom(handle, 0);
  } finally {
    await handle.close();
  }
}

async function* piecesFrom(handle: FileHandle, start: number): AsyncGenerator<Uint8Array> {
  for (let at = start; ; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Opens a log that is there. Refuses what is not a file, or not one of the user's own. */
export async function openLog(location: string, flags: number): Promise<FileHandle> {
  // Not blocking: opening a pipe would wait for somebody at its other end.
  const handle = await open(location, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await handle.stat();
    const problem = !found.isFile()
      ? 'something else'
      : found.uid === effectiveUser(found.uid)
        ? null
        : `one of user ${found.uid}`;
    if (problem === null) return handle;
    throw new TroupeError('log-failed', `Expected ${location} to be a file of the user who runs this, got ${problem}.`);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Puts what comes after the first `wholeBytes` of a log into a file beside it, and cuts it off: nothing is glued to it. */
export async function setAside(location: string, handle: FileHandle, wholeBytes: number): Promise<void> {
  const { size } = await handle.stat();
  if (size <= wholeBytes) return;
  const { path, beside } = await newBeside(location);
  try {
    for await (const piece of piecesFrom(handle, wholeBytes)) await beside.writeFile(piece);
    await beside.datasync();
    await beside.close();
    await syncDirectory(dirname(location));
  } catch (error) {
    // Of half a copy nobody has anything; the log has all of it still.
    await beside.close().catch(() => {});
    await unlink(path).catch(() => {});
    throw error;
  }
  await handle.truncate(wholeBytes);
  await handle.datasync();
}

async function newBeside(location: string): Promise<{ path: string; beside: FileHandle }> {
  for (let n = 1; ; n += 1) {
    const path = `${location}.torn-${n}`;
    try {
      return { path, beside: await open(path, 'wx', 0o600) };
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}

async function* daysIn(home: string): AsyncGenerator<string> {
  const sessions = join(home, 'sessions');
  for (const year of await numbersIn(sessions))
    for (const month of await numbersIn(join(sessions, year)))
      for (const day of await numbersIn(join(sessions, year, month))) yield join(sessions, year, month, day);
}

async function numbersIn(directory: string): Promise<readonly string[]> {
  return (await namesIn(directory))
    .filter((name) => /^\d+$/.test(name))
    .toSorted()
    .reverse();
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    // Not there, or not for us: then there are no logs in it. Whatever else is wrong, there may be.
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return [];
    throw error;
  }
}

function timeOf(ulid: string): number | null {
  if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(ulid)) return null;
  return [...ulid.slice(0, TIME_DIGITS)].reduce((sum, digit) => sum * CROCKFORD.length + CROCKFORD.indexOf(digit), 0);
}
