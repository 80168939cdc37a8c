import type { Session } from '../../src/index.ts';
import type { Book } from '../../src/session/book.ts';

/** The book behind a handle, for what no caller can bring about: its one own property. */
export function bookBehind(session: Session): Book {
  const [key] = Object.getOwnPropertySymbols(session);
  if (key === undefined) throw new Error('Expected a handle of a session, got another object.');
  return (session as unknown as Record<symbol, Book>)[key] as Book; // Handles hide it from callers on purpose.
}
