import type { Sent } from './live-actors.ts';
import type { MessageView } from './view/actor-view.ts';

/** How many messages are kept for who looks later. */
const MESSAGES_MAX = 2_000;
/** How much of a message's contents is shown, in characters. */
const DETAIL_MAX_CHARACTERS = 400;

/** The last messages between actors. Adding one costs next to nothing; they are put into words when somebody looks. */
export type MessageRing = Readonly<{
  add(sent: Sent, at: number): void;
  /** The number of the next one. */
  next(): number;
  /** The newest `most` of those from `number` on, and how many were left out. */
  since(number: number, most: number): Readonly<{ messages: readonly MessageView[]; skipped: number }>;
}>;

export function createMessageRing(): MessageRing {
  const kept: (Readonly<{ sent: Sent; at: number }> | undefined)[] = [];
  let next = 0;
  return {
    add(sent, at) {
      kept[next % MESSAGES_MAX] = { sent, at };
      next += 1;
    },
    next: () => next,
    since(number, most) {
      const first = Math.max(number, next - most, next - MESSAGES_MAX, 0);
      const messages: MessageView[] = [];
      for (let at = first; at < next; at += 1) {
        const one = kept[at % MESSAGES_MAX];
        if (one !== undefined) messages.push(messageView(at, one.sent, one.at));
      }
      return { messages, skipped: Math.max(0, first - number) };
    },
  };
}

function messageView(number: number, { from, to, event, sessionId }: Sent, at: number): MessageView {
  const { type, ...rest } = event;
  return { number, at, from, to, type, detail: detailOf(rest), sessionId };
}

/** What an event carries, as JSON that ends in `…` where it was cut; null when that is nothing. */
function detailOf(rest: object): string | null {
  if (Object.keys(rest).length === 0) return null;
  const text = jsonOf(rest);
  return text.length <= DETAIL_MAX_CHARACTERS ? text : `${text.slice(0, DETAIL_MAX_CHARACTERS)}…`;
}

/** JSON of whatever an event carries: actors, functions and circles are named, and long texts cut. */
export function jsonOf(value: unknown, space?: number): string {
  const above: object[] = [];
  const replace = function (this: unknown, _key: string, inner: unknown): unknown {
    if (typeof inner === 'string')
      return inner.length <= DETAIL_MAX_CHARACTERS ? inner : `${inner.slice(0, DETAIL_MAX_CHARACTERS)}…`;
    if (typeof inner === 'function') return `(function ${inner.name})`;
    if (typeof inner === 'bigint' || typeof inner === 'symbol') return String(inner);
    if (typeof inner !== 'object' || inner === null) return inner;
    if ('sessionId' in inner && '_parent' in inner) return `(actor ${String(inner.sessionId)})`;
    if (inner instanceof Map) return Object.fromEntries(inner);
    if (inner instanceof Set) return [...inner];
    // What is above this one ends where the object begins that holds it.
    while (above.length > 0 && above.at(-1) !== this) above.pop();
    if (above.includes(inner)) return '(above)';
    above.push(inner);
    return inner;
  };
  try {
    return JSON.stringify(value, replace, space) ?? 'undefined';
  } catch (error) {
    return `(cannot be shown: ${error instanceof Error ? error.message : String(error)})`;
  }
}
