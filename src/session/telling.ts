import type { SessionOp, SessionSignal } from '../protocol/messages.ts';
import type { Book } from './book.ts';

/** Sends a message to a session's actor; false when that has ended, and nothing can be told to it any more. */
export function tell(book: Book, message: SessionOp | SessionSignal): boolean {
  if (book.actor === null || book.actor.getSnapshot().status !== 'active') return false;
  book.actor.send(message);
  return true;
}
