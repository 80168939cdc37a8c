import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import { urlToHttpOptions } from 'node:url';
import { createAgents } from './http-agents.ts';
import { createHttpBody, type OpenBody, wholeOf } from './http-body.ts';
import { nodeHttp } from './node-http.ts';

/** How long a connection may take to be made, TLS included; as in Node's own `fetch`. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** Redirects that are followed for one request. */
export const REDIRECTS_MAX = 5;

export type HttpFetchOptions = Readonly<{
  /** Keeps the connections, in place of agents of its own; of `node:https` where the URLs are https. */
  agent?: Agent;
  /** Where HTTPS_PROXY, HTTP_PROXY and NO_PROXY are looked up, if this Node can use them; `process.env` when absent. */
  env?: Readonly<Record<string, string | undefined>>;
  connectTimeoutMs?: number;
}>;

/** A body in pieces that are sent one after the other, as they are. */
type Pieces = readonly Uint8Array[];

const takers = new WeakSet<typeof fetch>();

/** Whether a body may be given in pieces, as an array of bytes: to ours, and to no other `fetch`. */
export function takesPieces(transport: typeof fetch): boolean {
  return takers.has(transport);
}

/**
 * A `fetch` on `node:http` at a fraction of the cost of Node's own, for what the `openai` client does with one: the body
 * of a request is a string or bytes (or an array of bytes), and a response is read once. Its connections are its own. It differs in that it asks
 * for bodies that are not compressed, uses the proxies of the environment (but not to this machine itself), and follows
 * a redirect only if it keeps method and origin.
 */
export function httpFetch(options: HttpFetchOptions = {}): typeof fetch {
  const { agent, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  const agentFor = agent === undefined ? createAgents(options.env ?? process.env) : () => agent;
  // A client asks at one address again and again, and taking it apart costs more than all else that is done here.
  let known: Place | null = null;
  const transport: typeof fetch = async (input, init = {}) => {
    const { method = 'GET', body = null, signal = null } = init;
    if (!isSendable(body)) throw new TypeError('Expected the body to be a string or a Uint8Array, got something else.');
    const headers = headersOf(init.headers, body);
    const address = typeof input === 'object' && 'url' in input ? input.url : input.toString();
    if (known?.address !== address) known = placeOf(address);
    let place = known;
    for (let hops = 0; ; hops += 1) {
      const { incoming, opened } = await exchange({ place, method, headers, body, signal, agentFor, connectTimeoutMs });
      const next = hops < REDIRECTS_MAX ? redirectOf(incoming, place) : null;
      if (next === null) return createResponse(incoming, opened, place.url.href, hops > 0);
      await opened.body.cancel();
      place = next;
    }
  };
  takers.add(transport);
  return transport;
}

/** Where a request goes, and how `node:http` wants to be told. */
type Place = Readonly<{ address: string; url: URL; options: RequestOptions }>;

function placeOf(address: string): Place {
  const url = new URL(address);
  const { protocol, hostname, port, path, auth } = urlToHttpOptions(url);
  return { address, url, options: { protocol, hostname, port, path, auth } };
}

type Call = Readonly<{
  place: Place;
  method: string;
  headers: Readonly<Record<string, string>>;
  body: string | Uint8Array | Pieces | null;
  signal: AbortSignal | null;
  agentFor(protocol: string): Agent;
  connectTimeoutMs: number;
}>;

type Answered = Readonly<{ incoming: IncomingMessage; opened: OpenBody }>;

/** Sends a request and waits for the headers of its answer. */
function exchange(call: Call, isRepeated = false): Promise<Answered> {
  const { place, signal } = call;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const request = requestOf(call);
    let opened: OpenBody | null = null;
    let bytesBefore = 0;
    const forget = () => signal?.removeEventListener('abort', stop);
    const fail = (reason: unknown) => {
      forget();
      reject(reason);
    };
    const stop = () => {
      if (opened !== null) return opened.abort(signal?.reason);
      fail(signal?.reason);
      request.destroy();
    };
    request.on('response', (incoming) => {
      opened = createHttpBody(incoming, forget);
      resolve({ incoming, opened });
    });
    request.on('error', (cause) => {
      if (opened !== null) return opened.blame(cause);
      const bytes = (request.socket?.bytesRead ?? 0) - bytesBefore;
      // The server had closed the connection while nobody used it, and has not seen this request.
      const isStale = request.reusedSocket && bytes === 0 && 'code' in cause && STALE_CODES.has(cause.code);
      if (!isStale || isRepeated || signal?.aborted) return fail(failed(cause));
      forget();
      resolve(exchange(call, true));
    });
    // Not every connection that closes is an error to Node: one that the server has upgraded unasked is none.
    request.on('close', () => {
      if (opened === null) fail(failed(new Error(`${place.url.host} closed the connection without an answer`)));
    });
    signal?.addEventListener('abort', stop, { once: true });
    if (!request.reusedSocket) {
      limitConnecting(request, call.connectTimeoutMs, (cause) => {
        fail(failed(cause));
        request.destroy();
      });
    } else {
      request.once('socket', (socket) => {
        bytesBefore = socket.bytesRead;
      });
    }
    end(request, call.body);
  });
}

