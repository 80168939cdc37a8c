import { isTerminal } from '../../src/protocol/events.ts';
import type { Item } from '../../src/protocol/items.ts';
import type { Usage } from '../../src/protocol/usage.ts';
import type { LogRecord } from '../../src/rollout/record.ts';
import { emptyState, type ReplayedState, replay } from '../../src/rollout/replay.ts';
import type { Book } from '../../src/session/book.ts';

/** What is compared of a live session and of what its log says. */
type Compared = Readonly<{
  nextSeq: number;
  history: string;
  items: readonly string[];
  totalTokens: number;
  tasks: readonly string[];
  open: readonly string[];
  requests: readonly string[];
}>;

/**
 * Follows a session record by record: whenever it is about to write the next one, what it has in memory must be what a replay of
 * the records before gives. Gives how many records were compared, and the first difference; null when there is none.
 */
export function shadow(book: Book): { compared(): number; difference(): object | null } {
  const { writer } = book;
  if (writer === null) throw new Error('Expected a session with a log, got one without.');
  const state = emptyState();
  state.nextSeq = book.gate.nextSeq;
  const append = writer.append.bind(writer);
  const ended = new Set<string>();
  let compared = 0;
  let difference: object | null = null;
  writer.append = (record: LogRecord, options) => {
    const live = without(ofBook(book, ended), record);
    const replayed = without(ofState(state), record);
    const { usage } = record.payload as { usage?: Usage }; // As the gate wrote it.
    const counted = record.type === 'usage.updated' ? (usage?.totalTokens ?? 0) : 0;
    const isSame = JSON.stringify({ ...live, totalTokens: live.totalTokens - counted }) === JSON.stringify(replayed);
    if (!isSame) difference ??= { before: record, live, replayed };
    compared += 1;
    const { taskId } = record.payload as { taskId?: string }; // As the gate wrote it.
    if (taskId !== undefined && isTerminal(record)) ended.add(taskId);
    // As it will be read: what JSON does to it is part of it.
    replay(state, JSON.parse(JSON.stringify(record)));
    append(record, options);
  };
  return { compared: () => compared, difference: () => difference };
}

function ofBook(book: Book, ended: ReadonlySet<string>): Compared {
  // A task is in the book until people have seen its terminal.
  const tasks = [...book.tasks].filter(([taskId]) => !ended.has(taskId));
  // What sub-sessions use is in their own logs, until the task that opened them ends.
  const below = tasks.flatMap(([, { children }]) => children);
  return {
    nextSeq: book.gate.nextSeq,
    history: JSON.stringify(book.history),
    items: book.items.map(itemWords),
    totalTokens: book.usage.totalTokens - below.reduce((sum, child) => sum + child.usage.totalTokens, 0),
    tasks: tasks.map(([taskId]) => taskId),
    open: tasks.flatMap(([, record]) => [...record.open.keys()]),
    requests: [...(book.askings?.keys() ?? [])],
  };
}

function ofState(state: ReplayedState): Compared {
  return {
    nextSeq: state.nextSeq,
    history: JSON.stringify(state.history),
    items: state.items.map(itemWords),
    totalTokens: state.usage.totalTokens,
    tasks: [...state.tasks.keys()],
    open: [...state.openItems.keys()],
    requests: [...state.requests.keys()],
  };
}

/** Leaves out what the record is the beginning or the end of: the book has that changed already. */
function without(compared: Compared, { type, payload }: LogRecord): Compared {
  const { taskId, request, requestId } = payload as { taskId?: string; request?: { id: string }; requestId?: string }; // As the gate wrote it.
  const id = type === 'task.started' ? taskId : (request?.id ?? requestId);
  const isOther = (one: string) => one !== id;
  return { ...compared, tasks: compared.tasks.filter(isOther), requests: compared.requests.filter(isOther) };
}

function itemWords({ id, type }: Item): string {
  return `${type} ${id}`;
}
