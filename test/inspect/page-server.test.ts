import { request } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createLiveSource } from '../../src/inspect/live-source.ts';
import { type PageServer, servePage } from '../../src/inspect/page-server.ts';

let server: PageServer;
let token: string;
let port: number;

beforeEach(async () => {
  const source = createLiveSource({ now: Date.now, mode: 'live', title: 'test' });
  server = await servePage({ open: async () => source, onProgram: () => source.connect() });
  const url = new URL(server.url);
  token = url.searchParams.get('token') ?? '';
  port = Number(url.port);
});
afterEach(() => server.close());

type Answer = Readonly<{ status: number; headers: Readonly<Record<string, unknown>>; body: string }>;

function get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asking.on('error', reject);
    asking.end();
  });
}

async function cookie(): Promise<string> {
  const { headers } = await get(`/?token=${token}`);
  return String(headers['set-cookie']).split(';')[0] ?? '';
}

/** How an attempt to connect ends: `open`, or the status that refused it. */
function connecting(path: string, headers: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    socket.on('open', () => {
      socket.close();
      resolve('open');
    });
    socket.on('unexpected-response', (_, { statusCode }) => {
      socket.terminate();
      resolve(String(statusCode));
    });
    socket.on('error', () => {});
  });
}

it('takes the token out of the address, and keeps it where scripts cannot read it', async () => {
  const { status, headers } = await get(`/?token=${token}&session=last`);
  expect({ status, location: headers.location, cookie: String(headers['set-cookie']) }).toEqual({
    status: 303,
    location: '/?session=last',
    cookie: `troupe-page-${port}=${token}; HttpOnly; SameSite=Strict; Path=/`,
  });
  const page = await get('/', { cookie: await cookie() });
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
});

it('lets a page load nothing from elsewhere, and nobody frame it', async () => {
  const { headers } = await get('/', { cookie: await cookie() });
  const policy = String(headers['content-security-policy']).replace(/'sha256-[^']+'/, "'sha256-…'");
  expect(policy).toBe(
    "default-src 'none'; script-src 'self' 'sha256-…'; style-src 'self'; connect-src 'self'; worker-src 'self'; " +
      "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  expect([headers['x-content-type-options'], headers['referrer-policy'], headers['cache-control']]).toEqual([
    'nosniff',
    'no-referrer',
    'no-store',
  ]);
});

it.each([
  ['no token', '/', {}],
  ['a wrong token', '/?token=wrong', {}],
  ['a token that is too short', '/?token=', {}],
  ['the cookie of another page', '/', { cookie: 'troupe-page-1=wrong' }],
  ['a module without a token', '/modules/inspect/page/main.ts', {}],
])('refuses %s', async (_, path, headers) => {
  expect((await get(path, headers)).status).toBe(403);
});

it.each([
  ['under another host, as in DNS rebinding', { host: 'evil.example' }],
  ['under another port', { host: '127.0.0.1:1' }],
  ['of another site', { origin: 'http://evil.example' }],
  ['of a page without an origin of its own', { origin: 'null' }],
  ['of the same host with another scheme', { origin: 'https://127.0.0.1' }],
])('refuses a request %s, whatever it has', async (_, headers) => {
  expect((await get(`/?token=${token}`, headers)).status).toBe(403);
  expect(await connecting(`/page?token=${token}`, headers)).toBe('403');
  expect(await connecting(`/inspector?token=${token}`, headers)).toBe('403');
});

it('refuses a WebSocket without the token, and one of a page that does not say where it comes from', async () => {
  const origin = `http://127.0.0.1:${port}`;
  expect(await connecting('/page', { origin })).toBe('403');
  expect(await connecting('/page?token=wrong', { origin })).toBe('403');
  expect(await connecting(`/page?token=${token}`, {})).toBe('403');
  expect(await connecting('/inspector', {})).toBe('403');
  expect(await connecting(`/elsewhere?token=${token}`, {})).toBe('404');
  expect(await connecting(`/page?token=${token}`, { origin })).toBe('open');
  expect(await connecting('/page', { origin, cookie: await cookie() })).toBe('open');
  expect(await connecting(`/inspector?token=${token}`, {})).toBe('open');
});

it('takes nothing from a program whose only right is the cookie of a page', async () => {
  expect(await connecting('/inspector', { cookie: await cookie() })).toBe('403');
});

it('serves what the page needs', async () => {
  const headers = { cookie: await cookie() };
  const wanted = [
    '/modules/inspect/page/main.ts',
    '/modules/inspect/page/style.css',
    '/modules/policy/display.ts',
    '/packages/lit-html/lit-html.js',
    '/packages/lit-html/directives/repeat.js',
    '/packages/elkjs/lib/elk-api.js',
    '/packages/elkjs/lib/elk-worker.min.js',
  ];
  const answers = await Promise.all(wanted.map((path) => get(path, headers)));
  expect(answers.map(({ status }) => status)).toEqual(wanted.map(() => 200));
  // The types are gone, and what is left is JavaScript.
  expect(answers[0]?.body).not.toContain('import type');
  expect(answers[0]?.headers['content-type']).toBe('text/javascript; charset=utf-8');
});

it.each([
  '/modules/../../package.json',
  '/modules/inspect/page/../../cli/main.ts',
  '/modules/inspect/page/%2e%2e/%2e%2e/cli/main.ts',
  '/modules/cli/main.ts',
  '/modules/inspect/page/tsconfig.json',
  '/modules/inspect/page/',
  '/modules/inspect/page/no-such.ts',
  '/packages/ws/index.js',
  '/packages/lit-html/package.json',
  '/packages/__proto__/x.js',
  '/etc/passwd',
])('has no file %s', async (path) => {
  expect((await get(path, { cookie: await cookie() })).status).toBe(404);
});

it('answers nothing but GET', async () => {
  expect((await get('/', { cookie: await cookie() }, 'POST')).status).toBe(405);
});

it('ends the line to a page that says what it does not understand', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/page?token=${token}`, {
    headers: { origin: `http://127.0.0.1:${port}` },
  });
  const closed = new Promise((resolve) => {
    socket.on('close', (code, reason) => resolve([code, String(reason)]));
  });
  socket.on('open', () => socket.send('{"type":"wish","id":1,"wish":{"do":"run","command":"rm -rf /"}}'));
  expect(await closed).toEqual([4400, 'Expected a message of the page, got another.']);
});
