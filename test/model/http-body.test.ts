import { Agent, type ServerResponse } from 'node:http';
import { brotliCompressSync, createBrotliCompress, createDeflate, createGzip, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type BodyListener, type HttpBody, WHOLE_BYTES_MAX } from '../../src/model/http-body.ts';
import { httpFetch } from '../../src/model/http-fetch.ts';
import { type Reply, replyJson, startModelServer } from './model-server.ts';
import { startRawServer } from './raw-servers.ts';

const POST = { method: 'POST', body: '{}' };

/** The response to one request, from a server that gives this reply. */
async function responseTo(reply: Reply, init: RequestInit = {}): Promise<Response> {
  const server = await startModelServer(reply);
  return httpFetch()(server.baseURL, { ...POST, ...init });
}

/** The body as it is beneath what `fetch` says that it is. */
function bodyOf(response: Response): HttpBody {
  if (response.body === null || !('listen' in response.body)) expect.unreachable('Expected a body of ours.');
  return response.body as unknown as HttpBody;
}

/** What a body comes to: the text of each piece, then how it ended. */
async function piecesOf(body: AsyncIterable<Uint8Array> | null): Promise<readonly string[]> {
  const pieces: string[] = [];
  try {
    for await (const chunk of body ?? []) pieces.push(Buffer.from(chunk).toString());
    return pieces;
  } catch (thrown) {
    return [...pieces, causeOf(thrown)];
  }
}

/** Why a body broke. */
function causeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { cause } = thrown;
  const code = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
  return `${thrown.name}: ${thrown.message}${code}`;
}

/** A reply in the hands of the test, and when its connection closes. */
function heldReply() {
  const begun = Promise.withResolvers<ServerResponse>();
  const closed = Promise.withResolvers<void>();
  const reply: Reply = (response) => {
    response.on('close', () => closed.resolve());
    begun.resolve(response);
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  };
  return { reply, begun: begun.promise, closed: closed.promise };
}

