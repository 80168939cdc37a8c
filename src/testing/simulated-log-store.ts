import type { LogFile } from '../rollout/log-store.ts';
import { type LogOperation, type MemoryLogStore, memoryLogStore } from '../rollout/memory-log-store.ts';
import { decodeRecord, splitLines } from '../rollout/record.ts';
import type { SeededRng } from './seeded-rng.ts';
import type { SteppedClock } from './stepped-clock.ts';
import type { Trace } from './trace.ts';

/** The n-th operation of its sort, counted from 1 over all logs of the world, fails or never ends. */
export type LogStoreFault = Readonly<{ operation: LogOperation; n: number; how: 'fails' | 'hangs' }>;

export type SimulatedLogStoreOptions = Readonly<{
  clock: SteppedClock;
  rng: SeededRng;
  trace: Trace;
  faults: readonly LogStoreFault[];
}>;

/** How long the slowest operation takes, in ms; the seed picks one. A terminal waits for five of them at most, and 500 ms. */
const SLOWEST_MS = [0, 2, 15, 60];

/** Logs in memory on a disk that takes its time. Every record that is written and every sync goes into the trace. */
export function simulatedLogStore({ clock, rng, trace, faults }: SimulatedLogStoreOptions): MemoryLogStore {
  const pace = rng.pace(SLOWEST_MS);
  const store = memoryLogStore({
    async fault(operation, n) {
      const what = `${operation} number ${n} of the log store`;
      const wrong = faults.find((fault) => fault.operation === operation && fault.n === n);
      if (wrong?.how === 'hangs') await clock.hang(what);
      await clock.pass(pace(), what);
      if (wrong !== undefined) throw Object.assign(new Error(`EIO: i/o error, ${what}`), { code: 'EIO' });
    },
  });
  return {
    ...store,
    reopen: async (sessionId, read) => traced(await store.reopen(sessionId, read), sessionId, trace),
    create: async (sessionId, createdAtMs) => traced(await store.create(sessionId, createdAtMs), sessionId, trace),
  };
}

function traced(file: LogFile, sessionId: string, trace: Trace): LogFile {
  let last = -1;
  return {
    location: file.location,
    async append(bytes) {
      await file.append(bytes);
      for (const line of splitLines(bytes).lines) {
        const decoded = decodeRecord(line);
        if (!decoded.ok) throw new Error(`Expected whole records to be appended: ${decoded.message}`);
        last = decoded.record.seq;
        trace.add({ type: 'log.written', sessionId, record: decoded.record });
      }
    },
    async sync() {
      await file.sync();
      trace.add({ type: 'log.synced', sessionId, upTo: last });
    },
    close: () => file.close(),
  };
}
