import type { SessionEvent, TransientBody } from '../protocol/events.ts';
import type { Path } from '../protocol/path.ts';
import type { Decision, SessionRequest } from '../protocol/requests.ts';
import type { Announcement, Channel } from './channel.ts';

/** The parent's end of a relay. */
export interface Uplink {
  /** The child's true path, root first. What a child says of itself is not believed. */
  readonly childPath: Path;
  /** Kinds of transient events that the task hides; data of the kind. */
  readonly hides: ReadonlySet<TransientBody['type']>;
  tell(event: SessionEvent): void;
  /** A request climbs: it becomes part of the parent's index, and goes on. */
  opened(request: SessionRequest): void;
  /** One that has climbed is asked more often than it was, or less. */
  counted(announcement: Extract<Announcement, { type: 'counted' }>): void;
  closed(announcement: Extract<Announcement, { type: 'closed' }>): void;
  /** The policy of this hop: a decision, a narrowed request, or null to pass it on as it is. */
  consider(request: SessionRequest): Decision | SessionRequest | null;
  /** Answers a request of the child from here. */
  answer(requestId: string, decision: Decision): void;
}

export interface Relay {
  /** Resolves when the child's channel has completed and all of it has gone up. */
  readonly drained: Promise<void>;
}

/**
 * Joins a child's channel to its parent's: events go from subject to subject, requests climb, each with the child's
 * identity. It lasts until the child's channel completes, which a session that has closed does within its commit bound.
 */
export function relay(child: Channel, up: Uplink): Relay {
  child.announcements$.subscribe((announcement) => {
    if (announcement.type === 'closed') return up.closed(announcement);
    if (announcement.type === 'counted') return up.counted(announcement);
    const request = { ...announcement.request, path: stamped(announcement.request.path, up.childPath) };
    const verdict = up.consider(request);
    if (verdict === null) return up.opened(request);
    if (isRequest(verdict)) return up.opened(verdict);
    up.answer(request.id, verdict);
  });
  const drained = new Promise<void>((resolve) => {
    child.events$.subscribe({
      next(event) {
        if (event.seq === null && up.hides.has(event.type as TransientBody['type'])) return; // Null means transient.
        const path = stamped(event.path, up.childPath);
        up.tell(path === event.path ? event : { ...event, path });
      },
      complete: resolve,
    });
  });
  return { drained };
}

/** The path with its beginning replaced by what is known to be true; the same object when it already is. */
function stamped(claimed: Path, truth: Path): Path {
  if (claimed === truth || truth.every((segment, index) => claimed[index] === segment)) return claimed;
  return [...truth, ...claimed.slice(truth.length)];
}

function isRequest(verdict: Decision | SessionRequest): verdict is SessionRequest {
  return typeof verdict === 'object' && 'subject' in verdict;
}
