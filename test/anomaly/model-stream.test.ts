import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { normalised } from '../../src/history/normalise.ts';
import { createSession, defineTool } from '../../src/index.ts';
import { httpFetch } from '../../src/model/http-fetch.ts';
import type { OpenAIModelOptions } from '../../src/model/openai.ts';
import type { HistoryEntry } from '../../src/protocol/history.ts';
import { EVENT_STREAM, type Reply, sse, startModelServer } from '../model/model-server.ts';
import { selfSigned, startRawServer, startSecureServer } from '../model/raw-servers.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';
import { ask, modelAt, never, REQUEST } from './model-asking.ts';
import { DIALECTS, type Dialect, replyStream } from './model-dialects.ts';
import { FIXTURES } from './model-fixtures.ts';

// The bad input of model servers, numbered as in the corpus of bad inputs (1 to 32), each with the one result it may
// have: what is about bytes and statuses by way of the adapter alone, what is about calls by way of a session.

const WAYS = [
  { api: 'responses', transport: 'fetch' },
  { api: 'responses', transport: 'http' },
  { api: 'chat', transport: 'fetch' },
] as const;
const TRANSPORTS = { fetch: globalThis.fetch, http: httpFetch({ env: {} }) };

const rows = FIXTURES.flatMap((fixture) =>
  WAYS.filter(({ api, transport }) => api === (fixture.only ?? api) && transport === (fixture.over ?? transport)).map(
    (way) => ({ ...fixture, ...way }),
  ),
);

test.each(rows)('$group $name ($api, $transport)', async ({ api, transport, replies, requests, delays = [], ends }) => {
  const server = await startModelServer(...replies(DIALECTS[api]));
  const met = await ask(server.baseURL, { wireApi: api, fetch: TRANSPORTS[transport] });
  expect({ requests: server.bodies.length, delays: met.delays, ends: met.ends }).toEqual({ requests, delays, ends });
});

