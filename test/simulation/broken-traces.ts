import type { HistoryEntry } from '../../src/protocol/history.ts';
import type { TraceEntry } from '../../src/testing/index.ts';

/** What is done to what has happened in a run that kept every promise, so that one of them is broken; null where nothing of the kind is. */
export type TraceBreak = (trace: readonly TraceEntry[]) => readonly TraceEntry[] | null;

type Told = TraceEntry & { type: 'event' };
type Logged = TraceEntry & { type: 'log.written' };

/** Breaks of what is seen in the logs and the process table, by the promise that each breaks. */
export const TRACE_BREAKS: Readonly<Record<string, TraceBreak>> = {
  E45: withoutEntry('output'),
  E47: withoutEntry('output'),
  E48: changedEntry('output', (entry) => ({ ...entry, output: 'x'.repeat(100_000) })),
  H72(trace) {
    const at = trace.findLastIndex((entry) => isTold(entry, 'task.completed'));
    const end = trace[at];
    if (end?.type !== 'event') return null;
    const { sessionId, seq } = end.event;
    return trace.filter(
      (entry) => entry.type !== 'log.written' || entry.sessionId !== sessionId || entry.record.seq < (seq ?? 0),
    );
  },
  H73: changedAt(
    (entry) => isTold(entry, 'task.started'),
    (entry) => ({ ...entry, event: { ...(entry as Told).event, input: 'Another.' } }) as TraceEntry, // Found as one.
  ),
  A10: withoutEndOfProcess,
  F61: withoutEndOfProcess,
};

function withoutEndOfProcess(trace: readonly TraceEntry[]): readonly TraceEntry[] | null {
  const at = trace.findIndex(({ type }) => type === 'process.ended');
  return at === -1 ? null : trace.toSpliced(at, 1);
}

function isTold(entry: TraceEntry, type: string): entry is Told {
  return entry.type === 'event' && entry.event.type === type;
}

function changedAt(fits: (entry: TraceEntry) => boolean, change: (entry: TraceEntry) => TraceEntry): TraceBreak {
  return (trace) => {
    const at = trace.findIndex(fits);
    const found = trace[at];
    return found === undefined ? null : trace.with(at, change(found));
  };
}

function withoutEntry(type: HistoryEntry['type']): TraceBreak {
  return changedHistory(type, (entries) => entries.filter((entry) => entry.type !== type));
}

function changedEntry(type: HistoryEntry['type'], change: (entry: HistoryEntry) => HistoryEntry): TraceBreak {
  return changedHistory(type, (entries) => entries.map((entry) => (entry.type === type ? change(entry) : entry)));
}

function changedHistory(
  type: HistoryEntry['type'],
  change: (entries: readonly HistoryEntry[]) => readonly HistoryEntry[],
): TraceBreak {
  const entriesOf = (entry: TraceEntry): readonly HistoryEntry[] =>
    entry.type === 'log.written' ? ((entry.record.payload as Payload).history?.entries ?? []) : []; // As the gate wrote it.
  return changedAt(
    (entry) => entriesOf(entry).some((one) => one.type === type),
    (entry) => {
      const { record } = entry as Logged; // Only such have entries.
      const payload = record.payload as Payload; // As the gate wrote it.
      const history = { ...payload.history, entries: change(entriesOf(entry)) };
      return { ...(entry as Logged), record: { ...record, payload: { ...payload, history } } }; // As above.
    },
  );
}

type Payload = Readonly<{ history?: Readonly<{ entries: readonly HistoryEntry[] }> }>;