describe('a response', () => {
  test('has its status, its address and its headers', async () => {
    const headers = { 'Retry-After': '3', 'Set-Cookie': ['a=1', 'b=2'] };
    const response = await responseTo((it) => void it.writeHead(429, 'Slow down', headers).end('Wait.'));
    const { status, statusText, ok, redirected, type } = response;
    expect({ status, statusText, ok, redirected, type, path: new URL(response.url).pathname }).toEqual({
      status: 429,
      statusText: 'Slow down',
      ok: false,
      redirected: false,
      type: 'basic',
      path: '/v1',
    });
    const told: [string, string][] = [];
    response.headers.forEach((value, name) => void told.push([name, value]));
    const expected = { 'retry-after': '3', 'set-cookie': 'a=1, b=2', 'transfer-encoding': 'chunked' };
    expect(Object.fromEntries(told)).toMatchObject(expected);
    expect([...response.headers]).toEqual(told);
    expect([...response.headers.entries()]).toEqual(told);
    expect([[...response.headers.keys()], [...response.headers.values()]]).toEqual([
      told.map(([name]) => name),
      told.map(([, value]) => value),
    ]);
    const one = response.headers;
    expect([one.get('RETRY-after'), one.has('Retry-After'), one.get('constructor'), one.has('no')]).toEqual([
      '3',
      true,
      null,
      false,
    ]);
  });

  test('is read as text and as JSON, whatever carries it', async () => {
    const text = '\ufeff{"greeting":"Grüße"}';
    const whole: Reply = (it) => void it.writeHead(200, { 'content-length': Buffer.byteLength(text) }).end(text);
    const pieces: Reply = (it) => {
      for (const byte of Buffer.from(text)) it.write(Buffer.of(byte));
      it.end();
    };
    expect(await (await responseTo(whole)).text()).toBe('{"greeting":"Grüße"}');
    expect(await (await responseTo(pieces)).json()).toEqual({ greeting: 'Grüße' });
    const port = await startRawServer((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nUntil the end'));
    expect(await (await httpFetch()(`http://127.0.0.1:${port}`, POST)).text()).toBe('Until the end');
  });

  test('has no body where there can be none', async () => {
    const response = await responseTo((it) => void it.writeHead(204).end());
    expect({ body: response.body, text: await response.text() }).toEqual({ body: null, text: '' });
  });

  test('is read once', async () => {
    const response = await responseTo(replyJson(200, {}));
    await response.text();
    expect(response.body?.locked).toBe(true);
    await expect(response.json()).rejects.toThrow('Expected a body that nobody reads');
    expect(() => response.body?.getReader()).toThrow(TypeError);
    expect(() => response.body?.[Symbol.asyncIterator]()).toThrow(TypeError);
  });

  test('may be read on by another reader', async () => {
    const { reply, begun } = heldReply();
    const { body } = await responseTo(reply);
    const server = await begun;
    server.write('one');
    const first = body?.getReader();
    const one = await first?.read();
    first?.releaseLock();
    server.end('two');
    const rest = await piecesOf(body);
    expect([Buffer.from(one?.value ?? []).toString(), ...rest]).toEqual(['one', 'two']);
  });

  test('is read piece by piece, as it comes', async () => {
    const { reply, begun } = heldReply();
    const response = await responseTo(reply);
    const server = await begun;
    const pieces: string[] = [];
    server.write('1');
    for await (const chunk of response.body ?? []) {
      pieces.push(Buffer.from(chunk).toString());
      if (pieces.length < 4) server.write(String(pieces.length + 1));
      else server.end();
    }
    expect(pieces).toEqual(['1', '2', '3', '4']);
  });

  test('answers several reads in their order', async () => {
    const { reply, begun } = heldReply();
    const reader = (await responseTo(reply)).body?.getReader();
    const reads = Promise.all([reader?.read(), reader?.read(), reader?.read()]);
    const server = await begun;
    server.write('one', () => server.end('two'));
    const told = (await reads).map((it) => (it?.done ? 'done' : Buffer.from(it?.value ?? []).toString()));
    expect(told).toEqual(['one', 'two', 'done']);
  });

  test('tells a listener of what has come and of what comes', async () => {
    const { reply, begun } = heldReply();
    const body = bodyOf(await responseTo(reply));
    const server = await begun;
    const told: string[] = [];
    const ended = new Promise<void>((resolve) => {
      const listener: BodyListener = {
        onChunk: (chunk) => {
          told.push(Buffer.from(chunk).toString());
          if (told.length === 1) server.end('two');
        },
        onEnd: () => {
          told.push('end');
          resolve();
        },
        onBreak: () => expect.unreachable('Expected a whole body.'),
      };
      server.write('one', () => body.listen(listener));
    });
    await ended;
    expect(told).toEqual(['one', 'two', 'end']);
  });
});

describe('a body that breaks', () => {
  const cut = (head: string) =>
    startRawServer((socket) => socket.write(`HTTP/1.1 200 OK\r\n${head}`, () => socket.resetAndDestroy()));

  test.each([
    { what: 'of a known length', head: 'content-length: 10\r\n\r\nHalf' },
    { what: 'in chunks', head: 'transfer-encoding: chunked\r\n\r\n4\r\nHalf\r\n' },
  ])('$what gives what had come, and then says so', async ({ head }) => {
    const { body } = await httpFetch()(`http://127.0.0.1:${await cut(head)}`, POST);
    expect(await piecesOf(body)).toEqual(['Half', 'TypeError: terminated (ECONNRESET)']);
  });

  test('by an end that comes too early says so', async () => {
    const port = await startRawServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nHalf'));
    const response = await httpFetch()(`http://127.0.0.1:${port}`, POST);
    await expect(response.text()).rejects.toThrow('terminated');
  });

  test('in its chunks says how', async () => {
    const port = await startRawServer((socket) =>
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nHalf\r\nnonsense\r\n'),
    );
    const { body } = await httpFetch()(`http://127.0.0.1:${port}`, POST);
    expect(await piecesOf(body)).toEqual(['Half', 'TypeError: terminated (HPE_INVALID_CHUNK_SIZE)']);
  });
});

describe('a compressed body', () => {
  const text = 'Words, words, words. '.repeat(10_000);

  test.each([
    { coding: 'gzip', bytes: gzipSync(text) },
    { coding: 'X-GZIP', bytes: gzipSync(text) },
    { coding: 'deflate', bytes: deflateSync(text) },
    { coding: 'br', bytes: brotliCompressSync(text) },
    { coding: 'identity', bytes: Buffer.from(text) },
  ])('in $coding is read as what it was', async ({ coding, bytes }) => {
    const response = await responseTo((it) => void it.writeHead(200, { 'content-encoding': coding }).end(bytes));
    expect(await response.text()).toBe(text);
  });

  test.each([
    { coding: 'gzip', encoder: createGzip() },
    { coding: 'deflate', encoder: createDeflate() },
    { coding: 'br', encoder: createBrotliCompress() },
  ])('in $coding is read as it comes', async ({ coding, encoder }) => {
    const response = await responseTo((it) => {
      it.writeHead(200, { 'content-encoding': coding }).flushHeaders();
      encoder.pipe(it);
    });
    const say = (piece: string) => encoder.write(piece, () => encoder.flush());
    const pieces: string[] = [];
    say('1');
    for await (const chunk of response.body ?? []) {
      pieces.push(Buffer.from(chunk).toString());
      if (pieces.length < 3) say(String(pieces.length + 1));
      else encoder.end();
    }
    expect(pieces).toEqual(['1', '2', '3']);
  });

  test.each([
    { what: 'is no gzip', bytes: Buffer.from('plain'), code: 'Z_DATA_ERROR' },
    { what: 'ends too early', bytes: gzipSync(text).subarray(0, -20), code: 'Z_BUF_ERROR' },
  ])('that $what breaks, and its connection closes', async ({ bytes, code }) => {
    const { body } = await responseTo((it) => void it.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes));
    expect((await piecesOf(body)).at(-1)).toBe(`TypeError: terminated (${code})`);
  });

  test('that breaks off breaks', async () => {
    const { body } = await responseTo((it) => {
      it.writeHead(200, { 'content-encoding': 'gzip' }).write(gzipSync(text).subarray(0, -20), () => it.destroy());
    });
    expect((await piecesOf(body)).at(-1)).toBe('TypeError: terminated (ECONNRESET)');
  });
});

describe('a body that is too long', () => {
  /** 64 MB of zeros in 64 KB, many times over. */
  const bomb = (times: number) => Buffer.concat(Array.from({ length: times }, () => zeros));
  const zeros = gzipSync(Buffer.alloc(64 * 1024 * 1024));

  test('is not taken as a whole', async () => {
    const closed = Promise.withResolvers<void>();
    const response = await responseTo((it) => {
      it.on('close', closed.resolve);
      it.writeHead(200, { 'content-encoding': 'gzip' }).write(zeros);
    });
    await expect(response.text()).rejects.toThrow(`at most ${WHOLE_BYTES_MAX} bytes`);
    await closed.promise;
  });

  test.each([
    { what: 'plain bytes', headers: {}, bytes: Buffer.alloc(32 * 1024 * 1024) },
    { what: 'a gzip bomb', headers: { 'content-encoding': 'gzip' }, bytes: bomb(64) },
  ])('waits at the server for a slow reader: $what', async ({ headers, bytes }) => {
    const closed = Promise.withResolvers<void>();
    const server = await startModelServer((it) => {
      it.on('close', closed.resolve);
      it.writeHead(200, headers).end(bytes);
    });
    const agent = new Agent({ keepAlive: true });
    const { body } = await httpFetch({ agent })(server.baseURL, POST);
    const [socket] = Object.values(agent.sockets).flat();
    const reader = body?.getReader();
    await reader?.read();
    while (!socket?.isPaused() && (socket?.bytesRead ?? 0) < bytes.length) await new Promise(setImmediate);
    expect(socket?.bytesRead).toBeLessThan(1024 * 1024);
    await reader?.cancel();
    await closed.promise;
  });

  test('comes whole to a reader that takes its time', async () => {
    const bytes = Buffer.alloc(4 * 1024 * 1024, 'a');
    const { body } = await responseTo((it) => void it.end(bytes));
    let length = 0;
    for await (const chunk of body ?? []) {
      length += chunk.byteLength;
      await new Promise(setImmediate);
    }
    expect(length).toBe(bytes.length);
  });
});

describe('letting go of a body', () => {
  test.each([
    { how: 'by its reader', cancel: (body: HttpBody) => body.getReader().cancel() },
    { how: 'by its iterator', cancel: (body: HttpBody) => body[Symbol.asyncIterator]().return?.() },
    { how: 'itself', cancel: (body: HttpBody) => body.cancel() },
  ])('$how closes the connection', async ({ cancel }) => {
    const { reply, closed } = heldReply();
    const server = await startModelServer(reply);
    const agent = new Agent({ keepAlive: true });
    const response = await httpFetch({ agent })(server.baseURL, POST);
    const [socket] = Object.values(agent.sockets).flat();
    await cancel(bodyOf(response));
    expect(socket?.destroyed).toBe(true);
    await closed;
  });

  test('ends the reads that wait', async () => {
    const { reply, closed } = heldReply();
    const reader = (await responseTo(reply)).body?.getReader();
    const read = reader?.read();
    await reader?.cancel();
    expect([await read, await reader?.read()]).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    await closed;
  });

  test('ends its listener, also when that lets go of it', async () => {
    const { reply, begun, closed } = heldReply();
    const body = bodyOf(await responseTo(reply));
    const server = await begun;
    await new Promise((resolve) => server.write('one', resolve));
    const told: string[] = [];
    await new Promise<void>((resolve) => {
      body.listen({
        onChunk: (chunk) => {
          told.push(Buffer.from(chunk).toString());
          void body.cancel();
        },
        onEnd: resolve,
        onBreak: () => expect.unreachable('Expected an end.'),
      });
    });
    await closed;
    expect(told).toEqual(['one']);
  });

  test('after its end keeps the connection', async () => {
    const server = await startModelServer(replyJson(200, {}));
    const fetch = httpFetch();
    for (let requests = 0; requests < 2; requests += 1) {
      const reader = (await fetch(server.baseURL, POST)).body?.getReader();
      while (!(await reader?.read())?.done);
      await reader?.cancel();
    }
    expect(server.connections()).toBe(1);
  });

  test('with the signal closes the connection at once, and the reads reject with an AbortError', async () => {
    const { reply, begun, closed } = heldReply();
    const stop = new AbortController();
    const reader = (await responseTo(reply, { signal: stop.signal })).body?.getReader();
    (await begun).write('one');
    await reader?.read();
    const read = reader?.read();
    stop.abort();
    await expect(read).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    await expect(reader?.read()).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    await closed;
    await reader?.cancel();
  });

  test('with the signal drops what nobody has read', async () => {
    const { reply, begun, closed } = heldReply();
    const stop = new AbortController();
    const { body } = await responseTo(reply, { signal: stop.signal });
    const server = await begun;
    await new Promise((resolve) => server.write('one', resolve));
    stop.abort();
    expect(await piecesOf(body)).toEqual(['AbortError: This operation was aborted']);
    await closed;
  });

  test('with the signal breaks a text', async () => {
    const { reply, begun } = heldReply();
    const stop = new AbortController();
    const text = (await responseTo(reply, { signal: stop.signal })).text();
    await begun;
    stop.abort();
    await expect(text).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });
});
