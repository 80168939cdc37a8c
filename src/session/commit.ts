import type { CommittedBody, CommittedEvent, TransientBody } from '../protocol/events.ts';
import type { HistoryChange } from '../protocol/history.ts';
import type { Book } from './book.ts';
import { type CommitOptions, passCommitted, passTransient } from './gate.ts';

/** Commits an event of a session: the log, the history, what is open, and the channel, in one go. */
export function commit(book: Book, body: CommittedBody, options: CommitOptions = {}): CommittedEvent {
  const event = passCommitted(book, body, options);
  if (options.history !== undefined) apply(book, options.history);
  if (body.type === 'item.completed') book.items.push(body.item);
  const record = options.taskId === undefined ? undefined : book.tasks.get(options.taskId);
  if (record !== undefined) {
    if (body.type === 'item.started') record.open.set(body.item.id, { item: body.item, text: [] });
    if (body.type === 'item.completed') {
      record.open.delete(body.item.id);
      record.items.push(body.item);
    }
  }
  return event;
}

/** Tells a transient event, and remembers what it adds to an open item: an abort keeps what was told. */
export function emit(book: Book, body: TransientBody, taskId?: string): void {
  const record = taskId === undefined ? undefined : book.tasks.get(taskId);
  if (record !== undefined) {
    if (body.type === 'item.delta') record.open.get(body.itemId)?.text.push(body.delta);
    if (body.type === 'item.updated') {
      const open = record.open.get(body.item.id);
      if (open !== undefined) open.item = body.item;
    }
    if (body.type === 'stream.retrying') for (const open of record.open.values()) open.text.length = 0;
  }
  passTransient(book, body, taskId);
}

function apply(book: Book, change: HistoryChange): void {
  if (change.op === 'replace') {
    book.history.length = 0;
    book.measured = null;
    book.beginnings.length = 0;
  }
  for (const entry of change.entries) book.history.push(entry);
}