describe.each(['responses', 'chat'] as const)('a session that speaks %s', (api) => {
  type Row = {
    group: number;
    name: string;
    steps(it: Dialect): readonly (readonly unknown[])[];
    noted: string[];
    outputs: readonly unknown[];
  };
  const note = (id: string | undefined, text: string, index = 0) => ({
    ...(id === undefined ? {} : { id }),
    name: 'note',
    text,
    index,
  });
  const a = '{"text":"a"}';
  const matching = (pattern: RegExp) => expect.stringMatching(pattern);

  const rows: readonly Row[] = [
    {
      group: 6,
      name: 'arguments that are no JSON',
      steps: (it) => [it.call(note('c1', '{"text":'))],
      noted: [],
      outputs: [['c1', matching(/JSON/)]],
    },
    ...['[1]', 'null', '7', '{"text":1}', '{"other":"a"}'].map((text) => ({
      group: 7,
      name: `arguments that do not fit: ${text}`,
      steps: (it: Dialect) => [it.call(note('c1', text))],
      noted: [],
      outputs: [['c1', matching(/Invalid arguments|Expected/)]],
    })),
    {
      group: 9,
      name: 'an unknown tool',
      steps: (it) => [it.call({ id: 'c1', name: 'nope', text: '{}' })],
      noted: [],
      outputs: [['c1', matching(/^Unknown tool "nope"/)]],
    },
    ...['no\nte', '\u001b[2Jnote', '__proto__', 'constructor'].map((name) => ({
      group: 10,
      name: `a tool called ${JSON.stringify(name)}`,
      steps: (it: Dialect) => [it.call({ id: 'c1', name, text: '{}' })],
      noted: [],
      outputs: [['c1', matching(/^Unknown tool/)]],
    })),
    {
      group: 11,
      name: 'two calls with one id',
      steps: (it) => [[...it.call(note('c1', a)), ...it.call(note('c1', '{"text":"b"}', 1))]],
      // Chat Completions know no item: with one id and two indexes they are two calls, too.
      noted: ['a'],
      outputs: [
        ['c1', 'noted a'],
        [expect.not.stringMatching(/^c1$/), matching(/used before/)],
      ],
    },
    {
      group: 12,
      name: 'an id used again later',
      steps: (it) => [it.call(note('c1', a)), it.call(note('c1', '{"text":"b"}'))],
      noted: ['a'],
      outputs: [
        ['c1', 'noted a'],
        [expect.not.stringMatching(/^c1$/), matching(/used before/)],
      ],
    },
    {
      group: 13,
      name: 'an empty id',
      steps: (it) => [it.call(note('', a)), it.call(note(undefined, a))],
      noted: ['a', 'a'],
      outputs: [
        [matching(/./), 'noted a'],
        [matching(/./), 'noted a'],
      ],
    },
    {
      group: 23,
      name: 'a call that is cut short',
      steps: (it) => [
        [...it.call(note('c1', a)).slice(0, it.api === 'chat' ? 1 : 0), ...it.argument('{"te'), ...it.cutShort],
      ],
      noted: [],
      outputs: [],
    },
  ];

  test.each(rows)('$group $name', async ({ steps, noted, outputs }) => {
    const dialect = DIALECTS[api];
    const isEnded = (events: readonly unknown[]) => events.includes(dialect.cutShort[0]);
    const answers = steps(dialect).map((events) =>
      replyStream(isEnded(events) ? events : [...events, ...dialect.stop]),
    );
    const server = await startModelServer(...answers, replyStream([...dialect.say('Done.'), ...dialect.stop]));
    const notes: string[] = [];
    const tool = defineTool({
      name: 'note',
      description: 'Notes a text.',
      input: z.object({ text: z.string() }),
      execute: async ({ text }) => {
        notes.push(text);
        return `noted ${text}`;
      },
    });
    await using session = createSession({
      model: modelAt(server.baseURL, { wireApi: api }),
      tools: [tool],
      rollout: 'off',
      cwd: tmpdir(),
    });
    const outcome = await session.run('Hello').outcome;
    const told = session.entries().flatMap((entry) => (entry.type === 'output' ? [[entry.callId, entry.output]] : []));
    expect({ status: outcome.status, notes, outputs: told }).toEqual({ status: 'completed', notes: noted, outputs });
    expect(namesIn(server.bodies)).toEqual(namesIn(server.bodies).filter((name) => /^[a-zA-Z0-9_-]+$/.test(name)));
  });

  test('19 NUL in a command', async () => {
    const dialect = DIALECTS[api];
    const command = dialect.call({ id: 'c1', name: 'shell', text: JSON.stringify({ command: 'echo a\0b' }) });
    const server = await startModelServer(
      replyStream([...command, ...dialect.stop]),
      replyStream([...dialect.say('Done.'), ...dialect.stop]),
    );
    await using session = createSession({
      model: modelAt(server.baseURL, { wireApi: api }),
      rollout: 'off',
      cwd: tmpdir(),
      sandbox: 'danger-full-access',
      approvalPolicy: 'never',
    });
    expect(await session.run('Hello').outcome).toMatchObject({ status: 'completed', answer: 'Done.' });
    expect(session.entries()).toContainEqual({ type: 'output', callId: 'c1', output: matching(/NUL/) });
  });

  test('14 and 15 a call without its output, and an output without its call', async () => {
    const dialect = DIALECTS[api];
    const server = await startModelServer(replyStream([...dialect.say('Hello'), ...dialect.stop]));
    const history: readonly HistoryEntry[] = [
      ...REQUEST.history,
      { type: 'call', callId: 'c1', name: 'note', arguments: '{}' },
      { type: 'output', callId: 'orphan', output: 'of nobody' },
      { type: 'message', role: 'user', content: [{ type: 'text', text: 'Go on.' }] },
    ];
    const { ends } = await ask(server.baseURL, { wireApi: api }, { ...REQUEST, history: normalised(history) });
    const body = JSON.stringify(server.bodies[0]);
    expect({ ends, call: body.includes('aborted'), orphan: body.includes('of nobody') }).toEqual({
      ends: 'Hello',
      call: true,
      orphan: false,
    });
  });

  test('a prompt of 5 MB arrives whole', async () => {
    const dialect = DIALECTS[api];
    const server = await startModelServer(replyStream([...dialect.say('Hello'), ...dialect.stop]));
    const text = 'Prömpt. '.repeat(655_360);
    const history: readonly HistoryEntry[] = [{ type: 'message', role: 'user', content: [{ type: 'text', text }] }];
    const { ends } = await ask(server.baseURL, { wireApi: api }, { ...REQUEST, history });
    expect(ends).toBe('Hello');
    expect(JSON.stringify(server.bodies[0])).toContain(text);
  });
});

