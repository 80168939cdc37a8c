import { describe, expect, test } from 'vitest';
import { type OpenAIModelOptions, openaiModel } from '../../src/model/openai.ts';
import type { HistoryEntry } from '../../src/protocol/history.ts';
import { ask, modelAt, paths, REQUEST, textOf } from './asking.ts';
import {
  chatSaying,
  EVENT_STREAM,
  type Reply,
  replyEvents,
  replyJson,
  saying,
  sse,
  startModelServer,
} from './model-server.ts';
import { createSteppedClock } from './stepped-clock.ts';

const keys = (body: unknown) => Object.keys(Object(body));

const hello = replyEvents(saying('Hello'));
const chatHello = replyEvents(chatSaying('Hello'));
const CHAT = 'chat/completions';

describe('Chat Completions', () => {
  test('are asked for and answered over HTTP', async () => {
    const server = await startModelServer(chatHello);
    const answer = await ask(modelAt(server, { wireApi: 'chat' }));
    expect(answer).toEqual({ status: 'completed', outputs: [{ type: 'message', text: 'Hello' }], usage: null });
    expect(paths(server)).toEqual([CHAT]);
    expect(server.bodies[0]).toMatchObject({
      model: 'any',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
      ],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test('are whole without their mark of the end, which is not waited for much longer', async () => {
    const open: Reply = (response) =>
      void response.writeHead(200, EVENT_STREAM).write(sse(chatSaying('Hello').slice(0, 3)));
    const server = await startModelServer(open);
    const clock = createSteppedClock();
    void clock.whenPending(2000).then(() => clock.advance(2000));
    const answer = await ask(modelAt(server, { wireApi: 'chat', clock }));
    expect({ text: textOf(answer), timers: clock.pending() }).toEqual({ text: 'Hello', timers: [] });
  });

  test('are whole when the connection breaks after the model had finished, and not before', async () => {
    const brokenAfter =
      (events: number): Reply =>
      (response) => {
        const bytes = sse(chatSaying('Hello').slice(0, events));
        response.writeHead(200, EVENT_STREAM).write(bytes, () => setImmediate(() => response.destroy()));
      };
    const server = await startModelServer(brokenAfter(2), brokenAfter(3));
    expect(textOf(await ask(modelAt(server, { wireApi: 'chat' })))).toBe('Hello');
    expect(server.bodies.length).toBe(2);
  });

  test('wait for the count of tokens that comes after the end', async () => {
    const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
    const server = await startModelServer((response) => {
      const [done, ...said] = [...chatSaying('Hello')].reverse();
      response.writeHead(200, EVENT_STREAM).write(sse(said.reverse()), () => {
        setImmediate(() => response.end(sse([{ choices: [], usage }, done])));
      });
    });
    const clock = createSteppedClock();
    expect(await ask(modelAt(server, { wireApi: 'chat', clock }))).toMatchObject({ usage: { totalTokens: 10 } });
  });
});

describe('what a server does not know', () => {
  const unknown = (message: string, more: object = {}, status = 400) =>
    replyJson(status, { error: { message, ...more } });

  type Row = { says: string; more?: object; status?: number; wireApi: 'responses' | 'chat'; lacks: readonly string[] };
  const rows: readonly Row[] = [
    {
      says: 'Unknown parameter: x',
      more: { param: 'prompt_cache_key' },
      wireApi: 'responses',
      lacks: ['prompt_cache_key'],
    },
    { says: "property 'store' is unsupported", wireApi: 'responses', lacks: ['store'] },
    { says: 'text.format json_schema is not supported', wireApi: 'responses', lacks: ['text'] },
    { says: 'Unsupported value', more: { param: 'reasoning.effort' }, wireApi: 'responses', lacks: ['reasoning'] },
    { says: "Unsupported parameter: 'parallel_tool_calls'", wireApi: 'chat', lacks: ['parallel_tool_calls'] },
    { says: 'stream_options: Extra inputs are not permitted', status: 422, wireApi: 'chat', lacks: ['stream_options'] },
    { says: 'no', more: { param: 'reasoning_effort' }, wireApi: 'chat', lacks: ['reasoning_effort'] },
    { says: 'This response_format type is unavailable now', wireApi: 'chat', lacks: ['response_format'] },
    {
      says: 'Unrecognized: stream_options, parallel_tool_calls, reasoning_effort',
      wireApi: 'chat',
      lacks: ['stream_options', 'parallel_tool_calls', 'reasoning_effort'],
    },
  ];

  test.each(rows)('is left out from then on: $says', async ({ says, more, status, wireApi, lacks }) => {
    const server = await startModelServer(unknown(says, more, status), wireApi === 'chat' ? chatHello : hello);
    const model = modelAt(server, { wireApi });
    expect([textOf(await ask(model)), textOf(await ask(model))]).toEqual(['Hello', 'Hello']);
    const [first, ...later] = server.bodies.map(keys);
    expect(first).toEqual(expect.arrayContaining([...lacks]));
    expect(later).toEqual(Array(2).fill(first?.filter((key) => !lacks.includes(key))));
  });

  test.each([
    { says: "Invalid schema for response_format 'output': 'allOf' is not permitted.", wireApi: 'chat' as const },
    { says: 'Invalid schema for text.format', more: { param: 'text.format.schema' }, wireApi: 'responses' as const },
    { says: 'The `reasoning_content` in the thinking mode must be passed back to the API.', wireApi: 'chat' as const },
    { says: 'Unknown model', more: { param: 'model' }, wireApi: 'chat' as const },
  ])('is not what it says: $says', async ({ says, more, wireApi }) => {
    const server = await startModelServer(unknown(says, more));
    expect(await ask(modelAt(server, { wireApi }))).toMatchObject({ status: 'failed', error: { retryable: false } });
    expect(server.bodies.length).toBe(1);
  });

  test.each(['responses', 'chat'] as const)('may be the developer: then it is the system (%s)', async (wireApi) => {
    const server = await startModelServer(
      unknown("'developer' is not supported: expected one of system, user"),
      wireApi === 'chat' ? chatHello : hello,
    );
    const history: readonly HistoryEntry[] = [
      { type: 'message', role: 'developer', content: [{ type: 'text', text: 'Project.' }] },
      ...REQUEST.history,
    ];
    // Azure's name is one of those that are spoken to as OpenAI is; here it leads to this machine.
    const fetch: typeof globalThis.fetch = (input, init) =>
      globalThis.fetch(String(input).replace('https://mine.openai.azure.com/v1', server.baseURL), init);
    const model = modelAt(server, { wireApi, baseURL: 'https://mine.openai.azure.com/v1', fetch });
    expect(textOf(await ask(model, { ...REQUEST, instructions: null, history }))).toBe('Hello');
    const roles = server.bodies.map((body) =>
      Object(body)[wireApi === 'chat' ? 'messages' : 'input'].map(({ role }: { role: string }) => role),
    );
    expect(roles).toEqual([
      ['developer', 'user'],
      ['system', 'user'],
    ]);
  });

  test('may be the reasoning that it gave itself', async () => {
    const server = await startModelServer(
      unknown("'messages.2' : for 'role:assistant' : property 'reasoning_content' is unsupported"),
      chatHello,
    );
    const model = modelAt(server, { wireApi: 'chat' });
    const raw = { provider: model.provider, item: { field: 'reasoning_content' } };
    const history: readonly HistoryEntry[] = [
      ...REQUEST.history,
      { type: 'reasoning', text: 'Hm', raw },
      { type: 'call', callId: 'c1', name: 'shell', arguments: '{}' },
      { type: 'output', callId: 'c1', output: 'done' },
    ];
    expect(textOf(await ask(model, { ...REQUEST, history }))).toBe('Hello');
    expect(server.bodies.map((body) => keys(Object(body).messages[2]).includes('reasoning_content'))).toEqual([
      true,
      false,
    ]);
  });

  test('is learned in no more than six requests, whatever else fails', async () => {
    const names = ['prompt_cache_key', 'parallel_tool_calls', 'reasoning', 'store', 'text.format', 'developer'];
    const refusals = names.map((name) => unknown(`Unknown: ${name}`));
    const down = replyJson(500, { error: { message: 'Down.' } });
    const history: readonly HistoryEntry[] = [
      { type: 'message', role: 'developer', content: [{ type: 'text', text: 'Project.' }] },
      ...REQUEST.history,
    ];
    const runs = [refusals, [...refusals.slice(0, 3), down], [down, ...refusals]];
    for (const replies of runs) {
      const server = await startModelServer(...replies, replies === refusals ? hello : down);
      const model = modelAt(server);
      expect(await ask(model, { ...REQUEST, history })).toMatchObject({ status: 'failed' });
      expect(server.bodies.length).toBe(6);
      // What was learned is kept.
      if (replies === refusals) expect(textOf(await ask(model, { ...REQUEST, history }))).toBe('Hello');
    }
  });
});

describe('headers and query', () => {
  test('are those that Azure wants, and its key is sent and shown nowhere else', async () => {
    const AZURE_KEY = 'azure-secret-key';
    const isWelcome: Reply = (response, request) => {
      const { searchParams, pathname } = new URL(request.url ?? '', 'http://azure');
      const fits = {
        path: pathname === '/openai/deployments/mine/chat/completions',
        version: searchParams.get('api-version') === '2025-04-01-preview',
        key: request.headers['api-key'] === AZURE_KEY,
        bearer: request.headers.authorization === undefined,
      };
      const isFine = Object.values(fits).every(Boolean);
      if (isFine) chatHello(response, request);
      else
        replyJson(401, { error: { message: `Not welcome with ${AZURE_KEY}: ${JSON.stringify(fits)}` } })(
          response,
          request,
        );
    };
    const server = await startModelServer(isWelcome);
    const azure = (options: Partial<OpenAIModelOptions>) =>
      modelAt(server, {
        wireApi: 'chat',
        baseURL: server.baseURL.replace('/v1', '/openai/deployments/mine'),
        env: { OPENAI_API_KEY: 'of-another' },
        defaultQuery: { 'api-version': '2025-04-01-preview' },
        defaultHeaders: { 'api-key': AZURE_KEY },
        ...options,
      });
    expect(textOf(await ask(azure({})))).toBe('Hello');
    const refused = await ask(azure({ defaultQuery: { 'api-version': 'old' } }));
    expect(refused).toMatchObject({
      status: 'failed',
      error: { code: 'unauthorized', message: expect.stringContaining('Not welcome with [the API key]') },
    });
    expect(JSON.stringify(refused)).not.toContain(AZURE_KEY);
  });

  test('may leave out what would be sent, or take its place', async () => {
    const server = await startModelServer(hello);
    await ask(
      modelAt(server, { apiKey: 'key', defaultHeaders: { Authorization: null, 'x-one': '1', 'x-none': undefined } }),
    );
    await ask(
      modelAt(server, {
        apiKey: 'key',
        defaultHeaders: { authorization: 'Basic abc', 'api-key': 'k' },
        defaultQuery: { a: '1', b: undefined },
      }),
    );
    expect(
      server.heads.map(({ url, headers }) => [url, headers.authorization, headers['x-one'], headers['x-none']]),
    ).toEqual([
      ['/v1/responses', undefined, '1', undefined],
      ['/v1/responses?a=1', 'Basic abc', undefined, undefined],
    ]);
  });

  test.each<{ options: Partial<OpenAIModelOptions>; says: string }>([
    { options: { apiKey: 'two\nlines' }, says: 'apiKey' },
    { options: { apiKey: 'schlüssel→' }, says: 'apiKey' },
    { options: { defaultHeaders: { 'not a name': '1' } }, says: 'defaultHeaders' },
    { options: { baseURL: 'http://user:secret@localhost/v1' }, says: 'baseURL to be a URL without a user' },
  ])('that cannot be sent are refused at once, and not shown: $says', ({ options, says }) => {
    const make = () => openaiModel({ model: 'any', baseURL: 'http://localhost/v1', env: {}, ...options });
    expect(make).toThrow(expect.objectContaining({ code: 'invalid-config', message: expect.stringContaining(says) }));
    expect(make).not.toThrow(/lines|schlüssel|secret/);
  });
});
