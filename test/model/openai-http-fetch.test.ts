import { Agent as SecureAgent } from 'node:https';
import { describe, expect, test } from 'vitest';
import { httpFetch } from '../../src/model/http-fetch.ts';
import { type OpenAIModelOptions, openaiModel } from '../../src/model/openai.ts';
import type { ModelProgress, ModelRequest } from '../../src/model/port.ts';
import {
  EVENT_STREAM,
  freePort,
  type Reply,
  replyEvents,
  replyJson,
  saying,
  sse,
  startModelServer,
} from './model-server.ts';
import { selfSigned, startSecureServer } from './raw-servers.ts';

const never = new AbortController().signal;

function asking(text: string): ModelRequest {
  return {
    instructions: null,
    history: [{ type: 'message', role: 'user', content: [{ type: 'text', text }] }],
    tools: [],
    parallelToolCalls: false,
    cacheKey: 'session-1',
  };
}

/** Asks once, over the transport given, and keeps what is told. */
async function ask(baseURL: string, options: Partial<OpenAIModelOptions> = {}, signal = never) {
  const told: ModelProgress[] = [];
  const model = openaiModel({ model: 'any', apiKey: 'none', env: {}, maxRetries: 0, ...options, baseURL });
  const answer = await model.sample(asking('Hello'), (progress) => told.push(progress), signal);
  return { answer, told };
}

/** What a reply comes to with Node's own `fetch`, and with ours. */
async function askTwice(reply: Reply | null) {
  const baseURL = reply === null ? `http://127.0.0.1:${await freePort()}/v1` : (await startModelServer(reply)).baseURL;
  return { theirs: await ask(baseURL, { fetch: globalThis.fetch }), ours: await ask(baseURL, { fetch: httpFetch() }) };
}

const cut: Reply = (response) => {
  response.writeHead(200, EVENT_STREAM).write(sse(saying('Half').slice(0, 3)), () => response.destroy());
};
const gone: Reply = (_response, request) => request.socket.resetAndDestroy();
const oneByOne: Reply = (response) => {
  response.writeHead(200, EVENT_STREAM);
  for (const event of saying('Grüße')) response.write(sse([event]));
  response.end();
};

describe('a model over our fetch', () => {
  test.each([
    { what: 'an answer', reply: replyEvents(saying('Hi')) },
    { what: 'an answer in many pieces', reply: oneByOne },
    {
      what: 'a 429',
      reply: replyJson(429, { error: { message: 'Slow down.', code: 'rate_limit' } }, { 'retry-after': '1' }),
    },
    { what: 'a 500 with no words', reply: (it) => void it.writeHead(500).end() },
    { what: 'a web page', reply: (it) => void it.writeHead(200, { 'content-type': 'text/html' }).end('<html>') },
    { what: 'a stream that breaks', reply: cut },
    { what: 'a stream that ends too early', reply: replyEvents(saying('Half').slice(0, 3)) },
    { what: 'a connection that is reset', reply: gone },
    { what: 'nobody', reply: null },
  ] satisfies { what: string; reply: Reply | null }[])('makes the same of $what', async ({ reply }) => {
    const { theirs, ours } = await askTwice(reply);
    // Node's fetch has a word of its own for a connection that breaks.
    expect(ours).toEqual(JSON.parse(JSON.stringify(theirs).replace('UND_ERR_SOCKET', 'ECONNRESET')));
  });

  test('speaks to a server on one connection', async () => {
    const server = await startModelServer(replyEvents(saying('Hi')));
    const model = openaiModel({ model: 'any', apiKey: 'none', env: {}, baseURL: server.baseURL, fetch: httpFetch() });
    for (let turns = 0; turns < 3; turns += 1) await model.sample(asking('Hello'), () => undefined, never);
    expect({ requests: server.bodies.length, connections: server.connections() }).toEqual({
      requests: 3,
      connections: 1,
    });
  });

  test.each([
    { when: 'before the headers', begin: () => undefined },
    {
      when: 'in mid-stream',
      begin: (response: Parameters<Reply>[0]) =>
        void response.writeHead(200, EVENT_STREAM).write(sse(saying('Half').slice(0, 3))),
    },
  ])('lets go of the server when it is aborted $when', async ({ begin }) => {
    const stop = new AbortController();
    const closed = Promise.withResolvers<void>();
    const server = await startModelServer((response) => {
      response.on('close', () => closed.resolve());
      begin(response);
      if (!response.headersSent) stop.abort();
    });
    const model = openaiModel({ model: 'any', apiKey: 'none', env: {}, baseURL: server.baseURL, fetch: httpFetch() });
    const onProgress = (progress: ModelProgress) => progress.type === 'output.delta' && stop.abort();
    expect(await model.sample(asking('Hello'), onProgress, stop.signal)).toEqual({ status: 'aborted' });
    await closed.promise;
  });

  test('sends 5 MB and reads 10 MB', async () => {
    const server = await startModelServer(replyEvents(saying('a'.repeat(10 * 1024 * 1024))));
    const model = openaiModel({ model: 'any', apiKey: 'none', env: {}, baseURL: server.baseURL, fetch: httpFetch() });
    const text = 'ü'.repeat(2.5 * 1024 * 1024);
    const answer = await model.sample(asking(text), () => undefined, never);
    const texts =
      answer.status === 'completed' ? answer.outputs.map((it) => (it.type === 'message' ? it.text : '')) : [];
    expect(texts.map((it) => it.length)).toEqual([10 * 1024 * 1024]);
    const sent = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text }] }];
    expect(server.bodies.map((body) => Object(body).input)).toEqual([sent]);
  });

  const identity = selfSigned();
  test.skipIf(identity === null)('speaks https (needs openssl)', async () => {
    if (identity === null) return;
    const port = await startSecureServer(identity, (request, response) => {
      request.resume().on('end', () => response.writeHead(200, EVENT_STREAM).end(sse(saying('Hi'))));
    });
    const baseURL = `https://localhost:${port}/v1`;
    const trusting = httpFetch({ agent: new SecureAgent({ ca: identity.cert, keepAlive: true }) });
    expect((await ask(baseURL, { fetch: trusting })).answer).toMatchObject({ status: 'completed' });
    expect((await ask(baseURL, { fetch: httpFetch() })).answer).toEqual((await ask(baseURL)).answer);
  });
});
