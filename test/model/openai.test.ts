import { OpenAI } from 'openai';
import { describe, expect, test } from 'vitest';
import { httpFetch } from '../../src/model/http-fetch.ts';
import { type OpenAIModelOptions, openaiModel } from '../../src/model/openai.ts';
import type { ModelProgress, ModelRequest } from '../../src/model/port.ts';
import { EVENT_STREAM, type Reply, replyEvents, replyJson, saying, sse, startModelServer } from './model-server.ts';
import { createSteppedClock } from './stepped-clock.ts';

const REQUEST: ModelRequest = {
  instructions: null,
  history: [{ type: 'message', role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  tools: [],
  parallelToolCalls: false,
  cacheKey: 'session-1',
};
const never = new AbortController().signal;
const ignore = () => undefined;

/** A promise, and what resolves it. */
function signalled(): { promise: Promise<void>; resolve: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, resolve };
}

/** Whether the event tells of an item before it is finished. */
function isTelling(event: unknown): boolean {
  return /added|delta/.test(String(Object(event).type));
}

/** Answers each request with the same events, and keeps what was asked. */
function fakeFetch(events: readonly unknown[]) {
  const asked: { url: string; headers: Headers; body: unknown }[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    asked.push({ url: request.url, headers: request.headers, body: await request.json() });
    return new Response(sse(events), { headers: EVENT_STREAM });
  };
  return { asked, fetch };
}

describe('the options', () => {
  const fine: OpenAIModelOptions = { model: 'gpt', apiKey: 'key', env: {} };

  test.each([
    { options: { ...fine, model: '' }, says: 'model' },
    {
      options: { ...fine, wireApi: 'smoke-signals' },
      says: "wireApi to be 'responses' or 'chat' or 'auto', got smoke-signals",
    },
    { options: { ...fine, baseURL: 'localhost:8080' }, says: 'baseURL to be an http or https URL, got localhost:8080' },
    { options: { ...fine, timeoutMs: Number.NaN }, says: 'timeoutMs' },
    { options: { ...fine, idleTimeoutMs: 0 }, says: 'idleTimeoutMs' },
    { options: { ...fine, maxRetries: -1 }, says: 'maxRetries' },
    { options: { ...fine, apiKey: undefined }, says: 'OPENAI_API_KEY' },
  ])('are refused at once when they cannot work: $says', ({ options, says }) => {
    // What a caller without types may pass.
    expect(() => openaiModel(options as OpenAIModelOptions)).toThrow(
      expect.objectContaining({ code: 'invalid-config', message: expect.stringContaining(says) }),
    );
  });

  test('say which model it is', () => {
    const { name, provider, contextWindow } = openaiModel({ ...fine, contextWindow: 1000 });
    expect({ name, provider, contextWindow }).toEqual({ name: 'gpt', provider: 'openai', contextWindow: 1000 });
    expect(openaiModel({ ...fine, baseURL: 'http://localhost:8080/v1' }).provider).toBe(
      'openai-compatible:localhost:8080',
    );
    expect(openaiModel(fine).contextWindow).toBeNull();
  });

  test('come from the environment that was given, where they are not said', async () => {
    const { asked, fetch } = fakeFetch(saying('Hi'));
    const env = { OPENAI_API_KEY: 'from-env', OPENAI_BASE_URL: 'http://from.env/v1', OPENAI_ORG_ID: 'org' };
    await openaiModel({ model: 'any', env, fetch }).sample(REQUEST, ignore, never);
    await openaiModel({
      model: 'any',
      env,
      fetch,
      apiKey: 'said',
      baseURL: 'http://said/v1',
      defaultHeaders: { 'x-mine': '1' },
    }).sample(REQUEST, ignore, never);
    await openaiModel({ model: 'any', env: {}, fetch, baseURL: 'http://said/v1' }).sample(REQUEST, ignore, never);
    expect(
      asked.map(({ url, headers }) => [
        url,
        headers.get('authorization'),
        headers.get('x-mine'),
        headers.get('openai-organization'),
      ]),
    ).toEqual([
      ['http://from.env/v1/responses', 'Bearer from-env', null, null],
      ['http://said/v1/responses', 'Bearer said', '1', null],
      ['http://said/v1/responses', 'Bearer none', null, null],
    ]);
  });
});

describe('a request', () => {
  test('goes to OpenAI with all that it needs', async () => {
    const { asked, fetch } = fakeFetch(saying('Hi'));
    const answer = await openaiModel({ model: 'gpt', apiKey: 'key', env: {}, fetch }).sample(REQUEST, ignore, never);
    expect(answer).toMatchObject({ status: 'completed', outputs: [{ type: 'message', text: 'Hi' }] });
    expect(asked.map(({ url, body }) => ({ url, body }))).toEqual([
      {
        url: 'https://api.openai.com/v1/responses',
        body: {
          model: 'gpt',
          input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello' }] }],
          stream: true,
          store: false,
          prompt_cache_key: 'session-1',
          include: ['reasoning.encrypted_content'],
        },
      },
    ]);
  });

  test.each([
    { what: 'plain', options: {} },
    {
      what: 'with headers and a query',
      options: { defaultHeaders: { 'x-mine': '1' }, defaultQuery: { version: '2' } },
    },
    { what: 'as Azure wants it', options: { defaultHeaders: { 'api-key': 'azure-key', authorization: null } } },
    { what: 'without one of its own headers', options: { defaultHeaders: { 'X-Stainless-Lang': null } } },
  ])('has the head that the client would give it: $what', async ({ options }) => {
    const server = await startModelServer(replyEvents(saying('Hi')));
    const { baseURL } = server;
    const client = new OpenAI({ apiKey: 'key', baseURL, maxRetries: 0, fetch: httpFetch(), ...options });
    await client.responses.create({ model: 'any', input: 'Hello', stream: true }).asResponse();
    const model = openaiModel({ model: 'any', apiKey: 'key', baseURL, env: {}, fetch: httpFetch(), ...options });
    for (let turn = 0; turn < 2; turn += 1) await model.sample(REQUEST, ignore, never);
    const heads = server.heads.map(({ url, headers: { 'content-length': _, ...headers } }) => ({ url, headers }));
    expect(heads).toEqual([heads[0], heads[0], heads[0]]);
  });

  test.each([
    { transport: 'ours', fetch: httpFetch() },
    { transport: "Node's own", fetch: globalThis.fetch },
  ])('carries a history that grows long, over a transport that is $transport', async ({ fetch }) => {
    const server = await startModelServer(replyEvents(saying('Hi')));
    const model = openaiModel({ model: 'any', baseURL: server.baseURL, env: {}, fetch });
    const texts = Array.from({ length: 60 }, (_, turn) => `Grüße ${turn}`);
    const entries = texts.map(
      (text) => ({ type: 'message', role: 'user', content: [{ type: 'text', text }] }) as const,
    );
    for (const length of [10, 40, 60]) {
      await model.sample({ ...REQUEST, history: entries.slice(0, length) }, ignore, never);
    }
    const item = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
    expect(server.bodies.map((body) => Object(body).input)).toEqual(
      [10, 40, 60].map((length) => texts.slice(0, length).map(item)),
    );
  });

  test('leaves a field out from then on when the server does not know it', async () => {
    const unknown = replyJson(400, { error: { message: 'Unknown parameter: x', param: 'prompt_cache_key' } });
    const server = await startModelServer(unknown, replyEvents(saying('Hi')));
    const model = openaiModel({ model: 'any', baseURL: server.baseURL, env: {} });
    await model.sample(REQUEST, ignore, never);
    const second = await model.sample(REQUEST, ignore, never);
    expect(second.status).toBe('completed');
    expect(server.bodies.map((body) => Object.keys(Object(body)).includes('prompt_cache_key'))).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('is not sent again and again to a server that rejects what cannot be left out', async () => {
    const server = await startModelServer(replyJson(400, { error: { message: 'Unknown model', param: 'model' } }));
    const answer = await openaiModel({ model: 'any', baseURL: server.baseURL, env: {} }).sample(REQUEST, ignore, never);
    expect({ requests: server.bodies.length, answer }).toMatchObject({
      requests: 1,
      answer: { status: 'failed', error: { code: 'model-error', retryable: false } },
    });
  });

  test('shows local images when it can load them', async () => {
    const { asked, fetch } = fakeFetch(saying('Hi'));
    const loadImage = async (path: string) => {
      if (path === '/gone.png') throw new Error('ENOENT');
      return `data:${path}`;
    };
    const model = openaiModel({ model: 'any', baseURL: 'http://said/v1', env: {}, fetch, loadImage });
    const content = ['/a.png', '/gone.png'].map((path) => ({ type: 'local-image' as const, path }));
    await model.sample({ ...REQUEST, history: [{ type: 'message', role: 'user', content }] }, ignore, never);
    expect(asked[0]?.body).toMatchObject({
      input: [{ content: [{ image_url: 'data:/a.png' }, { text: 'There was an image here that could not be read.' }] }],
    });
  });

  test('uses the connections of those before', async () => {
    const endsLate: Reply = async (response) => {
      response.writeHead(200, EVENT_STREAM).write(sse(saying('Hi')));
      for (let turn = 0; turn < 20; turn += 1) await new Promise((next) => setImmediate(next));
      response.end();
    };
    const server = await startModelServer(endsLate);
    const model = openaiModel({ model: 'any', baseURL: server.baseURL, env: {} });
    for (let turn = 0; turn < 8; turn += 1) await model.sample(REQUEST, ignore, never);
    // Two, because a request may begin in the very moment in which the connection of the last one becomes free.
    expect(server.bodies.length).toBe(8);
    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  test('does not wait for a server that keeps the connection open after the end', async () => {
    const closed = signalled();
    const open: Reply = (response) => {
      response.on('close', closed.resolve);
      response.writeHead(200, EVENT_STREAM).write(sse(saying('Hi')));
    };
    const server = await startModelServer(open);
    const clock = createSteppedClock();
    void clock.whenPending(250).then(() => clock.advance(250));
    const model = openaiModel({ model: 'any', baseURL: server.baseURL, env: {}, clock });
    expect(await model.sample(REQUEST, ignore, never)).toMatchObject({ status: 'completed' });
    await closed.promise;
    expect(clock.pending()).toEqual([]);
  });

  test('keeps the API key out of what it says', async () => {
    const server = await startModelServer(replyJson(401, { error: { message: 'Wrong key: sk-very-secret' } }));
    const model = openaiModel({ model: 'any', baseURL: server.baseURL, apiKey: 'sk-very-secret', env: {} });
    const answer = await model.sample(REQUEST, ignore, never);
    expect(JSON.stringify(answer)).not.toContain('very-secret');
    expect(answer).toMatchObject({ error: { message: expect.stringContaining('Wrong key: [the API key]') } });
  });

  test('fails, and is not tried again, when who listens throws', async () => {
    const server = await startModelServer(replyEvents(saying('Hi')));
    const model = openaiModel({ model: 'any', baseURL: server.baseURL, env: {} });
    const answer = await model.sample(
      REQUEST,
      () => {
        throw new Error('Not listening.');
      },
      never,
    );
    expect({ requests: server.bodies.length, answer }).toEqual({
      requests: 1,
      answer: {
        status: 'failed',
        error: { code: 'internal', message: 'A listener to the model threw: Not listening.', retryable: false },
        usage: null,
      },
    });
  });
});

describe('an abort', () => {
  test('before the request lets nothing be sent', async () => {
    const { asked, fetch } = fakeFetch(saying('Hi'));
    const model = openaiModel({ model: 'any', baseURL: 'http://said/v1', env: {}, fetch });
    expect(await model.sample(REQUEST, ignore, AbortSignal.abort())).toEqual({ status: 'aborted' });
    expect(asked).toEqual([]);
  });

  test('before the answer begins closes the connection', async () => {
    const asked = signalled();
    const closed = signalled();
    const server = await startModelServer((response) => {
      response.on('close', closed.resolve);
      asked.resolve();
    });
    const stop = new AbortController();
    const answer = openaiModel({ model: 'any', baseURL: server.baseURL, env: {} }).sample(REQUEST, ignore, stop.signal);
    await asked.promise;
    stop.abort();
    expect(await answer).toEqual({ status: 'aborted' });
    await closed.promise;
  });

  test('of a hanging stream closes its socket, and nothing is told after', async () => {
    const closed = signalled();
    const hanging: Reply = (response) => {
      response.on('close', closed.resolve);
      response.writeHead(200, EVENT_STREAM).write(sse(saying('Half').slice(0, 3)));
    };
    const server = await startModelServer(hanging);
    const stop = new AbortController();
    const told: string[] = [];
    const onProgress = (progress: ModelProgress) => {
      told.push(stop.signal.aborted ? 'too late' : progress.type);
      if (progress.type === 'output.delta') stop.abort();
    };
    const model = openaiModel({ model: 'any', baseURL: server.baseURL, env: {} });
    expect(await model.sample(REQUEST, onProgress, stop.signal)).toEqual({ status: 'aborted' });
    await closed.promise;
    expect({ told, requests: server.bodies.length }).toEqual({ told: ['output.started', 'output.delta'], requests: 1 });
  });

  test.each(['output.started', 'output.delta'])(
    'at %s is the last that is told, even if the whole answer has come',
    async (type) => {
      const { fetch } = fakeFetch(saying('Hi').filter((event) => type === 'output.delta' || !isTelling(event)));
      const stop = new AbortController();
      const told: string[] = [];
      const onProgress = (progress: ModelProgress) => {
        told.push(progress.type);
        if (progress.type === type) stop.abort();
      };
      const model = openaiModel({ model: 'any', baseURL: 'http://said/v1', env: {}, fetch });
      expect(await model.sample(REQUEST, onProgress, stop.signal)).toEqual({ status: 'aborted' });
      expect(told.at(-1)).toBe(type);
    },
  );

  test('settles only when the body has been let go of, also with a transport that overhears the signal', async () => {
    const order: string[] = [];
    const canceling = signalled();
    const canceled = signalled();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(sse(saying('Half').slice(0, 3)))),
      cancel: async () => {
        canceling.resolve();
        await canceled.promise;
        order.push('closed');
      },
    });
    const fetch = async () => new Response(body, { headers: EVENT_STREAM });
    const stop = new AbortController();
    const model = openaiModel({ model: 'any', baseURL: 'http://said/v1', env: {}, fetch });
    const answer = model
      .sample(REQUEST, ({ type }) => type === 'output.delta' && setImmediate(() => stop.abort()), stop.signal)
      .then(({ status }) => order.push(status));
    await canceling.promise;
    await new Promise((turn) => setImmediate(turn));
    canceled.resolve();
    await answer;
    expect(order).toEqual(['closed', 'aborted']);
  });

  test('after the end takes nothing away, and lets go at once', async () => {
    const closed = signalled();
    const server = await startModelServer((response) => {
      response.on('close', closed.resolve);
      response.writeHead(200, EVENT_STREAM).write(sse(saying('Hi')));
    });
    const clock = createSteppedClock();
    const stop = new AbortController();
    void clock.whenPending(250).then(() => stop.abort());
    const model = openaiModel({ model: 'any', baseURL: server.baseURL, env: {}, clock });
    expect(await model.sample(REQUEST, ignore, stop.signal)).toMatchObject({ status: 'completed' });
    await closed.promise;
    expect(clock.pending()).toEqual([]);
  });
});
