import type { Clock, Timer } from '../runtime/clock.ts';
import { type BodyListener, isHttpBody } from './http-body.ts';
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
  const { body } = response;
  if (body === null) return '';
  const events = createSseReader();
  const head: Uint8Array[] = [];
  let headBytes = 0;
  await follow(body, stop, clock, {
    onChunk(chunk) {
      if (headBytes < HEAD_BYTES) head.push(chunk);
      headBytes += chunk.byteLength;
      return take(events.push(chunk), events.pending());
    },
    onEnd: () => takeRest(events.end()),
  });
  return Buffer.concat(head).toString('utf8', 0, HEAD_BYTES);
}

type Follower = Readonly<{
  /** False: no more are wanted. */
  onChunk(chunk: Uint8Array): boolean;
  /** The body was read to its end, and all of it was wanted. */
  onEnd(): void;
}>;

/** Follows a body until it ends, breaks or is stopped. Settles when nothing of it is left behind. */
function follow(body: NonNullable<Response['body']>, stop: AbortSignal, clock: Clock, to: Follower): Promise<void> {
  return new Promise((resolve, reject) => {
    const { listen, cancel } = isHttpBody(body) ? body : read(body);
    let state: 'wanted' | 'draining' | 'over' = 'wanted';
    let draining: Draining | null = null;
    const finish = (settle: () => void) => {
      if (state === 'over') return;
      state = 'over';
      draining?.end();
      stop.removeEventListener('abort', close);
      settle();
    };
    const letGo = (settle: () => void) => finish(() => void cancel().then(settle, settle));
    const close = () => letGo(resolve);
    stop.addEventListener('abort', close, { once: true });
    listen({
      onChunk(chunk) {
        if (state !== 'wanted') return;
        try {
          if (to.onChunk(chunk)) return;
        } catch (thrown) {
          return letGo(() => reject(thrown));
        }
        // What was told may have stopped it.
        if (stop.aborted) return;
        state = 'draining';
        draining = startDraining(clock, close);
      },
      onEnd() {
        if (stop.aborted) return;
        finish(() => {
          if (draining === null) to.onEnd();
          resolve();
        });
      },
      onBreak(reason) {
        if (stop.aborted) return;
        // A connection that breaks while it drains takes nothing away: the answer is known.
        finish(() => (draining === null ? reject(reason) : resolve()));
      },
    });
    if (stop.aborted) close();
  });
}

type Source = Readonly<{ listen(listener: BodyListener): void; cancel(): Promise<unknown> }>;

/** A web stream, read chunk by chunk. */
function read(body: ReadableStream<Uint8Array>): Source {
  const reader = body.getReader();
  const pump = async ({ onChunk, onEnd, onBreak }: BodyListener) => {
    try {
      for (let piece = await reader.read(); !piece.done; piece = await reader.read()) onChunk(piece.value);
    } catch (thrown) {
      return onBreak(thrown);
    }
    onEnd();
  };
  return { listen: (listener) => void pump(listener), cancel: () => reader.cancel() };
}

type Draining = Readonly<{ end(): void }>;

/** Waits for the end of a body, but not for ever. Most come in the same breath, and need no timer. */
function startDraining(clock: Clock, onLate: () => void): Draining {
  let timer: { id: Timer } | null = null;
  const soon = setImmediate(() => {
    timer = { id: clock.setTimeout(onLate, DRAIN_MS) };
  });
  return {
    end() {
      clearImmediate(soon);
      if (timer !== null) clock.clearTimeout(timer.id);
    },
  };
}
