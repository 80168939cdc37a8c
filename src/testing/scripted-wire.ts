import type { ModelRequest } from '../model/port.ts';
import { type Fields, isFields } from '../model/wire-values.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { type PlayedScript, playScript, type Script, type ScriptedAnswer, type ScriptReport } from './script.ts';
import { chatRequest, chatText } from './wire-chat.ts';
import { responsesRequest, responsesText } from './wire-responses.ts';
import { httpError } from './wire-words.ts';

export type ScriptedWireOptions = Readonly<{
  /** Counts `afterMs`. */
  clock?: Clock;
  /** How many bytes a chunk of the stream has; 48 when absent: less than an event, so that events come in pieces. */
  chunkBytes?: number;
}>;

export type ScriptedWire = ScriptReport & Readonly<{ fetch: typeof globalThis.fetch }>;

/**
 * Not a language model: a server of the Responses API and of Chat Completions, behind a `fetch`, that says what the
 * script says. It sends the bytes that a real one sends, so that the adapter, its retries and its reader are in the loop:
 * `openaiModel({ model: 'scripted', baseURL: 'http://scripted.invalid/v1', fetch: wire.fetch })`.
 */
export function scriptedWire(script: Script, options: ScriptedWireOptions = {}): ScriptedWire {
  const played = playScript(script, options.clock ?? systemClock);
  return {
    ...played.report,
    async fetch(input, init) {
      const signal = init?.signal ?? (input instanceof Request ? input.signal : new AbortController().signal);
      signal.throwIfAborted();
      const request = new Request(input, { ...init, signal: null });
      const api = APIS.find(({ path }) => new URL(request.url).pathname.endsWith(path));
      if (request.method !== 'POST' || api === undefined) {
        const paths = APIS.map(({ path }) => `…${path}`).join(' or ');
        return refuse(played, `Expected a POST to ${paths}, got ${request.method} ${request.url}.`);
      }
      const body: unknown = await request.json().catch(() => null);
      if (!isFields(body) || body.stream !== true)
        return refuse(played, 'Expected a JSON body that asks for a stream.');
      const number = played.report.requests.length + 1;
      const answer = await played.answer(api.request(body), signal);
      signal.throwIfAborted();
      if (answer === null) throw new DOMException('The request was aborted.', 'AbortError');
      const text = api.text(answer, number, body);
      return respond(answer, text, { signal, chunkBytes: options.chunkBytes ?? CHUNK_BYTES });
    },
  };
}

const CHUNK_BYTES = 48;

/** What a server offers: how it is asked there, and how it answers the request of that number. */
type ScriptedApi = Readonly<{
  path: string;
  request(body: Fields): ModelRequest;
  text(answer: ScriptedAnswer, number: number, body: Fields): string;
}>;

const APIS: readonly ScriptedApi[] = [
  { path: '/responses', request: responsesRequest, text: (answer, number) => responsesText(answer, `resp_${number}`) },
  {
    path: '/chat/completions',
    request: chatRequest,
    text: (answer, number, body) => chatText(answer, `chatcmpl-${number}`, body),
  },
];

function refuse(played: PlayedScript, complaint: string): Response {
  played.complain(complaint);
  return Response.json({ error: { type: 'invalid_request_error', message: complaint } }, { status: 404 });
}

type Sending = Readonly<{ signal: AbortSignal; chunkBytes: number }>;

function respond({ ending, outputs }: ScriptedAnswer, text: string, sending: Sending): Response {
  if (ending.how === 'failed' && outputs.length === 0) {
    const { code, retryable, message } = ending.error;
    if (code === 'model-unreachable') {
      throw new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code: 'ECONNREFUSED' }) });
    }
    if (code !== 'stream-cut') {
      const { status, error } = httpError(code, retryable);
      return Response.json({ error: { type: error, code: error, message } }, { status });
    }
  }
  const headers = { 'content-type': 'text/event-stream; charset=utf-8' };
  return new Response(streamOf(new TextEncoder().encode(text), ending.how === 'hangs', sending), { headers });
}

function streamOf(bytes: Uint8Array, hangs: boolean, { signal, chunkBytes }: Sending): ReadableStream<Uint8Array> {
  let sent = 0;
  let onAbort = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        onAbort = () => controller.error(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
      },
      pull(controller) {
        if (sent < bytes.length) {
          controller.enqueue(bytes.subarray(sent, sent + chunkBytes));
          sent += chunkBytes;
          return undefined;
        }
        // A pull that never settles: nothing more comes, and the stream stays open until it is aborted.
        if (hangs) return new Promise(() => {});
        signal.removeEventListener('abort', onAbort);
        controller.close();
        return undefined;
      },
      cancel() {
        signal.removeEventListener('abort', onAbort);
      },
    },
    { highWaterMark: 0 },
  );
}
