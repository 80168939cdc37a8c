import { execFile } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { connectionFault } from '../../src/model/faults.ts';
import { httpFetch, REDIRECTS_MAX } from '../../src/model/http-fetch.ts';
import { freePort, type Reply, replyJson, startModelServer } from './model-server.ts';
import { selfSigned, startRawServer, startSecureServer } from './raw-servers.ts';

const POST = { method: 'POST', body: '{}' };
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK';

const hang: Reply = () => undefined;
const redirectTo =
  (status: number, location?: string): Reply =>
  (response) =>
    void response.writeHead(status, location === undefined ? {} : { location }).end();

/** A reply that keeps quiet, and when its request has come and its connection has closed. */
function hanging() {
  const arrived = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const reply: Reply = (response) => {
    response.on('close', () => closed.resolve());
    arrived.resolve();
  };
  return { reply, arrived: arrived.promise, closed: closed.promise };
}

/** What a promise rejects with. */
async function thrownBy(promise: Promise<unknown>): Promise<Error & { cause?: unknown }> {
  return promise.then(
    () => expect.unreachable('Expected a rejection.'),
    (thrown) => thrown,
  );
}

describe('a request', () => {
  const echo: Reply = (response, { method, url, headers }) => {
    const { host, connection, ...rest } = headers;
    replyJson(200, { method, url, headers: rest })(response, response.req);
  };

  const asked = { 'Content-Type': 'application/json', 'X-One': '1' };
  const shapes: readonly { what: string; headers: RequestInit['headers'] }[] = [
    { what: 'a record', headers: asked },
    { what: 'pairs', headers: Object.entries(asked) },
    { what: 'Headers', headers: new Headers(asked) },
  ];

  test.each(shapes)('brings its method, path, body and headers, from $what', async ({ headers }) => {
    const server = await startModelServer(echo);
    const response = await httpFetch()(`${server.baseURL}/responses?a=b`, {
      ...POST,
      headers,
      body: '{"text":"Grüße"}',
    });
    expect({ seen: await response.json(), bodies: server.bodies }).toEqual({
      seen: {
        method: 'POST',
        url: '/v1/responses?a=b',
        headers: {
          'accept-encoding': 'identity',
          'content-type': 'application/json',
          'x-one': '1',
          'content-length': '18',
        },
      },
      bodies: [{ text: 'Grüße' }],
    });
  });

  test('may have bytes as its body, and a URL as its address', async () => {
    const server = await startModelServer(replyJson(200, {}));
    await httpFetch()(new URL(server.baseURL), { ...POST, body: new TextEncoder().encode('{"text":"Grüße"}') });
    expect(server.bodies).toEqual([{ text: 'Grüße' }]);
  });

  test('asks for a compressed answer when it is told to', async () => {
    const server = await startModelServer(echo);
    const response = await httpFetch()(server.baseURL, { ...POST, headers: { 'Accept-Encoding': 'br' } });
    expect(await response.json()).toMatchObject({ headers: { 'accept-encoding': 'br' } });
  });

  test.each([new FormData(), new Blob(['{}']), new URLSearchParams()])('cannot have %s as its body', async (body) => {
    await expect(httpFetch()('http://127.0.0.1:1/v1', { ...POST, body })).rejects.toThrow(
      'Expected the body to be a string or a Uint8Array, got something else.',
    );
  });

  test.each([307, 308])('goes where a %d on the same server points, with its body', async (status) => {
    const server = await startModelServer(redirectTo(status, '/v2/responses'), replyJson(200, { ok: true }));
    const response = await httpFetch()(server.baseURL, { ...POST, body: '{"a":1}' });
    const { url, redirected } = response;
    expect({ url, redirected, json: await response.json(), bodies: server.bodies }).toEqual({
      url: new URL('/v2/responses', server.baseURL).href,
      redirected: true,
      json: { ok: true },
      bodies: [{ a: 1 }, { a: 1 }],
    });
  });

  test.each([
    { what: 'one to another server', status: 308, location: 'http://127.0.0.1:1/v1' },
    { what: 'one that would make it a GET', status: 302, location: '/v2' },
    { what: 'one to nowhere', status: 307, location: undefined },
    { what: 'one to something that is no address', status: 307, location: 'http://' },
  ])('gives back a redirect that it does not follow: $what', async ({ status, location }) => {
    const server = await startModelServer(redirectTo(status, location));
    const response = await httpFetch()(server.baseURL, POST);
    const seen = { status: response.status, ok: response.ok, location: response.headers.get('location') };
    expect({ ...seen, requests: server.bodies.length }).toEqual({
      status,
      ok: false,
      location: location ?? null,
      requests: 1,
    });
  });

  test('does not go round in circles', async () => {
    const server = await startModelServer(redirectTo(307, '/v1'));
    const response = await httpFetch()(server.baseURL, POST);
    expect({ status: response.status, requests: server.bodies.length }).toEqual({
      status: 307,
      requests: REDIRECTS_MAX + 1,
    });
  });
});

