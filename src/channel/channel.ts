import { type Observable, Subject } from 'rxjs';
import type { SessionEvent } from '../protocol/events.ts';
import type { Resolution, SessionRequest } from '../protocol/requests.ts';

/** What a session says of its requests: that one is open, and how one ended. */
export type Announcement =
  | Readonly<{ type: 'opened'; request: SessionRequest }>
  | Readonly<{ type: 'closed'; requestId: string; resolution: Resolution }>;

/** A session's two streams. The subjects carry; they do not remember. */
export interface Channel {
  /** What it tells (non-interactive). */
  readonly events$: Observable<SessionEvent>;
  /** What it asks (interactive). */
  readonly announcements$: Observable<Announcement>;
  /** Somebody follows the announcements. */
  readonly listened: boolean;
  tell(event: SessionEvent): void;
  announce(announcement: Announcement): void;
  /** Delivers what is queued, then completes both streams. */
  complete(): void;
}

/**
 * Everything goes through one queue that is drained outside of whoever speaks, so that a subscriber that makes the
 * session speak again reorders nothing for the next one. A transient event that finds the queue empty goes straight
 * through.
 */
export function createChannel(): Channel {
  const events = new Subject<SessionEvent>();
  const announcements = new Subject<Announcement>();
  let queue: (() => void)[] = [];
  let draining = false;
  let scheduled = false;

  const drain = () => {
    scheduled = false;
    if (draining) return;
    draining = true;
    try {
      for (let batch = queue; batch.length > 0; batch = queue) {
        queue = [];
        for (const deliver of batch) deliver();
      }
    } finally {
      draining = false;
    }
  };
  const enqueue = (deliver: () => void) => {
    queue.push(deliver);
    if (scheduled || draining) return;
    scheduled = true;
    queueMicrotask(drain);
  };

  return {
    events$: events.asObservable(),
    announcements$: announcements.asObservable(),
    get listened() {
      return announcements.observed;
    },
    tell(event) {
      if (event.seq === null && !draining && !scheduled) {
        draining = true;
        events.next(event);
        draining = false;
        if (queue.length > 0) drain();
        return;
      }
      enqueue(() => events.next(event));
    },
    announce(announcement) {
      enqueue(() => announcements.next(announcement));
    },
    complete() {
      enqueue(() => {
        events.complete();
        announcements.complete();
      });
    },
  };
}
