import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf } from '../protocol/errors.ts';
import type { Path } from '../protocol/path.ts';
import { decodeRecord, type LogRecord, splitLines } from '../rollout/record.ts';
import { logsIn } from './log-files.ts';
import { writerOf } from './log-lock.ts';

/** What a log says of its session by its head and its tail alone. */
export type SessionSummary = Readonly<{
  sessionId: string;
  location: string;
  bytes: number;
  /** ISO 8601, UTC; null when the first record cannot be read. */
  openedAt: string | null;
  lastAt: string | null;
  path: Path | null;
  cwd: string | null;
  model: string | null;
  /** What was said first; null when the head of the log has nothing of that. */
  firstMessage: string | null;
  /** The type of its last record, such as `session.closed`; null when that cannot be read. */
  lastType: string | null;
  /** The number of the process that has it open; null when none has. */
  openedBy: number | null;
  /** What is wrong with it, in words; null when nothing was seen. */
  problem: string | null;
}>;

export type ListOptions = Readonly<{
  /** Sub-sessions as well. */
  all?: boolean;
  /** Only those that work in this directory. */
  cwd?: string;
  limit?: number;
}>;

/** How much is read of a log's head and tail, in bytes. */
const PART_BYTES = 65_536;
/** How many logs are read at once. */
const AT_ONCE = 32;

/** The sessions of a home, the newest first, as far as their files tell; none is opened for writing. */
export async function listSessions(home: string, options: ListOptions = {}): Promise<readonly SessionSummary[]> {
  const { all = false, cwd, limit = Number.POSITIVE_INFINITY } = options;
  const found: SessionSummary[] = [];
  let batch: string[] = [];
  const take = async () => {
    const summaries = await Promise.all(batch.map(summaryOf));
    batch = [];
    for (const one of summaries) {
      if (found.length >= limit) return;
      if ((all || (one.path?.length ?? 1) === 1) && (cwd === undefined || one.cwd === cwd)) found.push(one);
    }
  };
  for await (const location of logsIn(home)) {
    batch.push(location);
    if (batch.length === AT_ONCE) await take();
    if (found.length >= limit) return found;
  }
  await take();
  return found;
}

/** What a log says of its session. Never rejects: what is wrong is said in `problem`. */
export async function summaryOf(location: string): Promise<SessionSummary> {
  const sessionId = basename(location, '.jsonl');
  const unknown: SessionSummary = { ...UNKNOWN, sessionId, location };
  try {
    const { head, tail, bytes } = await endsOf(location);
    const first = head.records[0];
    const last = tail.records.at(-1) ?? head.records.at(-1);
    const { context, sessionPath } = payloadOf(first) as {
      context?: { cwd: string; model: string };
      sessionPath?: Path;
    };
    return {
      ...unknown,
      bytes,
      openedAt: first?.time ?? null,
      lastAt: last?.time ?? null,
      path: sessionPath ?? null,
      cwd: context?.cwd ?? null,
      model: context?.model ?? null,
      firstMessage: firstMessageIn(head.records),
      lastType: last?.type ?? null,
      openedBy: (await writerOf(location).catch(() => null))?.pid ?? null,
      problem: problemOf(first, head.damaged + tail.damaged, tail.isTorn),
    };
  } catch (error) {
    return { ...unknown, problem: messageOf(error) };
  }
}

const UNKNOWN = {
  bytes: 0,
  openedAt: null,
  lastAt: null,
  path: null,
  cwd: null,
  model: null,
  firstMessage: null,
  lastType: null,
  openedBy: null,
  problem: null,
};

type Part = { records: readonly LogRecord[]; damaged: number; isTorn: boolean };

async function endsOf(location: string): Promise<{ head: Part; tail: Part; bytes: number }> {
  const handle = await open(location, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await handle.stat();
    const read = async (position: number, length: number) => {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    };
    const head = partOf(await read(0, Math.min(size, PART_BYTES)));
    if (size <= PART_BYTES) return { head: { ...head, damaged: 0 }, tail: head, bytes: size };
    const end = await read(size - PART_BYTES, PART_BYTES);
    // The first line of the tail is a piece of one.
    return { head: { ...head, isTorn: false }, tail: partOf(end.subarray(end.indexOf(0x0a) + 1)), bytes: size };
  } finally {
    await handle.close();
  }
}

function partOf(bytes: Uint8Array): Part {
  const { lines, tail } = splitLines(bytes);
  const decoded = lines.map(decodeRecord);
  const records = decoded.flatMap((one) => (one.ok ? [one.record] : []));
  return { records, damaged: decoded.length - records.length, isTorn: tail.length > 0 };
}

function problemOf(first: LogRecord | undefined, damaged: number, isTorn: boolean): string | null {
  if (first === undefined) return 'it has no record that can be read';
  if (damaged > 0) return `${damaged} of the lines that were looked at are damaged`;
  return isTorn ? 'its last line was never finished' : null;
}

function firstMessageIn(records: readonly LogRecord[]): string | null {
  for (const record of records) {
    const { item } = payloadOf(record) as { item?: { type: string; text?: string } };
    if (record.type === 'item.completed' && item?.type === 'user_message') return item.text ?? null;
  }
  return null;
}

function payloadOf(record: LogRecord | undefined): object {
  return typeof record?.payload === 'object' && record.payload !== null ? record.payload : {};
}
