import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { messageOf } from '../protocol/errors.ts';
import { CONTENT_POLICY, PAGE_HTML, pageFile } from './page-files.ts';
import { readPageMessage } from './page-messages.ts';
import type { PageSource } from './page-source.ts';
import { createPageView } from './page-view.ts';
import type { ListedSession } from './view/wire.ts';

export type PageServerOptions = Readonly<{
  /** 0, when left out: whichever is free. */
  port?: number;
  /** What a page looks at; with the id of a session, that session's recording. Rejects when there is none. */
  open(sessionId: string | null): Promise<PageSource>;
  /** The sessions that a page may choose from. */
  library?(): Promise<readonly ListedSession[]>;
  /** A page is there, until what this gives is called. */
  onPage?(): () => void;
  /** An XState program has connected its WebSocket inspector. */
  onProgram?(): Readonly<{ take(message: unknown): void; end(): void }>;
}>;

export type PageServer = Readonly<{
  /** Where a person opens the page; has the token. */
  url: string;
  /** Where an XState program connects: `createWebSocketInspector({ url })`; has the token. */
  inspectorUrl: string;
  /** Whether it keeps the process alive; it does not when nothing is said. */
  hold(isHeld: boolean): void;
  close(): Promise<void>;
}>;

/** How often a page is shown what is new, in ms. */
const FRAME_EVERY_MS = 100;
/** A page that has not taken this much yet is shown nothing more until it has, in bytes. */
const UNTAKEN_MAX_BYTES = 4_000_000;
/** The largest message that is taken from a page, in bytes. */
const PAGE_MESSAGE_MAX_BYTES = 1_000_000;
/** The largest message of an inspected program, which may hold a whole context, in bytes. */
const PROGRAM_MESSAGE_MAX_BYTES = 16_000_000;
/** How many connections there may be at once. */
const CONNECTIONS_MAX = 64;

/**
 * Serves the page on 127.0.0.1, to who has the token only. A request from another site (by its `Origin`), or under another name (by
 * its `Host`, as in DNS rebinding), is refused whatever it has.
 */
export async function servePage(options: PageServerOptions): Promise<PageServer> {
  const token = randomBytes(24).toString('base64url');
  const pages = new WebSocketServer({ noServer: true, maxPayload: PAGE_MESSAGE_MAX_BYTES });
  const programs = new WebSocketServer({ noServer: true, maxPayload: PROGRAM_MESSAGE_MAX_BYTES });
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      refuse(response, 500, messageOf(error));
    });
  });
  server.on('connection', (socket) => {
    if (sockets.size >= CONNECTIONS_MAX) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.unref();
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  server.unref();
  const { port } = server.address() as AddressInfo; // It listens on a port.
  const cookie = `troupe-page-${port}`;
  const inspectorUrl = `ws://127.0.0.1:${port}/inspector?token=${token}`;

  const problemWith = (request: IncomingMessage, isPage: boolean): string | null => {
    const names = [`127.0.0.1:${port}`, `localhost:${port}`];
    if (!names.includes(request.headers.host ?? '')) return `Expected the host ${names.join(' or ')}, got another.`;
    const { origin } = request.headers;
    if (origin !== undefined && !names.some((name) => origin === `http://${name}`))
      return 'Expected a request of the page itself, got one of another site.';
    const given = new URL(request.url ?? '/', 'http://page').searchParams.get('token') ?? '';
    const kept = isPage ? cookieOf(request, cookie) : '';
    if (isSame(given, token) || isSame(kept, token)) return null;
    return 'Expected the token of the page, got none or another. Open the page with the whole address that was printed.';
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const problem = problemWith(request, true);
    if (problem !== null) return refuse(response, 403, problem);
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'Expected GET.');
    const url = new URL(request.url ?? '/', 'http://page');
    if (url.pathname !== '/') {
      const file = await pageFile(url.pathname);
      if (file === null) return refuse(response, 404, 'There is no such file.');
      response.writeHead(200, { ...headers, 'content-type': file.contentType });
      response.end(file.body);
      return;
    }
    if (url.searchParams.has('token')) {
      // The token leaves the address, so that it gets into no history and no picture.
      url.searchParams.delete('token');
      const setCookie = `${cookie}=${token}; HttpOnly; SameSite=Strict; Path=/`;
      response.writeHead(303, { ...headers, 'set-cookie': setCookie, location: `${url.pathname}${url.search}` });
      response.end();
      return;
    }
    response.writeHead(200, { ...headers, 'content-type': 'text/html; charset=utf-8' });
    response.end(PAGE_HTML);
  };

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const url = new URL(request.url ?? '/', 'http://page');
    const isPage = url.pathname === '/page';
    const problem = problemWith(request, isPage);
    // A page always says where it comes from.
    const isRefused = problem !== null || (isPage && request.headers.origin === undefined);
    if (isRefused || !(isPage || (url.pathname === '/inspector' && options.onProgram !== undefined))) {
      socket.end(`HTTP/1.1 ${isRefused ? '403 Forbidden' : '404 Not Found'}\r\nConnection: close\r\n\r\n`);
      return;
    }
    const hub = isPage ? pages : programs;
    hub.handleUpgrade(request, socket, head, (connection) => {
      connection.on('error', () => connection.terminate());
      if (isPage) void showTo(connection, url.searchParams.get('session'));
      else takeFrom(connection);
    });
  });

  const showTo = async (connection: WebSocket, sessionId: string | null): Promise<void> => {
    let source: PageSource;
    let library: readonly ListedSession[];
    try {
      source = await options.open(sessionId);
      library = (await options.library?.()) ?? [];
    } catch (error) {
      connection.close(4404, messageOf(error).slice(0, 120));
      return;
    }
    if (connection.readyState !== connection.OPEN) return;
    const left = options.onPage?.();
    const show = (): void => {
      if (connection.readyState !== connection.OPEN || connection.bufferedAmount > UNTAKEN_MAX_BYTES) return;
      const frame = view.frame();
      if (frame !== null) connection.send(JSON.stringify(frame));
    };
    const view = createPageView(
      source,
      { inspectorUrl: options.onProgram === undefined ? null : inspectorUrl, library },
      show,
    );
    const timer = setInterval(show, FRAME_EVERY_MS);
    timer.unref();
    connection.on('message', (data) => {
      const message = readPageMessage(String(data));
      if (message === null) connection.close(4400, 'Expected a message of the page, got another.');
      else view.take(message);
      if (message?.type === 'look') show();
    });
    connection.on('close', () => {
      clearInterval(timer);
      left?.();
    });
    show();
  };

  const takeFrom = (connection: WebSocket): void => {
    const program = options.onProgram?.();
    connection.on('message', (data) => program?.take(jsonIn(String(data))));
    connection.on('close', () => program?.end());
  };

  return {
    url: `http://127.0.0.1:${port}/?token=${token}`,
    inspectorUrl,
    hold(isHeld) {
      if (isHeld) server.ref();
      else server.unref();
    },
    async close() {
      for (const connection of [...pages.clients, ...programs.clients]) connection.terminate();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

const headers = {
  'content-security-policy': CONTENT_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

function refuse(response: ServerResponse, status: number, why: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${why}\n`);
}

function cookieOf(request: IncomingMessage, name: string): string {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([key]) => key === name)?.[1] ?? '';
}

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** What a text holds as JSON; undefined when it is none. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON: who takes it says that it is not what was expected.
  }
}
