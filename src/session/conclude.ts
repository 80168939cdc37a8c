import { REVIEW_INTERRUPTED, reviewNote } from '../history/review-note.ts';
import type { CommittedBody } from '../protocol/events.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { Item, ItemDraft } from '../protocol/items.ts';
import type { StartOrder, TaskEnd } from '../protocol/messages.ts';
import { type AbortReason, NOT_RUNNING, type Receipt, type TaskOutcome } from '../protocol/outcomes.ts';
import { NO_USAGE } from '../protocol/usage.ts';
import { admissionOf } from '../runtime/admission.ts';
import type { CallRecord } from '../tasks/ports.ts';
import { settle } from './asking.ts';
import type { Book, OpenItem, TaskRecord } from './book.ts';
import { commit } from './commit.ts';
import { flushed } from './gate.ts';
import { afterTask, lastChangePast } from './protection.ts';
import { giveUpTurn } from './slots.ts';
import { tell } from './telling.ts';

/**
 * Ends a task for good: revokes its ports, closes what it left open (requests, calls, items, sub-sessions), says to the
 * model what was cut, and commits the one terminal event. Callers learn of it when it is on the disk.
 */
export function conclude(book: Book, end: TaskEnd, kept: number): void {
  const record = book.tasks.get(end.taskId);
  if (record === undefined) return;
  record.revoked = true;
  admissionOf(book.world.clock).over();
  giveUpTurn(book.world.slots, book.settings.limits.agentsMax, end.taskId);
  const { taskId, kind } = end;
  for (const [requestId, asking] of book.askings ?? []) {
    if (asking.taskId !== taskId) continue;
    settle(book, requestId, { how: 'withdrawn', why: end.end === 'aborted' ? 'aborted' : 'the task ended' });
    tell(book, { type: 'request.closed', requestId });
  }
  for (const child of record.children) abandon(child, end);
  const outputs = record.calls.close((call) => unsettled(call, record, book.world.clock.now(), end.end === 'aborted'));
  const text = closeItems(book, record, taskId);
  const outcome = outcomeOf(book, record, end, { text, outputs }, kept);
  if (end.end === 'aborted') {
    if (end.reason !== 'replaced') markInterruption(book, taskId, end.reason);
    if (end.forced) warnForced(book, taskId, end.report.unsettled);
  }
  book.dropped = 0;
  book.world.listeners.get(taskId)?.decided(outcome);
  const released = () => {
    book.tasks.delete(taskId);
    trim(book);
    const listener = book.world.listeners.get(taskId);
    book.world.listeners.delete(taskId);
    afterTask(book, record);
    listener?.ended(outcome);
    tell(book, { type: 'terminal.released', taskId, at: book.world.clock.now() });
  };
  const after: Promise<unknown>[] = record.children.map((child) => child.drained);
  const lastChange = lastChangePast(book, record);
  if (lastChange !== null) after.push(lastChange);
  commit(book, terminalOf(outcome, kind), { taskId, hold: { after, released } });
}

/** Lets go of the room that short lists have to grow: most sessions are idle, and have said little. */
function trim(book: Book): void {
  if (book.history.length < TRIMMED_MAX) book.history = book.history.slice();
  if (book.items.length < TRIMMED_MAX) book.items = book.items.slice();
}

const TRIMMED_MAX = 64;

/** A start that is dropped before its turn: it never began, so it has an outcome and no events. */
export function dropOrder(book: Book, { taskId }: StartOrder, reason: AbortReason): void {
  book.dropped += 1;
  const listener = book.world.listeners.get(taskId);
  book.world.listeners.delete(taskId);
  const outcome: TaskOutcome = { status: 'aborted', reason, receipt: NOT_RUNNING, usage: NO_USAGE };
  listener?.decided(outcome);
  listener?.ended(outcome);
}

/** What stopped from above without an end of its own is closed here, so that its log has a terminal all the same. */
function abandon(child: Book, end: TaskEnd): void {
  if (child.isClosing) return;
  const report = { killed: 0, survivors: 0, unsettled: 1, sessions: [] };
  for (const [taskId, record] of child.tasks) {
    if (record.revoked) continue;
    const aborted = { end: 'aborted', reason: 'parent-aborted', report, phases: [], forced: true } as const;
    conclude(child, { taskId, kind: record.order.kind, at: end.at, ...aborted }, 0);
  }
  closeBook(child);
}

/** Says that the session is closed, as its last event, and lets go of what it holds. */
export function closeBook(book: Book): void {
  if (book.isClosing) return;
  book.isClosing = true;
  // What is held may come to show that the log has failed: that is said before.
  const isHeld = book.gate.waiting.length > 0;
  book.shut = isHeld ? flushed(book).then(() => shutBook(book)) : shutBook(book);
}

function shutBook(book: Book): Promise<void> {
  book.closed = true;
  commit(book, { type: 'session.closed' }, { sync: true });
  return flushed(book).then(() => {
    book.channel.complete();
    book.world.books.delete(book.id);
    return book.writer === null ? undefined : bounded(book, book.writer.close());
  });
}

