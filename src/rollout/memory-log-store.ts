import { TroupeError } from '../protocol/errors.ts';
import type { LogFile, LogStore } from './log-store.ts';
import { decodeRecord, type LogRecord, splitLines } from './record.ts';

export type LogOperation = 'create' | 'open' | 'read' | 'append' | 'sync' | 'close';

/**
 * What goes wrong with the n-th operation of its sort, counted from 1: it fails with the error, or waits for the promise
 * (which may hang, or reject) and then goes on; null: nothing. An operation that fails has done nothing, unless `arrive` was
 * called: then half of what is appended is there, or all is done that an append, a sync or a close does.
 */
export type LogFault = (operation: LogOperation, n: number, arrive: Arrive) => Error | Promise<void> | null;
export type Arrive = (share: 'half' | 'all') => void;

/** Logs in memory, and what to look at in them. A session without a log has no bytes and no records. */
export interface MemoryLogStore extends LogStore {
  /** The records of a log. Throws on a log that is not whole. */
  read(sessionId: string): readonly LogRecord[];
  bytes(sessionId: string): Uint8Array;
  /** The bytes that were synced: what a power cut would leave at worst. */
  syncedBytes(sessionId: string): Uint8Array;
  /** Puts a log there, as a program has left it that has ended. */
  put(sessionId: string, bytes: Uint8Array): void;
  /** The program that writes a log has ended, and left it as it is. */
  letGo(sessionId: string): void;
  /** Whether the log is open for writing. */
  isOpen(sessionId: string): boolean;
  sessions(): readonly string[];
  /** What was asked for so far, in order, whether it failed, was refused or neither. */
  operations(): readonly LogOperation[];
}

export type MemoryLogStoreOptions = Readonly<{
  fault?: LogFault;
  /** Told what has arrived in a log, with an append that fails as well; what it throws is thrown by that. */
  arrived?: (sessionId: string, bytes: Uint8Array) => void;
}>;

/** Keeps logs in memory, for tests and simulations; holds its user to the promises of `LogFile`. */
export function memoryLogStore({ fault = () => null, arrived = nothing }: MemoryLogStoreOptions = {}): MemoryLogStore {
  const logs = new Map<string, MemoryLog>();
  const operations: LogOperation[] = [];
  const counts = { create: 0, open: 0, read: 0, append: 0, sync: 0, close: 0 };

  return {
    async create(sessionId) {
      await begin('create');
      if (logs.has(sessionId)) throw new TroupeError('log-failed', `Expected no log of session ${sessionId}, got one.`);
      const log: MemoryLog = { parts: [], syncedParts: 0, isOpen: true };
      logs.set(sessionId, log);
      return memoryLogFile(`memory:${sessionId}`, log, begin, (bytes) => arrived(sessionId, bytes));
    },
    async pieces(sessionId) {
      await begin('read');
      const log = logs.get(sessionId);
      return log === undefined ? null : piecesOf([...log.parts]);
    },
    async reopen(sessionId, read) {
      await begin('open');
      const log = logs.get(sessionId);
      if (log === undefined) throw new TroupeError('log-failed', `Expected a log of session ${sessionId}, got none.`);
      if (log.isOpen) throw new TroupeError('log-failed', `The session ${sessionId} is open already.`);
      const wholeBytes = await read(piecesOf([...log.parts]));
      const whole = Buffer.concat(log.parts).subarray(0, wholeBytes);
      log.parts.splice(0, Number.POSITIVE_INFINITY, whole);
      log.syncedParts = 1;
      log.isOpen = true;
      return memoryLogFile(`memory:${sessionId}`, log, begin, (bytes) => arrived(sessionId, bytes));
    },
    read: (sessionId) => records(bytes(sessionId)),
    bytes,
    syncedBytes(sessionId) {
      const log = logs.get(sessionId);
      return Buffer.concat(log?.parts.slice(0, log.syncedParts) ?? []);
    },
    put: (sessionId, content) => void logs.set(sessionId, { parts: [content], syncedParts: 1, isOpen: false }),
    letGo(sessionId) {
      const log = logs.get(sessionId);
      if (log !== undefined) log.isOpen = false;
    },
    isOpen: (sessionId) => logs.get(sessionId)?.isOpen ?? false,
    sessions: () => [...logs.keys()],
    operations: () => [...operations],
  };

  async function begin(operation: LogOperation, { misuse = null, arrive = nothing }: Beginning = {}): Promise<void> {
    operations.push(operation);
    if (misuse !== null) throw new TroupeError('internal', misuse);
    counts[operation] += 1;
    const wrong = fault(operation, counts[operation], arrive);
    if (wrong instanceof Error) throw wrong;
    await wrong;
  }

  function bytes(sessionId: string): Uint8Array {
    return Buffer.concat(logs.get(sessionId)?.parts ?? []);
  }
}

async function* piecesOf(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}

/** `misuse`: what the caller has done wrong. `arrive`: does it although it fails. */
type Beginning = Readonly<{ misuse?: string | null; arrive?: Arrive }>;
type Begin = (operation: LogOperation, beginning?: Beginning) => Promise<void>;
const nothing = () => {};
type MemoryLog = { parts: Uint8Array[]; syncedParts: number; isOpen: boolean };

function memoryLogFile(location: string, log: MemoryLog, begin: Begin, arrived: (bytes: Uint8Array) => void): LogFile {
  let busy: LogOperation | null = null;

  return {
    location,
    append: (bytes) =>
      alone('append', (share) => {
        const some = share === 'all' ? bytes : bytes.subarray(0, Math.floor(bytes.length / 2));
        log.parts.push(some);
        arrived(some);
      }),
    sync: () =>
      alone('sync', () => {
        log.syncedParts = log.parts.length;
      }),
    close: () =>
      alone('close', () => {
        log.isOpen = false;
      }),
  };

  async function alone(operation: LogOperation, run: Arrive): Promise<void> {
    if (!log.isOpen) await begin(operation, { misuse: `Expected no ${operation} of a closed log (${location}).` });
    if (busy !== null)
      await begin(operation, { misuse: `Expected no ${operation} during another ${busy} (${location}).` });
    busy = operation;
    try {
      await begin(operation, { arrive: run });
      run('all');
    } finally {
      busy = null;
    }
  }
}

function records(bytes: Uint8Array): readonly LogRecord[] {
  const { lines, tail } = splitLines(bytes);
  if (tail.length > 0)
    throw new TroupeError('log-failed', `Expected whole lines, got ${tail.length} bytes after the last.`);
  return recordsOf(lines);
}

/** The records of whole lines. Throws on a line that is none. */
export function recordsOf(lines: readonly Uint8Array[]): readonly LogRecord[] {
  return lines.map((line, index) => {
    const decoded = decodeRecord(line);
    if (decoded.ok) return decoded.record;
    throw new TroupeError('log-failed', `Line ${index + 1}: ${decoded.message}`);
  });
}