describe('29 a server that is not reached', () => {
  test('because its name is unknown', async () => {
    const { ends, delays } = await ask('http://nobody.invalid/v1', {});
    expect({ ends, delays }).toEqual({ ends: 'model-unreachable!', delays: [200, 400] });
  });

  const identity = selfSigned();
  test.skipIf(identity === null)('because its certificate is not trusted (needs openssl)', async () => {
    const port = await startSecureServer(identity ?? { key: '', cert: '' }, (_, response) => response.end());
    const { ends, delays, answer } = await ask(`https://localhost:${port}/v1`, {});
    expect({ ends, delays }).toEqual({ ends: 'model-unreachable', delays: [] });
    expect(answer).toMatchObject({ error: { message: expect.stringMatching(/certificate.*NODE_EXTRA_CA_CERTS/) } });
  });

  test('because it speaks no TLS', async () => {
    const server = await startModelServer(() => undefined);
    const { ends, delays, answer } = await ask(server.baseURL.replace('http:', 'https:'), {});
    expect({ ends, delays }).toEqual({ ends: 'model-unreachable', delays: [] });
    expect(answer).toMatchObject({ error: { message: expect.stringContaining('http://') } });
  });

  test('because what answers there is no HTTP', async () => {
    const port = await startRawServer((socket) => socket.end('220 mail.example ESMTP\r\n'));
    expect(await ask(`http://127.0.0.1:${port}/v1`, {})).toMatchObject({ ends: 'model-unreachable!' });
  });
});

describe('30 a server that takes its time', () => {
  /** Asks on a clock that goes on only as far as it is told to. */
  async function askSlow(reply: Reply, options: Partial<OpenAIModelOptions>) {
    const arrived = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    const server = await startModelServer((response, request) => {
      response.on('close', () => closed.resolve());
      reply(response, request);
      arrived.resolve();
    });
    const clock = createSteppedClock();
    const model = modelAt(server.baseURL, { clock, maxRetries: 0, ...options });
    const answer = model.sample(REQUEST, () => undefined, never);
    await arrived.promise;
    return { clock, answer, closed: closed.promise };
  }

  test.each<{ what: string; reply: Reply }>([
    { what: 'whose headers never come', reply: () => undefined },
    {
      what: 'whose words of an error never end',
      reply: (response) => void response.writeHead(500).write('{"error":'),
    },
    {
      what: 'that falls silent after its headers',
      reply: (response) => response.writeHead(200, EVENT_STREAM).flushHeaders(),
    },
  ])('$what is given up', async ({ reply }) => {
    const { clock, answer, closed } = await askSlow(reply, { idleTimeoutMs: 5000 });
    clock.advance(5000);
    expect(await answer).toMatchObject({ status: 'failed', error: { code: 'stream-cut', retryable: true } });
    await closed;
    expect(clock.pending()).toEqual([]);
  });

  test('that sends a byte every 10 s is given up, because no event comes of them', async () => {
    const bytes = Buffer.from(sse(DIALECTS.responses.say('Hello')));
    const { promise: begun, resolve: begin } = Promise.withResolvers<Parameters<Reply>[0]>();
    const { clock, answer, closed } = await askSlow((response) => {
      response.writeHead(200, EVENT_STREAM);
      begin(response);
    }, {});
    const response = await begun;
    let seconds = 0;
    for (const byte of bytes.subarray(0, 40)) {
      if (response.destroyed || seconds >= 300) break;
      await new Promise((written) => response.write(Buffer.of(byte), written));
      clock.advance(10_000);
      seconds += 10;
    }
    expect(await answer).toMatchObject({ status: 'failed', error: { code: 'stream-cut' } });
    await closed;
    expect({ seconds, timers: clock.pending() }).toEqual({ seconds: 300, timers: [] });
  });

  test('that never ends is given up in the end', async () => {
    const { clock, answer } = await askSlow((response) => response.writeHead(200, EVENT_STREAM).flushHeaders(), {
      timeoutMs: 60_000,
    });
    clock.advance(60_000);
    expect(await answer).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('60000 ms') } });
  });
});

/** The names of the calls that a server was shown. */
function namesIn(bodies: readonly unknown[]): readonly string[] {
  return bodies.flatMap((body) =>
    [...JSON.stringify(body).matchAll(/"name":("(?:[^"\\]|\\.)*")/g)].map(([, name]) => JSON.parse(name ?? '""')),
  );
}