/** Waits for the disk, but not for ever. */
function bounded({ world, settings }: Book, what: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = world.clock.setTimeout(resolve, settings.limits.commitMs);
    void what.then(() => {
      world.clock.clearTimeout(timer);
      resolve();
    });
  });
}

function closeItems(book: Book, record: TaskRecord, taskId: string): string {
  const texts: string[] = [];
  for (const { item, text } of [...record.open.values()]) {
    const [closed, entries] = cutShort(item, text.join(''));
    if (closed.type === 'agent_message') texts.push(closed.text);
    commit(book, { type: 'item.completed', item: closed }, { taskId, history: { op: 'append', entries } });
  }
  return texts.join('\n');
}

/** An open item as it stands, and what the model is told of it. */
function cutShort(item: OpenItem['item'], told: string): [Item, readonly HistoryEntry[]] {
  switch (item.type) {
    case 'agent_message': {
      const text = item.text === '' ? told : item.text;
      const entry: HistoryEntry = { type: 'message', role: 'assistant', text, partial: true };
      return [{ ...item, text, partial: true }, text === '' ? [] : [entry]];
    }
    case 'reasoning':
      return [{ ...item, text: item.text === '' ? told : item.text, partial: true }, []];
    case 'command_execution':
    case 'tool_call':
    case 'mcp_tool_call':
      return [{ ...item, output: item.output + told, status: 'aborted', partial: true }, []];
    case 'review':
      return [{ ...item, status: 'interrupted', partial: true }, [reviewNote(item.hint, REVIEW_INTERRUPTED)]];
    case 'user_message':
    case 'interruption':
    case 'error':
      return [{ ...item, partial: true }, []];
    default:
      return [{ ...item, status: 'aborted', partial: true }, []];
  }
}

/** A call that nothing settled: it gets its one output all the same. */
function unsettled(
  call: CallRecord,
  { open }: TaskRecord,
  now: number,
  aborted: boolean,
): { output: string; item: ItemDraft; partial: boolean } {
  const told = open.get(call.itemId ?? '')?.text.join('') ?? '';
  const seconds = call.startedAt === 0 ? 0 : Math.max(0.1, (now - call.startedAt) / 1_000);
  const note = !aborted
    ? 'The call was not run: the task ended first.'
    : seconds === 0
      ? 'aborted by user before it ran'
      : `aborted by user after ${seconds.toFixed(1)} s; it may have been executed in part`;
  const output = told === '' ? note : `${told}\n${note}`;
  const item: ItemDraft = call.draft ?? {
    type: 'tool_call',
    callId: call.callId,
    name: call.name,
    arguments: call.arguments,
    output,
    status: 'aborted',
  };
  return {
    output,
    item: { ...item, ...('output' in item ? { output: told } : {}), status: 'aborted' } as ItemDraft,
    partial: aborted,
  }; // Every item of a call has these two.
}

function markInterruption(book: Book, taskId: string, reason: AbortReason): void {
  const text = `The task was stopped (${reason}) before it had finished. Commands and tools may have been executed in part; look before you repeat anything.`;
  const entry: HistoryEntry = {
    type: 'message',
    role: 'user',
    content: [{ type: 'text', text: `<turn_aborted>\n${text}\n</turn_aborted>` }],
  };
  const item: Item = { id: book.world.ids.next(), type: 'interruption', reason, text };
  commit(book, { type: 'item.completed', item }, { taskId, history: { op: 'append', entries: [entry] } });
}

function warnForced(book: Book, taskId: string, unsettledWorks: number): void {
  const rest =
    unsettledWorks === 0 ? '' : ` ${unsettledWorks} did not stop at all; what they do from now on has no effect.`;
  const message = `Work did not stop within ${book.settings.limits.graceMs} ms and was killed.${rest}`;
  commit(book, { type: 'warning.raised', code: 'abort-not-graceful', message }, { taskId });
}

function outcomeOf(
  book: Book,
  record: TaskRecord,
  end: TaskEnd,
  partial: Receipt['partial'],
  kept: number,
): TaskOutcome {
  const { usage, items } = record;
  if (end.end === 'failed') return { status: 'failed', error: end.error, usage };
  if (end.end === 'completed') {
    const data = typeof end.data === 'object' && end.data !== null ? end.data : {};
    return { ...data, status: 'completed', answer: end.answer, items, usage };
  }
  const { killed, survivors, unsettled: left, sessions } = end.report;
  const receipt: Receipt = {
    outcome: 'aborted',
    reason: end.reason,
    phases: end.phases,
    sessions,
    processes: { killed, survivors },
    unsettled: left,
    requests: { withdrawn: record.withdrawn },
    queued: { kept, dropped: book.dropped },
    partial,
  };
  return { status: 'aborted', reason: end.reason, receipt, usage };
}

function terminalOf(outcome: TaskOutcome, kind: string): CommittedBody {
  const { usage } = outcome;
  if (outcome.status === 'failed') return { type: 'task.failed', kind, error: outcome.error, usage };
  if (outcome.status === 'aborted') {
    return { type: 'task.aborted', kind, reason: outcome.reason, receipt: outcome.receipt, usage };
  }
  const { status: _status, answer, items: _items, usage: _usage, ...data } = outcome;
  return { type: 'task.completed', kind, answer, data, usage };
}
