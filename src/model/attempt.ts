import type { Clock } from '../runtime/clock.ts';
import { ANSWER_CHARACTERS_MAX, type AnswerStream, type StreamEnd } from './answer-stream.ts';
import { readEvents } from './event-body.ts';
import { connectionFault, cutFault, type Fault, protocolFault } from './faults.ts';
import type { ModelProgress } from './port.ts';
import type { SseMessage } from './sse.ts';
import { isFields } from './wire-values.ts';

export type AttemptEnd = StreamEnd | Readonly<{ status: 'aborted' }>;

/** One request and its streamed answer. Times in ms. */
export type Attempt = Readonly<{
  /** Sends the request; resolves when a good status has come, else rejects. */
  send(signal: AbortSignal): Promise<Response>;
  /** What a rejected `send` says about the server; null when the connection is to blame. */
  explain(thrown: unknown): Fault | null;
  stream: AnswerStream;
  tell(progress: ModelProgress): void;
  signal: AbortSignal;
  clock: Clock;
  /** How long the server may be silent: before its answer begins, and between two events. */
  idleTimeoutMs: number;
  /** How long the whole answer may take. */
  timeoutMs: number;
  /** The base URL, for messages. */
  where: string;
}>;

/** Makes one attempt. Never rejects; settles only when the connection was read to its end or has been closed. */
export async function makeAttempt(attempt: Attempt): Promise<AttemptEnd> {
  const { signal, stream, clock, where } = attempt;
  const stop = new AbortController();
  const state: { cut: Fault | 'aborted' | null; begun: boolean } = { cut: null, begun: false };
  const cut = (why: Fault | 'aborted') => {
    state.cut ??= why;
    stop.abort();
  };
  const onAbort = () => cut('aborted');
  const watch = watchOver(attempt, (fault) => cut(fault));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const response = await attempt.send(stop.signal);
    state.begun = true;
    let events = 0;
    const take = (messages: readonly SseMessage[], waiting: number) => {
      if (messages.length > 0) watch.touch();
      events += messages.length;
      for (const message of messages) if (!stop.signal.aborted) pushMessage(message, attempt);
      if (waiting > ANSWER_CHARACTERS_MAX) stream.spoil(`an event longer than ${ANSWER_CHARACTERS_MAX} characters`);
      if (stream.ended() !== null) watch.end();
      return stream.ended() === null;
    };
    const head = await readEvents({ response, take, stop: stop.signal, clock });
    if (events === 0 && state.cut === null) state.cut = notAStream(response, head, where);
  } catch (thrown) {
    state.cut ??= attempt.explain(thrown) ?? connectionFault(thrown, where, state.begun);
  } finally {
    watch.end();
    signal.removeEventListener('abort', onAbort);
  }
  const said = stream.ended();
  if (said !== null) return said;
  if (state.cut === 'aborted') return { status: 'aborted' };
  return state.cut === null ? stream.close() : { status: 'fault', fault: state.cut, usage: null };
}

function pushMessage({ event, data }: SseMessage, { stream, tell }: Attempt): void {
  if (data === '[DONE]') return;
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch {
    stream.spoil(`an event that is no JSON: ${data.slice(0, QUOTE_MAX).toWellFormed()}`);
    return;
  }
  // Some servers name the event only in its `event:` line.
  const named = isFields(parsed) && parsed.type === undefined && event !== null ? { ...parsed, type: event } : parsed;
  for (const progress of stream.push(named)) tell(progress);
}

/** Characters of a server's words that are quoted. */
const QUOTE_MAX = 200;

/** A body that holds no event and does not claim to: another program listens there. Null when it is a stream. */
function notAStream(response: Response, head: string, where: string): Fault | null {
  const type = response.headers.get('content-type');
  if (type === null || type.includes('event-stream')) return null;
  const begin = head.replace(/\s+/g, ' ').trim();
  const message = `Expected a stream of events from ${where}, got ${type}: ${begin}. Check the base URL (it usually ends in /v1).`;
  return protocolFault(message, false);
}

type Watch = Readonly<{ touch(): void; end(): void }>;

/** Cuts the attempt when the server is silent for too long, or not done in time. */
function watchOver({ clock, idleTimeoutMs, timeoutMs, where }: Attempt, cut: (fault: Fault) => void): Watch {
  const onIdle = () => cut(cutFault(`The model server at ${where} said nothing for ${idleTimeoutMs} ms.`));
  const onLate = () => cut(cutFault(`The model server at ${where} was not done after ${timeoutMs} ms.`));
  const late = clock.setTimeout(onLate, timeoutMs);
  let idle = clock.setTimeout(onIdle, idleTimeoutMs);
  return {
    touch() {
      clock.clearTimeout(idle);
      idle = clock.setTimeout(onIdle, idleTimeoutMs);
    },
    end() {
      clock.clearTimeout(idle);
      clock.clearTimeout(late);
    },
  };
}
