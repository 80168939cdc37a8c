// The model server of the bench, in a process of its own: prints its port, and ends when its standard input does.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { LEVELS_BELOW, type Script, scriptNamed } from './answers.ts';

/** What the server tells of itself at `GET /state`, since it was started. */
export type ServerState = Readonly<{
  requests: number;
  bodyBytes: number;
  /** Answers that were left hanging, and those of them whose connection is still open. */
  hung: number;
  hanging: number;
}>;

/** A server that answers as the model's name says, and costs next to nothing: bodies are scanned and never parsed. */
export function createModelServer(): Server {
  const state = { requests: 0, bodyBytes: 0, hung: 0, hanging: 0 };
  const scripts = new Map<string, Script | null>();

  const answer = (body: Buffer, response: ServerResponse) => {
    state.requests += 1;
    state.bodyBytes += body.length;
    const name = modelIn(body);
    if (name === 'hang') return hang(response);
    if (!scripts.has(name)) scripts.set(name, scriptNamed(name));
    const bytes = scripts.get(name)?.(outputsIn(body), levelsIn(body));
    if (bytes === undefined) return refuse(response, name);
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(bytes);
  };
  const hang = (response: ServerResponse) => {
    state.hung += 1;
    state.hanging += 1;
    response.on('close', () => {
      state.hanging -= 1;
    });
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  };

  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(state));
      return;
    }
    readBody(request, (body) => answer(body, response));
  });
  server.keepAliveTimeout = 0; // Never: a connection closed between two requests would be measured as a fault.
  return server;
}

function readBody(request: IncomingMessage, then: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => then(Buffer.concat(chunks)));
}

function refuse(response: ServerResponse, name: string): void {
  const message = `Expected the model to be text-N, tools-N, deltas-N, nest, spawn or hang, got "${name}".`;
  response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { message } }));
}

const MODEL = Buffer.from('"model":"');
const USER = Buffer.from('"role":"user"');
const LEVELS = Buffer.from(LEVELS_BELOW);
const OUTPUT = Buffer.from('"function_call_output"');

function modelIn(body: Buffer): string {
  const at = body.indexOf(MODEL);
  if (at === -1) return '';
  const start = at + MODEL.length;
  return body.toString('latin1', start, body.indexOf('"', start));
}

/** What the first message says of it; 0 when it says nothing. */
function levelsIn(body: Buffer): number {
  const at = body.indexOf(LEVELS);
  return at === -1 ? 0 : Number.parseInt(body.toString('latin1', at + LEVELS.length, at + LEVELS.length + 2), 10);
}

function outputsIn(body: Buffer): number {
  let count = 0;
  let at = body.indexOf(OUTPUT, Math.max(0, body.lastIndexOf(USER)));
  for (; at !== -1; at = body.indexOf(OUTPUT, at + OUTPUT.length)) count += 1;
  return count;
}

if (import.meta.main) {
  const server = createModelServer();
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object') process.stdout.write(`${address?.port}\n`);
  });
  process.stdin.resume().on('end', () => process.exit(0));
}
