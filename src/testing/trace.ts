import { createHash } from 'node:crypto';
import type { SessionEvent } from '../protocol/events.ts';
import type { LogRecord } from '../rollout/record.ts';

/** One thing that has happened in a simulated world. */
export type TraceEntry = Readonly<{ at: number }> &
  (
    | Readonly<{ type: 'event'; event: SessionEvent }>
    | Readonly<{ type: 'log.written'; sessionId: string; record: LogRecord }>
    /** Everything up to this record is on the disk. */
    | Readonly<{ type: 'log.synced'; sessionId: string; upTo: number }>
    | Readonly<{ type: 'process.started'; pid: number; argv: readonly string[]; cwd: string }>
    | Readonly<{ type: 'process.ended'; pid: number; exitCode: number | null; signal: string | null }>
    | Readonly<{
        type: 'file.changed';
        change: 'write' | 'remove' | 'make-directory' | 'remove-directory';
        path: string;
      }>
  );

type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never;

/** What has happened, in order. */
export interface Trace {
  add(entry: WithoutTime<TraceEntry>): void;
  entries(): readonly TraceEntry[];
  /** SHA-256 over all entries, hex: equal for equal traces. */
  hash(): string;
}

/** Begins a trace. `now` gives the time of an entry, in ms since 1970. */
export function createTrace(now: () => number): Trace {
  const entries: TraceEntry[] = [];
  return {
    add: (entry) => void entries.push({ at: now(), ...entry }),
    entries: () => [...entries],
    hash() {
      const hash = createHash('sha256');
      for (const entry of entries) hash.update(`${JSON.stringify(entry)}\n`);
      return hash.digest('hex');
    },
  };
}
