import { expect, test } from 'vitest';
import { openaiModel } from '../../src/model/openai.ts';
import type { ModelAnswer, ModelProgress, ModelRequest } from '../../src/model/port.ts';
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
import { createSteppedClock } from './stepped-clock.ts';

const REQUEST: ModelRequest = {
  instructions: null,
  history: [{ type: 'message', role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  tools: [],
  parallelToolCalls: false,
  cacheKey: 'session-1',
};

/** Asks a model on a clock that goes on by itself over each delay before a retry, and only then. */
async function ask(baseURL: string): Promise<{ answer: ModelAnswer; delays: readonly number[]; text: string }> {
  const clock = createSteppedClock(Date.parse('2026-11-22T12:00:00Z'));
  const delays: number[] = [];
  let text = '';
  const onProgress = (progress: ModelProgress) => {
    if (progress.type === 'output.delta') text += progress.delta;
    if (progress.type !== 'retrying') return;
    text = '';
    delays.push(progress.delayMs);
    void clock.whenPending(progress.delayMs).then(() => clock.advance(progress.delayMs));
  };
  const model = openaiModel({ model: 'any', baseURL, apiKey: 'none', clock, rng: NO_JITTER });
  const answer = await model.sample(REQUEST, onProgress, new AbortController().signal);
  expect(clock.pending()).toEqual([]);
  return { answer, delays, text };
}

const NO_JITTER = { next: () => 0.5, bytes: (length: number) => new Uint8Array(length) };

const said = replyEvents(saying('Hi'));
const broken: Reply = (response) => {
  response.writeHead(200, EVENT_STREAM).write(sse(saying('Half').slice(0, 3)), () => response.destroy());
};
const ended: Reply = replyEvents(saying('Half').slice(0, 3));
const html: Reply = (response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Welcome to the proxy</body></html>');
};
const fail = (status: number, code: string, headers: Readonly<Record<string, string>> = {}) =>
  replyJson(status, { error: { code, message: `Words about ${code}.` } }, headers);
const failing = (code: string) =>
  replyEvents([{ type: 'response.failed', response: { status: 'failed', error: { code, message: 'In a stream.' } } }]);

type Row = { what: string; replies: readonly Reply[]; requests: number; delays?: readonly number[]; ends: string };

const elsewhere: Reply = (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/v1' }).end();

const rows: readonly Row[] = [
  { what: 'a redirect to another server', replies: [elsewhere], requests: 1, ends: 'model-error' },
  { what: 'a 500, then an answer', replies: [fail(500, 'server_error'), said], requests: 2, delays: [200], ends: 'Hi' },
  {
    what: 'a server that stays down',
    replies: [fail(503, 'server_error')],
    requests: 5,
    delays: [200, 400, 800, 1600],
    ends: 'model-error, retryable',
  },
  { what: 'a 408', replies: [fail(408, 'timeout'), said], requests: 2, delays: [200], ends: 'Hi' },
  { what: 'a 409', replies: [fail(409, 'conflict'), said], requests: 2, delays: [200], ends: 'Hi' },
  {
    what: 'an overloaded server (529)',
    replies: [fail(529, 'overloaded'), said],
    requests: 2,
    delays: [200],
    ends: 'Hi',
  },
  {
    what: 'a 429 that says in how many seconds',
    replies: [fail(429, 'rate_limit_exceeded', { 'retry-after': '3' }), said],
    requests: 2,
    delays: [3000],
    ends: 'Hi',
  },
  {
    what: 'a 429 that says at which time',
    replies: [fail(429, 'rate_limit_exceeded', { 'retry-after': 'Sun, 22 Nov 2026 12:00:07 GMT' }), said],
    requests: 2,
    delays: [7000],
    ends: 'Hi',
  },
  {
    what: 'a 429 that wants to wait for a day',
    replies: [fail(429, 'rate_limit_exceeded', { 'retry-after': '99999' }), said],
    requests: 2,
    delays: [60_000],
    ends: 'Hi',
  },
  {
    what: 'a 429 that says nonsense',
    replies: [fail(429, 'rate_limit_exceeded', { 'retry-after': 'soon' }), said],
    requests: 2,
    delays: [200],
    ends: 'Hi',
  },
  { what: 'a 429 for want of money', replies: [fail(429, 'insufficient_quota')], requests: 1, ends: 'rate-limited' },
  { what: 'a 401', replies: [fail(401, 'invalid_api_key')], requests: 1, ends: 'unauthorized' },
  { what: 'a 403', replies: [fail(403, 'forbidden')], requests: 1, ends: 'unauthorized' },
  { what: 'a 404', replies: [fail(404, 'model_not_found')], requests: 1, ends: 'model-error' },
  { what: 'a 400', replies: [fail(400, 'bad_value')], requests: 1, ends: 'model-error' },
  { what: 'a 422', replies: [fail(422, 'bad_value')], requests: 1, ends: 'model-error' },
  {
    what: 'a 400 for a history that is too long',
    replies: [fail(400, 'context_length_exceeded')],
    requests: 1,
    ends: 'context-window-exceeded',
  },
  {
    what: 'a 400 from content policy',
    replies: [fail(400, 'content_policy_violation')],
    requests: 1,
    ends: 'model-refused',
  },
  { what: 'a reset in mid-stream', replies: [broken, said], requests: 2, delays: [200], ends: 'Hi' },
  { what: 'a stream that ends too early', replies: [ended, said], requests: 2, delays: [200], ends: 'Hi' },
  {
    what: 'a stream that always ends too early',
    replies: [ended],
    requests: 5,
    delays: [200, 400, 800, 1600],
    ends: 'stream-cut, retryable',
  },
  { what: 'an empty body', replies: [replyEvents([]), said], requests: 2, delays: [200], ends: 'Hi' },
  {
    what: 'an event that is no JSON',
    replies: [replyEvents(['{"type":']), said],
    requests: 2,
    delays: [200],
    ends: 'Hi',
  },
  { what: 'a web page', replies: [html], requests: 1, ends: 'model-error' },
  { what: 'JSON instead of a stream', replies: [replyJson(200, { output: [] })], requests: 1, ends: 'model-error' },
  { what: 'a failure in the stream', replies: [failing('server_error'), said], requests: 2, delays: [200], ends: 'Hi' },
  {
    what: 'an exceeded window, said in the stream',
    replies: [failing('context_length_exceeded')],
    requests: 1,
    ends: 'context-window-exceeded',
  },
  { what: 'no money, said in the stream', replies: [failing('insufficient_quota')], requests: 1, ends: 'rate-limited' },
];

test.each(rows)('meets $what with $requests requests', async ({ replies, requests, delays = [], ends }) => {
  const server = await startModelServer(...replies);
  const { answer, delays: waited, text } = await ask(server.baseURL);
  expect({ requests: server.bodies.length, delays: waited, ends: outcome(answer, text) }).toEqual({
    requests,
    delays,
    ends,
  });
});

function outcome(answer: ModelAnswer, text: string): string {
  if (answer.status === 'completed') return text;
  if (answer.status !== 'failed') return answer.status;
  return answer.error.code + (answer.error.retryable ? ', retryable' : '');
}

test('tries twice more where nobody listens', async () => {
  const { answer, delays } = await ask(`http://127.0.0.1:${await freePort()}/v1`);
  expect(delays).toEqual([200, 400]);
  expect(answer).toMatchObject({ status: 'failed', error: { code: 'model-unreachable', retryable: true } });
});

test('says what a person can do', async () => {
  const server = await startModelServer(fail(401, 'invalid_api_key'));
  const { answer } = await ask(server.baseURL);
  expect(answer).toEqual({
    status: 'failed',
    error: {
      code: 'unauthorized',
      message: `The server refused the API key. (401: Words about invalid_api_key.; ${server.baseURL}) Check OPENAI_API_KEY, or the option apiKey.`,
      retryable: false,
    },
    usage: null,
  });
});

test('tells of each retry what went wrong, and begins again from index 0', async () => {
  const server = await startModelServer(broken, said);
  const clock = createSteppedClock();
  const told: string[] = [];
  const onProgress = (progress: ModelProgress) => {
    const { type } = progress;
    told.push(
      type === 'retrying'
        ? `${type} ${progress.attempt} of ${progress.of}: ${progress.error.code}`
        : `${type} ${progress.index}`,
    );
    if (type === 'retrying') void clock.whenPending(progress.delayMs).then(() => clock.advance(progress.delayMs));
  };
  const model = openaiModel({ model: 'any', baseURL: server.baseURL, apiKey: 'none', clock, rng: NO_JITTER });
  await model.sample(REQUEST, onProgress, new AbortController().signal);
  expect(told).toEqual([
    'output.started 0',
    'output.delta 0',
    'retrying 1 of 4: stream-cut',
    'output.started 0',
    'output.delta 0',
    'output.completed 0',
  ]);
});

test('stops waiting for a retry when it is aborted', async () => {
  const server = await startModelServer(fail(500, 'server_error'));
  const clock = createSteppedClock();
  const stop = new AbortController();
  const model = openaiModel({ model: 'any', baseURL: server.baseURL, apiKey: 'none', clock, rng: NO_JITTER });
  const answer = model.sample(REQUEST, () => undefined, stop.signal);
  await clock.whenPending(200);
  stop.abort();
  expect(await answer).toEqual({ status: 'aborted' });
  expect({ requests: server.bodies.length, timers: clock.pending() }).toEqual({ requests: 1, timers: [] });
});

test('gives up on a server that falls silent, and tries again', async () => {
  const silent: Reply = (response) => void response.writeHead(200, EVENT_STREAM).write(sse(saying('Half').slice(0, 3)));
  const server = await startModelServer(silent, said);
  const clock = createSteppedClock();
  const told: ModelProgress['type'][] = [];
  const onProgress = (progress: ModelProgress) => {
    told.push(progress.type);
    if (progress.type === 'output.delta' && !told.includes('retrying')) clock.advance(5000);
    if (progress.type === 'retrying') void clock.whenPending(200).then(() => clock.advance(200));
  };
  const model = openaiModel({
    model: 'any',
    baseURL: server.baseURL,
    apiKey: 'none',
    clock,
    rng: NO_JITTER,
    idleTimeoutMs: 5000,
  });
  const answer = await model.sample(REQUEST, onProgress, new AbortController().signal);
  expect({ status: answer.status, told }).toEqual({
    status: 'completed',
    told: ['output.started', 'output.delta', 'retrying', 'output.started', 'output.delta', 'output.completed'],
  });
});

test('has patience with a server that is slow but not silent', async () => {
  const clock = createSteppedClock();
  const events = [...saying('Slow')];
  const letters = [...'Slow'].map((delta) => ({ type: 'response.output_text.delta', output_index: 0, delta }));
  events.splice(2, 1, ...letters);
  let next = () => {};
  const slow: Reply = (response) => {
    response.writeHead(200, EVENT_STREAM);
    next = () => void (events.length > 0 ? response.write(sse(events.splice(0, 1))) : response.end());
    for (let opening = 0; opening < 3; opening += 1) next();
  };
  const server = await startModelServer(slow);
  const onProgress = (progress: ModelProgress) => {
    if (progress.type !== 'output.delta') return;
    clock.advance(4000);
    for (let more = events.length > 2 ? 1 : 3; more > 0; more -= 1) next();
  };
  const model = openaiModel({ model: 'any', baseURL: server.baseURL, apiKey: 'none', clock, idleTimeoutMs: 5000 });
  expect(await model.sample(REQUEST, onProgress, new AbortController().signal)).toMatchObject({ status: 'completed' });
  expect(server.bodies.length).toBe(1);
});

test('gives up on a server whose headers never come', async () => {
  let arrived = () => {};
  const asked = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const server = await startModelServer(() => arrived());
  const clock = createSteppedClock();
  const model = openaiModel({
    model: 'any',
    baseURL: server.baseURL,
    apiKey: 'none',
    clock,
    maxRetries: 0,
    timeoutMs: 7000,
  });
  const answer = model.sample(REQUEST, () => undefined, new AbortController().signal);
  await asked;
  clock.advance(7000);
  expect(await answer).toEqual({
    status: 'failed',
    error: {
      code: 'stream-cut',
      message: `The model server at ${server.baseURL} was not done after 7000 ms. Look at its log; if it is only slow, raise timeoutMs.`,
      retryable: true,
    },
    usage: null,
  });
});
