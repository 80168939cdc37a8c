import type { AnyActorRef } from 'xstate';
import type { SessionOp, SessionSignal } from '../protocol/messages.ts';
import type { Book } from './book.ts';

/**
 * Sends a message to a session's actor; false when that has ended, and nothing can be told to it any more. `from` is the actor that
 * says it, for who looks on.
 */
export function tell(book: Book, message: SessionOp | SessionSignal, from?: AnyActorRef): boolean {
  const { actor } = book;
  if (actor === null || actor.getSnapshot().status !== 'active') return false;
  const system = actor.system as unknown as Relaying; // XState has it in no type; its own actions send this way.
  if (from === undefined || typeof system._relay !== 'function') actor.send(message);
  else system._relay(from, actor, message);
  return true;
}

/** `send` is the same without a source. */
type Relaying = { _relay?(from: AnyActorRef, to: AnyActorRef, message: SessionOp | SessionSignal): void };
