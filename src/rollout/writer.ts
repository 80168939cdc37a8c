import { messageOf, TroupeError } from '../protocol/errors.ts';
import type { LogFile } from './log-store.ts';
import { encodeRecord, type LogRecord } from './record.ts';

/** `durable`: what was asked for is synced to the disk. `fast`: nothing is, it is only written. */
export type LogMode = 'durable' | 'fast';

export type LogWriterOptions = Readonly<{
  sessionId: string;
  /** Opens the log: a new one, or one that is there already. */
  open(): Promise<LogFile>;
  mode: LogMode;
  /** Called once, when the log has failed, with what people should know. It must not throw. */
  onFailure(message: string): void;
}>;

/** The log of one session, as its one writer sees it. */
export interface LogWriter {
  /**
   * Takes the next record, to be written in the background; `sync` asks for it to be synced soon. Throws on a record out
   * of order, on one that is not JSON (its number stays free), and after `close`; after a failure it does nothing.
   */
  append(record: LogRecord, options?: { sync?: boolean }): void;
  /**
   * Whether everything up to record `seq` is safe: synced in durable mode, asking for that if need be; written in fast
   * mode. False when the log has failed before that; waits for as long as the disk takes.
   */
  safe(seq: number): Promise<boolean>;
  /** What people should know about the failure; null while there is none. Nothing is written after a failure. */
  readonly failure: string | null;
  /** Where the log is; null before it is there. */
  readonly location: string | null;
  /** Writes what is queued, syncs it in durable mode and closes the file. Never rejects, and waits for no failed disk. */
  close(): Promise<void>;
}

/** How many bytes may wait to be written before the disk is said not to keep up. */
export const UNWRITTEN_MAX_BYTES = 64 * 1024 * 1024;

/** How many bytes go into one write, unless a single record has more: a bound on what is copied. */
export const BATCH_MAX_BYTES = 1024 * 1024;

/** Writes the log of a session: in order, one operation at a time, with one sync for all that wait for one. */
export function createLogWriter({ sessionId, open, mode, onFailure }: LogWriterOptions): LogWriter {
  let file: LogFile | null = null;
  let location: string | null = null;
  let failure: string | null = null;
  let queue: Encoded[] = [];
  let unwrittenBytes = 0;
  let working = false;
  let closing = false;
  const closed = Promise.withResolvers<void>();
  let waiting: Waiting[] = [];
  // Numbers of records: the last one taken (null: none yet), and up to which they are written, synced, wanted synced.
  let last: number | null = null;
  let written = -1;
  let synced = -1;
  let wanted = -1;

  return {
    append(record, { sync = false } = {}) {
      expectNext(record);
      if (failure !== null) {
        last = record.seq;
        return;
      }
      const bytes = encodeRecord(record);
      if (last === null) written = synced = wanted = record.seq - 1;
      last = record.seq;
      if (unwrittenBytes + bytes.length > UNWRITTEN_MAX_BYTES) {
        fail(`the disk does not keep up, more than ${UNWRITTEN_MAX_BYTES} bytes wait to be written`);
      } else {
        queue.push({ seq: record.seq, bytes });
        unwrittenBytes += bytes.length;
        if (sync) wanted = record.seq;
      }
      start();
    },

    async safe(seq) {
      if (seq <= safeUpTo()) return true;
      if (failure !== null) return false;
      if (last === null || seq > last) {
        throw new TroupeError('internal', `Expected the number of a record in the log (up to ${last}), got ${seq}.`);
      }
      wanted = Math.max(wanted, seq);
      const answer = Promise.withResolvers<boolean>();
      waiting.push({ seq, resolve: answer.resolve });
      start();
      return answer.promise;
    },

    close() {
      if (!closing) {
        closing = true;
        if (last !== null) wanted = last;
        start();
      }
      return closed.promise;
    },

    get failure() {
      return failure;
    },
    get location() {
      return location;
    },
  };

  function expectNext({ seq, type }: LogRecord): void {
    if (closing) throw new TroupeError('internal', `Expected no record after close, got ${seq} (${type}).`);
    const inOrder = last === null ? Number.isSafeInteger(seq) && seq >= 0 : seq === last + 1;
    if (inOrder) return;
    throw new TroupeError('internal', `Expected record ${last === null ? 0 : last + 1}, got ${seq} (${type}).`);
  }

  function safeUpTo(): number {
    return mode === 'durable' ? synced : written;
  }

  function start(): void {
    if (working) return;
    working = true;
    void work();
  }

  async function work(): Promise<void> {
    // What is appended in the same breath goes into one write.
    await null;
    try {
      while (isDue()) await round();
    } catch (error) {
      fail(messageOf(error));
    }
    if (closing || failure !== null) await closeFile();
    working = false;
  }

  function isDue(): boolean {
    return failure === null && (queue.length > 0 || (mode === 'durable' && wanted > synced));
  }

  // Writes what is queued now, then syncs if any of it wants that. What comes meanwhile is for the next round: so a
  // sync never waits for a stream of records to end, and all who asked during a sync share the next one.
  async function round(): Promise<void> {
    const records = queue;
    const sync = mode === 'durable' && wanted > synced;
    queue = [];
    file ??= await open();
    location = file.location;
    for (const batch of batches(records)) {
      if (failure !== null) return;
      await file.append(batch.bytes);
      unwrittenBytes -= batch.bytes.length;
      written = batch.seq;
      if (mode === 'fast') settle();
    }
    if (!sync || failure !== null) return;
    await file.sync();
    synced = written;
    settle();
  }

  function settle(): void {
    const upTo = safeUpTo();
    const ready = waiting.filter(({ seq }) => seq <= upTo);
    if (ready.length === 0) return;
    waiting = waiting.filter(({ seq }) => seq > upTo);
    for (const { resolve } of ready) resolve(true);
  }

  function fail(cause: string): void {
    if (failure !== null) return;
    const where = location === null ? '' : ` (${location})`;
    failure = `The log of session ${sessionId}${where} is no longer written: ${cause}. Records from ${safeUpTo() + 1} on may be missing.`;
    queue = [];
    const unsafe = waiting;
    waiting = [];
    for (const { resolve } of unsafe) resolve(false);
    closed.resolve();
    onFailure(failure);
  }

  async function closeFile(): Promise<void> {
    const opened = file;
    file = null;
    try {
      await opened?.close();
    } catch (error) {
      // Of no news if the log had failed before.
      fail(messageOf(error));
    }
    closed.resolve();
  }
}

type Encoded = Readonly<{ seq: number; bytes: Uint8Array }>;
type Waiting = Readonly<{ seq: number; resolve: (safe: boolean) => void }>;

/** The records in pieces for one write each; `seq` is that of the last record in it. */
function* batches(records: readonly Encoded[]): Generator<Encoded> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let seq = -1;
  for (const record of records) {
    if (size > 0 && size + record.bytes.length > BATCH_MAX_BYTES) {
      yield { seq, bytes: joined(parts) };
      parts = [];
      size = 0;
    }
    parts.push(record.bytes);
    size += record.bytes.length;
    seq = record.seq;
  }
  if (size > 0) yield { seq, bytes: joined(parts) };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
