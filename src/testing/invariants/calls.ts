import { OUTPUT_CHARACTERS_MAX } from '../../limits.ts';
import { isTerminal } from '../../protocol/events.ts';
import type { HistoryChange, HistoryEntry } from '../../protocol/history.ts';
import type { Item } from '../../protocol/items.ts';
import type { LogRecord } from '../../rollout/record.ts';
import type { Invariant } from './invariant.ts';

/** How much an output may be longer than its limit, for the words that say what was left out. */
const WORDS_CHARACTERS_MAX = 200;

/** What holds for the calls of a model and their outputs, as they are shown and as they are logged. */
export const CALLS: readonly Invariant[] = [
  {
    id: 'E45',
    promise: 'a call that is complete says how it ended, and has one output in the log when its task ends',
    watch() {
      const waiting = new Map<string, Map<string, string | null>>();
      return {
        event: (event) =>
          event.type === 'item.completed' && 'status' in event.item && event.item.status === 'in_progress'
            ? `${event.item.id} is complete, and in progress`
            : null,
        record(sessionId, record) {
          const taskId = taskIdIn(record);
          const open = openIn(waiting, sessionId);
          if (changeIn(record)?.op === 'replace') open.clear();
          else {
            for (const entry of entriesIn(record)) {
              if (entry.type === 'call') open.set(entry.callId, taskId);
              if (entry.type === 'output' && !open.delete(entry.callId))
                return `${sessionId} has an output for ${entry.callId}, which waits for none`;
            }
          }
          if (!isTerminal(record)) return null;
          const left = [...open].filter(([, owner]) => owner === taskId).map(([id]) => id);
          return left.length === 0 ? null : `${taskId} has ended, and has no output for ${left.join(', ')}`;
        },
      };
    },
  },
  {
    id: 'E47',
    promise: 'when a model is asked, every call that it is shown has its output',
    watch() {
      const waiting = new Map<string, Map<string, null>>();
      return {
        event: () => null,
        record(sessionId, record) {
          const open = openIn(waiting, sessionId);
          if (changeIn(record)?.op === 'replace') open.clear();
          for (const entry of entriesIn(record)) {
            if (entry.type === 'call') open.set(entry.callId, null);
            if (entry.type === 'output') open.delete(entry.callId);
          }
          return record.type === 'step.started' && open.size > 0
            ? `${sessionId} begins a step while ${[...open.keys()].join(', ')} has no output`
            : null;
        },
      };
    },
  },
  {
    id: 'E48',
    promise: 'what a model is shown of an output is bounded',
    watch: () => ({
      event: () => null,
      record(sessionId, record) {
        for (const entry of entriesIn(record)) {
          if (entry.type === 'output' && entry.output.length > OUTPUT_CHARACTERS_MAX + WORDS_CHARACTERS_MAX)
            return `${sessionId} shows ${entry.output.length} characters of the output of ${entry.callId}`;
        }
        return null;
      },
    }),
  },
];

/** Whether an item is a call that does something. */
export function isCall(item: Item): boolean {
  return item.type === 'command_execution' || item.type === 'file_change' || item.type === 'tool_call';
}

function openIn<T>(all: Map<string, Map<string, T>>, sessionId: string): Map<string, T> {
  const known = all.get(sessionId);
  if (known !== undefined) return known;
  const made = new Map<string, T>();
  all.set(sessionId, made);
  return made;
}

function changeIn({ payload }: LogRecord): HistoryChange | undefined {
  return (payload as { history?: HistoryChange }).history; // As the gate wrote it.
}

function entriesIn(record: LogRecord): readonly HistoryEntry[] {
  return changeIn(record)?.entries ?? [];
}

function taskIdIn({ payload }: LogRecord): string | null {
  return (payload as { taskId?: string }).taskId ?? null; // As the gate wrote it.
}
