import type { Clock } from '../runtime/clock.ts';
import { ANSWER_CHARACTERS_MAX, type AnswerStream, type StreamEnd } from './answer-stream.ts';
import { readEvents } from './event-body.ts';
import { connectionFault, cutFault, type Fault, protocolFault, unreadableFault } from './faults.ts';
import type { ModelProgress } from './port.ts';
import type { SseMessage } from './sse.ts';
import { textDeltaIn } from './text-delta.ts';
import { isFields } from './wire-values.ts';

export type AttemptEnd = StreamEnd | Readonly<{ status: 'aborted' }>;

/** A good status, and what reads the events that follow it. */
export type Sent = Readonly<{ response: Response; stream: AnswerStream }>;

/** One request and its streamed answer. Times in ms. */
export type Attempt = Readonly<{
  /** Sends the request; resolves when a good status has come, else rejects. */
  send(signal: AbortSignal): Promise<Sent>;
  /** What a rejected `send` says about the server; null when the connection is to blame. */
  explain(thrown: unknown): Fault | null;
  /** False: nothing more is wanted, and the attempt ends as aborted. */
  tell(progress: ModelProgress): boolean;
  signal: AbortSignal;
  clock: Clock;
  /** How long the server may be silent: before its answer begins, and between two events. */
  idleTimeoutMs: number;
  /** How long the whole answer may take. */
  timeoutMs: number;
  /** The base URL, for messages. */
  where: string;
}>;

/** How long the count of tokens, or the end of the stream, is waited for once the model has said all. */
export const TAIL_MS = 2_000;

/** Makes one attempt. Never rejects; settles only when the connection was read to its end or has been closed. */
export async function makeAttempt(attempt: Attempt): Promise<AttemptEnd> {
  const { signal, clock, where } = attempt;
  const stop = new AbortController();
  const state: { cut: Fault | 'aborted' | null; stream: AnswerStream | null } = { cut: null, stream: null };
  const cut = (why: Fault | 'aborted') => {
    state.cut ??= why;
    stop.abort();
  };
  const onAbort = () => cut('aborted');
  const watch = watchOver(attempt, (fault) => cut(fault));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const { response, stream } = await attempt.send(stop.signal);
    state.stream = stream;
    let events = 0;
    const take = (messages: readonly SseMessage[], waiting: number) => {
      events += messages.length;
      for (const message of messages) {
        if (state.cut !== null) break;
        if (!pushMessage(message, stream, attempt)) cut('aborted');
      }
      if (waiting > ANSWER_CHARACTERS_MAX) stream.fail(tooLong(where));
      if (stream.ended() !== null) watch.end();
      else if (messages.length > 0) watch.touch(stream.isWhole());
      return stream.ended() === null;
    };
    const takeRest = (messages: readonly SseMessage[]) => void take(messages.filter(isComplete), 0);
    const head = await readEvents({ response, take, takeRest, stop: stop.signal, clock });
    if (events === 0 && state.cut === null) state.cut = notAStream(response, head, where);
  } catch (thrown) {
    state.cut ??= attempt.explain(thrown) ?? connectionFault(thrown, where, state.stream !== null);
  } finally {
    watch.end();
    signal.removeEventListener('abort', onAbort);
  }
  return endOf(state.stream, state.cut);
}

/** What the server said goes before what happened to the connection: an answer that is whole stays one. */
function endOf(stream: AnswerStream | null, cut: Fault | 'aborted' | null): AttemptEnd {
  const said = stream?.ended() ?? null;
  if (said !== null) return said;
  if (cut === 'aborted') return { status: 'aborted' };
  if (stream !== null && (cut === null || stream.isWhole())) return stream.close();
  return { status: 'fault', fault: cut ?? cutFault('The request was given up before it was sent.'), usage: null };
}

/** False: nothing more is wanted. */
function pushMessage({ event, data }: SseMessage, stream: AnswerStream, { tell, where }: Attempt): boolean {
  let parsed: unknown;
  try {
    parsed = textDeltaIn(data) ?? JSON.parse(data);
  } catch {
    if (data.trim() === DONE) stream.done();
    else stream.fail(unreadableFault(`an event that is no JSON: ${data.slice(0, QUOTE_MAX).toWellFormed()}`, where));
    return true;
  }
  // Some servers name the event only in its `event:` line.
  const named = isFields(parsed) && parsed.type === undefined && event !== null ? { ...parsed, type: event } : parsed;
  return stream.push(named).every(tell);
}

/** Half an event at the end of a body is no event of a server that errs, but a sign that the rest was cut off. */
function isComplete({ data }: SseMessage): boolean {
  if (data.trim() === DONE) return true;
  try {
    JSON.parse(data);
    return true;
  } catch {
    return false;
  }
}

/** What servers send last, where that is their custom. */
const DONE = '[DONE]';
/** Characters of a server's words that are quoted. */
const QUOTE_MAX = 200;

function tooLong(where: string): Fault {
  const message = `The model server at ${where} sent an event longer than ${ANSWER_CHARACTERS_MAX} characters, and was cut off.`;
  return protocolFault(message, false);
}

/** A body that holds no event and is not even meant to: another program listens there. Null when it is a stream. */
function notAStream(response: Response, head: string, where: string): Fault | null {
  const type = response.headers.get('content-type');
  const begin = head.replace(/\s+/g, ' ').trim();
  if (!begin.startsWith('<') && (type === null || type.includes('event-stream'))) return null;
  const message = `Expected a stream of events from ${where}, got ${type ?? 'a web page'}: ${begin || 'an empty body'}. Check the base URL (it usually ends in /v1).`;
  return protocolFault(message, false);
}

type Watch = Readonly<{ touch(isWhole: boolean): void; end(): void }>;

/** Cuts the attempt when the server is silent for too long, or not done in time. */
function watchOver({ clock, idleTimeoutMs, timeoutMs, where }: Attempt, cut: (fault: Fault) => void): Watch {
  const hangs = (what: string, option: string) =>
    cut(cutFault(`The model server at ${where} ${what} ms. Look at its log; if it is only slow, raise ${option}.`));
  const onIdle = () => hangs(`said nothing for ${idleTimeoutMs}`, 'idleTimeoutMs');
  const onLate = () => hangs(`was not done after ${timeoutMs}`, 'timeoutMs');
  const late = clock.setTimeout(onLate, timeoutMs);
  let idle = clock.setTimeout(onIdle, idleTimeoutMs);
  return {
    touch(isWhole) {
      clock.clearTimeout(idle);
      idle = clock.setTimeout(onIdle, isWhole ? Math.min(TAIL_MS, idleTimeoutMs) : idleTimeoutMs);
    },
    end() {
      clock.clearTimeout(idle);
      clock.clearTimeout(late);
    },
  };
}