describe('an abort', () => {
  test('before the request sends nothing', async () => {
    const server = await startModelServer(hang);
    const thrown = await thrownBy(httpFetch()(server.baseURL, { ...POST, signal: AbortSignal.abort() }));
    expect({ name: thrown.name, connections: server.connections() }).toEqual({ name: 'AbortError', connections: 0 });
  });

  test('before the headers closes the connection and rejects with an AbortError', async () => {
    const { reply, arrived, closed } = hanging();
    const server = await startModelServer(reply);
    const stop = new AbortController();
    const response = httpFetch()(server.baseURL, { ...POST, signal: stop.signal });
    await arrived;
    stop.abort();
    expect((await thrownBy(response)).name).toBe('AbortError');
    await closed;
  });

  test('while the connection is being made closes it', async () => {
    const server = await startModelServer(hang);
    const stop = new AbortController();
    const agent = new Agent({ keepAlive: true });
    const response = httpFetch({ agent })(server.baseURL, { ...POST, signal: stop.signal });
    const [socket] = Object.values(agent.sockets).flat();
    await new Promise(process.nextTick);
    expect(socket?.connecting).toBe(true);
    stop.abort();
    expect((await thrownBy(response)).name).toBe('AbortError');
    expect({ destroyed: socket?.destroyed, requests: server.bodies.length }).toEqual({ destroyed: true, requests: 0 });
  });

  test('rejects with its own reason, if it has one', async () => {
    const { reply, arrived } = hanging();
    const server = await startModelServer(reply);
    const stop = new AbortController();
    const response = httpFetch()(server.baseURL, { ...POST, signal: stop.signal });
    await arrived;
    const reason = new Error('Enough.');
    stop.abort(reason);
    expect(await thrownBy(response)).toBe(reason);
  });

  test('after the end disturbs nobody, and nothing listens for it any more', async () => {
    const server = await startModelServer(replyJson(200, {}));
    const fetch = httpFetch();
    const stop = new AbortController();
    for (let requests = 0; requests < 2; requests += 1) {
      await (await fetch(server.baseURL, { ...POST, signal: stop.signal })).text();
    }
    const listeners = getEventListeners(stop.signal, 'abort').length;
    stop.abort();
    await (await fetch(server.baseURL, POST)).text();
    expect({ listeners, connections: server.connections() }).toEqual({ listeners: 0, connections: 1 });
  });

  test('that never comes leaves no listener behind when the request fails', async () => {
    const stop = new AbortController();
    await thrownBy(httpFetch()(`http://127.0.0.1:${await freePort()}`, { ...POST, signal: stop.signal }));
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });
});

