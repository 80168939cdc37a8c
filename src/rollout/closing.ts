import { REVIEW_INTERRUPTED, reviewNote } from '../history/review-note.ts';
import type { CommittedBody } from '../protocol/events.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { Item } from '../protocol/items.ts';
import { type AbortReason, NOT_RUNNING } from '../protocol/outcomes.ts';
import type { OpenTask, ReplayedState } from './replay.ts';

/** One more record: an event, the task that it is of, and what it adds to the history. */
export type Closing = Readonly<{ body: CommittedBody; taskId?: string; append?: readonly HistoryEntry[] }>;

/**
 * What closes what a log has left open, as records to append: requests are withdrawn, each call gets its one output, items end,
 * and tasks as aborted (crashed). Empty when nothing is open: so doing it twice adds nothing.
 */
export function closingOf(
  state: ReplayedState,
  nextId: () => string,
  reason: 'crashed' | 'interrupted' = 'crashed',
): readonly Closing[] {
  const closings: Closing[] = [];
  for (const [requestId, { taskId }] of state.requests)
    closings.push({
      body: { type: 'request.resolved', requestId, resolution: { how: 'withdrawn', why: reason } },
      ...of(taskId),
    });
  closings.push(...callClosings(state, nextId));
  const answered = new Set(closings.flatMap(({ body }) => (body.type === 'item.completed' ? [body.item.id] : [])));
  for (const { item, taskId } of state.openItems.values()) {
    if (answered.has(item.id)) continue;
    const [closed, append] = cut(item);
    closings.push({
      body: { type: 'item.completed', item: closed },
      ...of(taskId),
      ...(append.length === 0 ? {} : { append }),
    });
  }
  for (const task of state.tasks.values()) closings.push(...taskClosings(task, nextId, reason));
  return closings;
}

/** Each call without an output, in the order of the calls. Whether it has had an effect is not known once it had begun. */
function callClosings(state: ReplayedState, nextId: () => string): readonly Closing[] {
  const outputs = new Set(state.history.flatMap((entry) => (entry.type === 'output' ? [entry.callId] : [])));
  const items = new Map<string, { item: Item; taskId: string | null }>();
  for (const open of state.openItems.values()) if ('callId' in open.item) items.set(open.item.callId, open);
  const foreground = [...state.tasks.values()].find(({ isBeside }) => !isBeside)?.taskId ?? null;
  return state.history.flatMap((entry): Closing[] => {
    if (entry.type !== 'call' || outputs.has(entry.callId)) return [];
    const { callId, name } = entry;
    const open = items.get(callId);
    const output = open === undefined ? NOT_RUN : UNKNOWN;
    const [item] = cut(
      open?.item ?? {
        id: nextId(),
        type: 'tool_call',
        callId,
        name,
        arguments: entry.arguments,
        output,
        status: 'aborted',
      },
    );
    const custom = entry.custom === true ? { custom: true as const } : {};
    const append: HistoryEntry[] = [{ type: 'output', callId, output, ...custom }];
    return [{ body: { type: 'item.completed', item }, ...of(open?.taskId ?? foreground), append }];
  });
}

const NOT_RUN = 'The call was not run: the program ended before it began.';
const UNKNOWN =
  'It is not known whether this call has had an effect: the program ended while it ran. Look before you repeat it.';

function taskClosings(
  { taskId, kind, hasSpoken, isMarked, isBeside, usage }: OpenTask,
  nextId: () => string,
  reason: AbortReason,
): readonly Closing[] {
  const end: Closing = {
    body: {
      type: 'task.aborted',
      kind,
      reason,
      receipt: { ...NOT_RUNNING, outcome: 'aborted', reason },
      usage,
    },
    taskId,
  };
  return hasSpoken && !isMarked && !isBeside ? [marker(taskId, nextId(), reason), end] : [end];
}

/** What tells the model that it was cut off. */
function marker(taskId: string, id: string, reason: AbortReason): Closing {
  const text = `The task was stopped (${reason}) before it had finished. Commands and tools may have been executed in part; look before you repeat anything.`;
  return {
    body: { type: 'item.completed', item: { id, type: 'interruption', reason, text } },
    taskId,
    append: [
      { type: 'message', role: 'user', content: [{ type: 'text', text: `<turn_aborted>\n${text}\n</turn_aborted>` }] },
    ],
  };
}

function cut(item: Item): [Item, readonly HistoryEntry[]] {
  switch (item.type) {
    case 'agent_message': {
      const entry: HistoryEntry = { type: 'message', role: 'assistant', text: item.text, partial: true };
      return [{ ...item, partial: true }, item.text === '' ? [] : [entry]];
    }
    case 'review':
      return [{ ...item, status: 'interrupted', partial: true }, [reviewNote(item.hint, REVIEW_INTERRUPTED)]];
    case 'reasoning':
    case 'user_message':
    case 'interruption':
    case 'error':
      return [{ ...item, partial: true }, []];
    default:
      return [{ ...item, status: 'aborted', partial: true }, []];
  }
}

function of(taskId: string | null): { taskId?: string } {
  return taskId === null ? {} : { taskId };
}
