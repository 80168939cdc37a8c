import type { Observable } from 'rxjs';
import { Subject } from 'rxjs/internal/Subject';
import type { SessionEvent } from '../protocol/events.ts';
import type { Resolution, SessionRequest } from '../protocol/requests.ts';

/** What a session says of its requests: that one is open, that it stands for more or less, and how one ended. */
export type Announcement =
  | Readonly<{ type: 'opened'; request: SessionRequest }>
  | Readonly<{ type: 'counted'; requestId: string; count: number }>
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
  const channel: LiveChannel = Object.create(METHODS);
  channel.events = new Subject();
  channel.announcements = null;
  channel.queue = null;
  channel.isOver = false;
  channel.state = 'quiet';
  return channel;
}

type LiveChannel = Channel & {
  events: Subject<SessionEvent>;
  /** Made with its first subscriber: most sessions are asked nothing. */
  announcements: Subject<Announcement> | null;
  /** What has been said and not delivered; null while there is nothing. */
  queue: (() => void)[] | null;
  isOver: boolean;
  state: 'quiet' | 'scheduled' | 'delivering';
};

/** All channels share these, so that a session that is idle costs little. */
const METHODS: Channel & ThisType<LiveChannel> = {
  get events$() {
    return this.events.asObservable();
  },
  get announcements$() {
    this.announcements ??= new Subject();
    if (this.isOver) this.announcements.complete();
    return this.announcements.asObservable();
  },
  get listened() {
    return this.announcements?.observed === true;
  },
  tell(event) {
    if (event.seq !== null || this.state !== 'quiet') {
      enqueue(this, () => this.events.next(event));
      return;
    }
    this.state = 'delivering';
    this.events.next(event);
    this.state = 'quiet';
    if (this.queue !== null) drain(this);
  },
  announce(announcement) {
    enqueue(this, () => this.announcements?.next(announcement));
  },
  complete() {
    enqueue(this, () => {
      this.isOver = true;
      this.events.complete();
      this.announcements?.complete();
    });
  },
};

function enqueue(channel: LiveChannel, deliver: () => void): void {
  channel.queue ??= [];
  channel.queue.push(deliver);
  if (channel.state !== 'quiet') return;
  channel.state = 'scheduled';
  queueMicrotask(() => drain(channel));
}

/** Delivers until nothing is left, also of what is said meanwhile. */
function drain(channel: LiveChannel): void {
  channel.state = 'delivering';
  try {
    for (let batch = channel.queue; batch !== null; batch = channel.queue) {
      channel.queue = null;
      for (const deliver of batch) deliver();
    }
  } finally {
    channel.state = 'quiet';
  }
}
