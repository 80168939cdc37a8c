import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What the server does with one request, whose body has been read. */
export type Reply = (response: ServerResponse, request: IncomingMessage) => void;

export type ModelServer = Readonly<{
  baseURL: string;
  /** The bodies of the requests, in order. */
  bodies: readonly unknown[];
  /** Their paths with the queries, and their headers. */
  heads: readonly Readonly<{ url: string; headers: IncomingHttpHeaders }>[];
  /** How many connections were made. */
  connections(): number;
}>;

/** A real HTTP server on this machine: the n-th request gets the n-th reply, later ones the last. Closed with the test. */
export async function startModelServer(...replies: readonly Reply[]): Promise<ModelServer> {
  const bodies: unknown[] = [];
  const heads: { url: string; headers: IncomingHttpHeaders }[] = [];
  let connections = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const reply = replies[Math.min(bodies.length, replies.length - 1)];
    bodies.push(JSON.parse(Buffer.concat(chunks).toString()));
    heads.push({ url: request.url ?? '', headers: request.headers });
    reply?.(response, request);
  });
  server.on('connection', () => {
    connections += 1;
  });
  const port = await listen(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { baseURL: `http://127.0.0.1:${port}/v1`, bodies, heads, connections: () => connections };
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Bytes of a stream of events. */
export function sse(events: readonly unknown[]): string {
  return events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('');
}

export function replyEvents(events: readonly unknown[]): Reply {
  return (response) => response.writeHead(200, EVENT_STREAM).end(sse(events));
}

export function replyJson(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

export const EVENT_STREAM = { 'content-type': 'text/event-stream' };

/** The events of an answer that says `text`. */
export function saying(text: string): readonly unknown[] {
  const item = { id: 'msg_1', type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] };
  return [
    { type: 'response.created', response: { id: 'resp_1', status: 'in_progress' } },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
    { type: 'response.output_text.delta', output_index: 0, item_id: 'msg_1', content_index: 0, delta: text },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [item], usage: null } },
  ];
}

/** The chunks of an answer of Chat Completions that says `text`. */
export function chatSaying(text: string): readonly unknown[] {
  const chunk = (delta: object, finish_reason: string | null = null) => ({
    choices: [{ index: 0, delta, finish_reason }],
  });
  return [chunk({ role: 'assistant', content: '' }), chunk({ content: text }), chunk({}, 'stop'), '[DONE]'];
}

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve) => {
    // It listens on a port, so its address is no string.
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