/** What a write to a closed connection, or a wait for its answer, comes to. */
const STALE_CODES: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE']);

function requestOf({ place, method, headers, agentFor }: Call): ClientRequest {
  const { protocol } = place.url;
  const { request: send } = protocol === 'https:' ? process.getBuiltinModule('node:https') : nodeHttp();
  try {
    return send({ ...place.options, method, headers, agent: agentFor(protocol) });
  } catch (cause) {
    throw failed(cause);
  }
}

/** As `fetch` puts it: the cause has the code. */
function failed(cause: unknown): TypeError {
  return new TypeError('fetch failed', { cause });
}

/** Tells when the connection is not made in time; left alone, the system tries for minutes. */
function limitConnecting(request: ClientRequest, timeoutMs: number, onLate: (cause: Error) => void): void {
  const message = `connect ETIMEDOUT: no connection to ${request.host} within ${timeoutMs} ms`;
  const timer = setTimeout(() => onLate(Object.assign(new Error(message), { code: 'ETIMEDOUT' })), timeoutMs);
  const clear = () => clearTimeout(timer);
  request.once('close', clear);
  request.once('socket', (socket: Socket & { secureConnecting?: boolean }) => {
    if (socket.secureConnecting) socket.once('secureConnect', clear);
    else if (socket.connecting) socket.once('connect', clear);
    else clear();
  });
}

/** Sends the body, and the headers with its first bytes. */
function end(request: ClientRequest, body: Call['body']): void {
  if (!isPieces(body)) {
    request.end(body);
    return;
  }
  request.cork();
  for (const piece of body) request.write(piece);
  request.end();
}

function isSendable(body: unknown): body is Call['body'] {
  return typeof body === 'string' || body instanceof Uint8Array || body === null || isPieces(body);
}

function isPieces(body: unknown): body is Pieces {
  return Array.isArray(body) && body.every((piece) => piece instanceof Uint8Array);
}

/** Headers that were sent before, checked and in the form in which Node takes them. */
const checkedHeaders = new WeakMap<object, Readonly<Record<string, string>>>();

function headersOf(init: RequestInit['headers'], body: Call['body']): Readonly<Record<string, string>> {
  const known = init === undefined || !Object.isFrozen(init) ? undefined : checkedHeaders.get(init);
  const headers = known ?? checked(init);
  if (!isPieces(body)) return headers;
  return { ...headers, 'content-length': String(body.reduce((bytes, piece) => bytes + piece.byteLength, 0)) };
}

function checked(init: RequestInit['headers']): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  for (const [name, value] of init instanceof Headers ? init : new Headers(init)) headers[name] = value;
  if (init !== undefined && Object.isFrozen(init)) checkedHeaders.set(init, headers);
  return headers;
}

/** Where the same request is to be sent instead; null if it is not, or if that is another server. */
function redirectOf({ statusCode, headers }: IncomingMessage, { url }: Place): Place | null {
  if ((statusCode !== 307 && statusCode !== 308) || headers.location === undefined) return null;
  const to = URL.parse(headers.location, url.href);
  return to?.origin === url.origin ? placeOf(to.href) : null;
}

function createResponse(incoming: IncomingMessage, { body }: OpenBody, url: string, redirected: boolean): Response {
  const status = incoming.statusCode ?? 0;
  const hasBody = status !== 204 && status !== 205 && status !== 304;
  const text = async () => new TextDecoder().decode(await wholeOf(hasBody ? body : null));
  const response = {
    type: 'basic',
    url,
    redirected,
    status,
    statusText: incoming.statusMessage ?? '',
    ok: status >= 200 && status < 300,
    headers: readOnlyHeaders(incoming),
    body: hasBody ? body : null,
    text,
    json: async (): Promise<unknown> => JSON.parse(await text()),
  };
  // This is what the client, and we, read of a response; the rest would need web streams.
  return response as unknown as Response;
}

/** What is read of `Headers`, without their price. */
function readOnlyHeaders(incoming: IncomingMessage) {
  const fields = new Map(
    Object.entries(incoming.headers).map(([name, value = '']): [string, string] => [
      name,
      typeof value === 'string' ? value : value.join(', '),
    ]),
  );
  return {
    get: (name: string) => fields.get(name.toLowerCase()) ?? null,
    has: (name: string) => fields.has(name.toLowerCase()),
    forEach(tell: (value: string, name: string) => void) {
      for (const [name, value] of fields) tell(value, name);
    },
    keys: () => fields.keys(),
    values: () => fields.values(),
    entries: () => fields.entries(),
    [Symbol.iterator]: () => fields.entries(),
  };
}