describe('a failure', () => {
  /** What the caller gets, and what it is to the model. */
  async function failureOf(response: Promise<Response>) {
    const thrown = await thrownBy(response);
    const { code, retryable } = connectionFault(thrown, 'there', false).error;
    const cause = thrown.cause instanceof Error && 'code' in thrown.cause ? thrown.cause.code : null;
    return { type: thrown.constructor.name, message: thrown.message, cause, fault: { code, retryable } };
  }
  const failure = (cause: unknown, retryable: boolean) => ({
    type: 'TypeError',
    message: 'fetch failed',
    cause,
    fault: { code: 'model-unreachable', retryable },
  });

  test('names the code when nobody listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}/v1`;
    expect(await failureOf(httpFetch()(url, POST))).toEqual(failure('ECONNREFUSED', true));
  });

  test('names the code when the name is unknown', async () => {
    const unknown = Object.assign(new Error('getaddrinfo ENOTFOUND model.test'), { code: 'ENOTFOUND' });
    const agent = new Agent({ lookup: (_host, _options, callback) => callback(unknown, '', 0) });
    expect(await failureOf(httpFetch({ agent })('http://model.test/v1', POST))).toEqual(failure('ENOTFOUND', true));
  });

  test.each([
    { what: 'resets the connection', onData: (socket: Socket) => socket.resetAndDestroy() },
    { what: 'ends the connection', onData: (socket: Socket) => socket.end() },
    {
      what: 'ends it in the headers',
      onData: (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nA:'),
    },
  ])('names the code when the server $what', async ({ onData }) => {
    const port = await startRawServer(onData);
    expect(await failureOf(httpFetch()(`http://127.0.0.1:${port}`, POST))).toEqual(failure('ECONNRESET', true));
  });

  test('says so when the server speaks something else', async () => {
    const port = await startRawServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
    expect(await failureOf(httpFetch()(`http://127.0.0.1:${port}`, POST))).toEqual(
      failure('HPE_INVALID_CONSTANT', true),
    );
  });

  test('comes also when the server switches to a protocol that nobody asked for', async () => {
    const port = await startRawServer((socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n'),
    );
    expect(await failureOf(httpFetch()(`http://127.0.0.1:${port}`, POST))).toEqual(failure(null, true));
  });

  test('comes when the connection is not made in time', async () => {
    const port = await startRawServer(() => undefined);
    const response = httpFetch({ connectTimeoutMs: 20 })(`https://127.0.0.1:${port}`, POST);
    expect(await failureOf(response)).toEqual(failure('ETIMEDOUT', true));
  });

  test('comes for an address that is none, and for headers that cannot be sent', async () => {
    expect((await thrownBy(httpFetch()('model', POST))).constructor).toBe(TypeError);
    expect((await thrownBy(httpFetch()('http://127.0.0.1:1', { ...POST, headers: { 'a b': '' } }))).constructor).toBe(
      TypeError,
    );
  });

  const identity = selfSigned();
  test.skipIf(identity === null)('names the code when a certificate is not trusted (needs openssl)', async () => {
    if (identity === null) return;
    const port = await startSecureServer(identity, () => expect.unreachable('Expected no request.'));
    const url = (host: string) => `https://${host}:${port}`;
    expect(await failureOf(httpFetch()(url('localhost'), POST))).toEqual(failure('DEPTH_ZERO_SELF_SIGNED_CERT', false));
    const agent = new SecureAgent({ ca: identity.cert });
    expect(await failureOf(httpFetch({ agent })(url('127.0.0.1'), POST))).toEqual(
      failure('ERR_TLS_CERT_ALTNAME_INVALID', false),
    );
  });

  test.skipIf(identity === null)('is none where the certificate is trusted (needs openssl)', async () => {
    if (identity === null) return;
    const port = await startSecureServer(identity, (_, response) => response.end('OK'));
    const agent = new SecureAgent({ ca: identity.cert, keepAlive: true });
    const response = await httpFetch({ agent })(`https://localhost:${port}`, POST);
    expect(await response.text()).toBe('OK');
  });
});

describe('a connection', () => {
  test('is used again, by the same fetch only', async () => {
    const server = await startModelServer(replyJson(200, {}));
    const fetch = httpFetch();
    for (let requests = 0; requests < 3; requests += 1) await (await fetch(server.baseURL, POST)).text();
    expect(server.connections()).toBe(1);
    await (await httpFetch()(server.baseURL, POST)).text();
    expect(server.connections()).toBe(2);
  });

  /** A server that treats the requests in turn, and the ports of the connections that brought them. */
  async function startServer(...replies: readonly ((socket: Socket) => void)[]) {
    const ports: (number | undefined)[] = [];
    const port = await startRawServer((socket) => {
      const reply = replies[Math.min(ports.length, replies.length - 1)];
      ports.push(socket.remotePort);
      reply?.(socket);
    });
    const connections = () => ports.map((it) => [...new Set(ports)].indexOf(it));
    return { url: `http://127.0.0.1:${port}`, connections };
  }
  const answer = (socket: Socket) => void socket.write(OK);
  const reset = (socket: Socket) => void socket.resetAndDestroy();

  test('that the server had closed meanwhile is replaced without a word', async () => {
    const { url, connections } = await startServer(answer, reset, answer);
    const fetch = httpFetch();
    await (await fetch(url, POST)).text();
    const second = await fetch(url, POST);
    expect({ text: await second.text(), connections: connections() }).toEqual({ text: 'OK', connections: [0, 0, 1] });
  });

  test('is replaced once only', async () => {
    const { url, connections } = await startServer(answer, answer, reset);
    const fetch = httpFetch();
    const both = await Promise.all([fetch(url, POST), fetch(url, POST)]);
    await Promise.all(both.map((response) => response.text()));
    const thrown = await thrownBy(fetch(url, POST));
    expect({ cause: thrown.cause, requests: connections().length }).toEqual({
      cause: expect.objectContaining({ code: 'ECONNRESET' }),
      requests: 4,
    });
  });

  test('is not replaced when it was new', async () => {
    const { url, connections } = await startServer(reset, answer);
    await thrownBy(httpFetch()(url, POST));
    expect(connections()).toEqual([0]);
  });

  test('is not replaced when the answer had begun', async () => {
    const { url, connections } = await startServer(answer, (socket) => void socket.end('HTTP/1.1 2'), answer);
    const fetch = httpFetch();
    await (await fetch(url, POST)).text();
    await thrownBy(fetch(url, POST));
    expect(connections()).toEqual([0, 0]);
  });

  test('that is idle lets the process end', async () => {
    const server = await startModelServer((response) => {
      response.shouldKeepAlive = true;
      response.end('answered');
    });
    const module = new URL('../../src/model/http-fetch.ts', import.meta.url).href;
    const script = `
      import { httpFetch } from '${module}';
      const response = await httpFetch()('${server.baseURL}', { method: 'POST', body: '{}' });
      console.log(await response.text());
    `;
    const child = execFile(process.execPath, ['--input-type=module', '--eval', script]);
    let said = '';
    child.stdout?.on('data', (text: string) => {
      said += text;
    });
    const [code] = await once(child, 'close');
    expect({ code, said }).toEqual({ code: 0, said: 'answered\n' });
  });
});
