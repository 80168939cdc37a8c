import type { LogFile } from '../rollout/log-store.ts';
import { type MemoryLogStore, memoryLogStore } from '../rollout/memory-log-store.ts';
import { decodeRecord, splitLines } from '../rollout/record.ts';
import { diskError, type FaultDesk } from './faults.ts';
import type { SeededRng } from './seeded-rng.ts';
import type { SteppedClock } from './stepped-clock.ts';
import type { Trace } from './trace.ts';

export type SimulatedLogStoreOptions = Readonly<{
  clock: SteppedClock;
  rng: SeededRng;
  trace: Trace;
  faults: FaultDesk;
}>;

/** How long the slowest operation takes, in ms; the seed picks one. A terminal waits for five of them at most, and 500 ms. */
const SLOWEST_MS = [0, 2, 15, 60];

/** Logs in memory on a disk that takes its time. Every record that is written and every sync goes into the trace. */
export function simulatedLogStore({ clock, rng, trace, faults }: SimulatedLogStoreOptions): MemoryLogStore {
  const pace = rng.pace(SLOWEST_MS);
  const last = new Map<string, number>();
  const store = memoryLogStore({
    arrived(sessionId, bytes) {
      for (const line of splitLines(bytes).lines) {
        const decoded = decodeRecord(line);
        if (!decoded.ok) throw new Error(`Expected whole records to be appended: ${decoded.message}`);
        last.set(sessionId, decoded.record.seq);
        trace.add({ type: 'log.written', sessionId, record: decoded.record });
      }
    },
    async fault(operation, n, arrive) {
      const what = `${operation} number ${n} of the log store`;
      const how = faults.begin('logs', operation);
      if (how === 'hangs') await faults.hang(what);
      await clock.pass(pace(), what);
      if (how === null || how === 'hangs') return;
      if (how === 'torn' || how === 'short') arrive('half');
      if (how === 'torn' || how === 'power-cut') return faults.cut();
      if (how === 'late') arrive('all');
      throw diskError(how, what);
    },
  });
  return {
    ...store,
    reopen: async (sessionId, read) => traced(await store.reopen(sessionId, read), sessionId, last, trace),
    create: async (sessionId, createdAtMs) =>
      traced(await store.create(sessionId, createdAtMs), sessionId, last, trace),
  };
}

/** Every sync of what was written goes into the trace. */
function traced(file: LogFile, sessionId: string, last: ReadonlyMap<string, number>, trace: Trace): LogFile {
  return {
    ...file,
    async sync() {
      await file.sync();
      trace.add({ type: 'log.synced', sessionId, upTo: last.get(sessionId) ?? -1 });
    },
  };
}
