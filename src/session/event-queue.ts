import { ITERATOR_EVENTS_MAX } from '../limits.ts';
import type { SessionEvent } from '../protocol/events.ts';

/** Events on their way to one reader. A reader that falls behind is told what it missed, and slows nobody. */
export interface EventQueue {
  push(event: SessionEvent): void;
  end(): void;
  /** Read by one loop; leaving the loop calls `left`. */
  iterator(left: () => void): AsyncIterableIterator<SessionEvent>;
}

export function createEventQueue(): EventQueue {
  let events: SessionEvent[] = [];
  let read = 0;
  let over = false;
  let lagged: { from: number; to: number; dropped: number; like: SessionEvent } | null = null;
  let wake: (() => void) | null = null;

  const size = () => events.length - read;
  const take = (): SessionEvent | undefined => {
    if (lagged !== null) {
      const { like, ...missed } = lagged;
      lagged = null;
      const { sessionId, path, epoch, time } = like;
      return { seq: null, epoch, time, sessionId, path, type: 'stream.lagged', ...missed };
    }
    const event = events[read];
    if (event === undefined) return undefined;
    read += 1;
    if (read > 1_024 && read * 2 > events.length) {
      events = events.slice(read);
      read = 0;
    }
    return event;
  };
  const drop = (event: SessionEvent) => {
    const seq = event.seq ?? lagged?.to ?? 0;
    lagged =
      lagged === null
        ? { from: seq, to: seq, dropped: 1, like: event }
        : { ...lagged, to: seq, dropped: lagged.dropped + 1 };
  };

  return {
    push(event) {
      if (over) return;
      if (size() >= ITERATOR_EVENTS_MAX) {
        const oldest = events[read];
        read += 1;
        if (oldest !== undefined) drop(oldest);
      }
      events.push(event);
      wake?.();
    },
    end() {
      over = true;
      wake?.();
    },
    iterator(left) {
      let open = true;
      const close = () => {
        if (!open) return;
        open = false;
        over = true;
        events = [];
        left();
      };
      return {
        async next() {
          for (;;) {
            const event = open ? take() : undefined;
            if (event !== undefined) return { value: event, done: false };
            if (over) {
              close();
              return { value: undefined, done: true };
            }
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
            wake = null;
          }
        },
        async return() {
          close();
          return { value: undefined, done: true };
        },
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },
  };
}
