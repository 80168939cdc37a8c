import { constants } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

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
  const handle = await open(location, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Puts what comes after the first `wholeBytes` of a log into a file beside it, and cuts it off: nothing is glued to it. */
export async function setAside(location: string, handle: FileHandle, wholeBytes: number): Promise<void> {
  const { size } = await handle.stat();
  if (size <= wholeBytes) return;
  const tail = Buffer.alloc(size - wholeBytes);
  await handle.read(tail, 0, tail.length, wholeBytes);
  const beside = await newBeside(location);
  try {
    await beside.writeFile(tail);
    await beside.datasync();
  } finally {
    await beside.close();
  }
  await handle.truncate(wholeBytes);
  await handle.datasync();
}

async function newBeside(location: string): Promise<FileHandle> {
  for (let n = 1; ; n += 1) {
    try {
      return await open(`${location}.torn-${n}`, 'wx', 0o600);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
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
  } catch {
    return []; // Not there, or not for us: then there are no logs in it.
  }
}

function timeOf(ulid: string): number | null {
  if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(ulid)) return null;
  return [...ulid.slice(0, TIME_DIGITS)].reduce((sum, digit) => sum * CROCKFORD.length + CROCKFORD.indexOf(digit), 0);
}
