import { TroupeError } from '../protocol/errors.ts';
import type { TransientBody } from '../protocol/events.ts';
import type { WorkEvent } from '../tasks/ports.ts';

const COMMITTED = ['item.started', 'item.completed', 'step.started', 'step.completed', 'warning.raised'];
const TRANSIENT = ['item.delta', 'item.updated', 'stream.retrying', 'stream.lagged'];
/** Who says something and when: that is the session's to say. */
const ENVELOPE = ['seq', 'epoch', 'time', 'sessionId', 'path', 'taskId', 'durable'];

/**
 * An event that a work may commit, without what it says of who it is. Throws on any other: a work that could commit a
 * terminal would end its own task, or say so.
 */
export function committable(event: WorkEvent): WorkEvent {
  return believed(event, COMMITTED, 'commit');
}

/** The same of an event that is told and not logged. */
export function tellable(event: TransientBody): TransientBody {
  return believed(event, TRANSIENT, 'emit');
}

function believed<E extends { type: string }>(event: E, types: readonly string[], port: string): E {
  if (!types.includes(event.type))
    throw new TroupeError(
      'rejected',
      `Expected an event that a work may ${port} (${types.join(', ')}), got ${JSON.stringify(event.type)}.`,
    );
  if (!ENVELOPE.some((key) => key in event)) return event;
  const said = Object.entries(event).filter(([key]) => !ENVELOPE.includes(key));
  return Object.fromEntries(said) as E; // All that its type has.
}
