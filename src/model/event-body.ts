import type { Clock } from '../runtime/clock.ts';
import { pause } from './pause.ts';
import { createSseReader, type SseMessage } from './sse.ts';

/** How long the rest of a stream is waited for once its end was said, so that its connection can be used again. */
export const DRAIN_MS = 250;
/** Bytes of a body that are kept, to quote from one that holds no events. */
const HEAD_BYTES = 200;

export type EventBody = Readonly<{
  response: Response;
  /** Takes the events of one chunk; false: no more are wanted. `waiting`: characters of an event still unfinished. */
  take(messages: readonly SseMessage[], waiting: number): boolean;
  /** Takes what the body ended in: an event that may be only half there. */
  takeRest(messages: readonly SseMessage[]): void;
  /** Cancels the body. */
  stop: AbortSignal;
  clock: Clock;
}>;

/**
 * Reads the server-sent events of a body. Settles when the body is at its end or its cancellation is done, so that
 * nothing of it is left behind. Rejects when the connection breaks. Gives how the body began.
 */
export async function readEvents({ response, take, takeRest, stop, clock }: EventBody): Promise<string> {
  if (response.body === null) return '';
  const reader = response.body.getReader();
  const events = createSseReader();
  const head: Uint8Array[] = [];
  let headBytes = 0;
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= reader.cancel().catch(() => undefined);
    return closing;
  };
  stop.addEventListener('abort', close, { once: true });
  try {
    while (!stop.aborted) {
      const { done, value } = await reader.read();
      if (stop.aborted) break;
      if (done) {
        takeRest(events.end());
        break;
      }
      if (headBytes < HEAD_BYTES) head.push(value);
      headBytes += value.byteLength;
      if (!take(events.push(value), events.pending())) {
        await drain(reader, clock, stop);
        break;
      }
    }
  } finally {
    stop.removeEventListener('abort', close);
    await close();
  }
  return Buffer.concat(head).toString('utf8', 0, HEAD_BYTES);
}

/** One reason for all, because making an error for each request costs more than the pause itself. */
const DRAINED = 'drained';

async function drain(reader: { read(): Promise<{ done: boolean }> }, clock: Clock, stop: AbortSignal): Promise<void> {
  const over = new AbortController();
  const rest = async () => {
    while (!(await reader.read()).done);
  };
  try {
    // A connection that breaks now takes nothing away: the answer is known.
    await Promise.race([rest().catch(() => undefined), pause(clock, DRAIN_MS, AbortSignal.any([stop, over.signal]))]);
  } finally {
    over.abort(DRAINED);
  }
}
