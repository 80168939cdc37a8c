import { Observable } from 'rxjs/internal/Observable';
import type { SessionEvent } from '../protocol/events.ts';
import type { Book } from './book.ts';

/** Keeps what a session tells before its handle is given out; what it gives ends that, and keeps it for who listens first. */
export function keepUnheard(book: Book): () => void {
  const told: SessionEvent[] = [];
  const following = book.channel.events$.subscribe((event) => void told.push(event));
  return () => {
    following.unsubscribe();
    if (told.length > 0) book.unheard = told;
  };
}

/** What a session tells, to who listens first with what nobody has heard yet before it. */
export function eventsOf(book: Book): Observable<SessionEvent> {
  const { events$ } = book.channel;
  if (book.unheard === null) return events$;
  return new Observable((subscriber) => {
    const unheard = book.unheard ?? [];
    book.unheard = null;
    // What is told by whom this makes say something comes after it.
    let later: SessionEvent[] | null = [];
    const following = events$.subscribe({
      next: (event) => (later === null ? subscriber.next(event) : void later.push(event)),
      complete: () => subscriber.complete(),
    });
    for (const event of unheard) subscriber.next(event);
    for (let event = later.shift(); event !== undefined; event = later.shift()) subscriber.next(event);
    later = null;
    return following;
  });
}
