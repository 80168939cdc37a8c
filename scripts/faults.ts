import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openaiModel } from '../src/model/openai.ts';
import type { ModelAnswer, ModelProgress } from '../src/model/port.ts';
import { type Clock, systemClock } from '../src/runtime/clock.ts';

/** What a model server does wrong. `replies`: the n-th request gets the n-th, later ones the last. Null: nobody listens. */
export type FaultRow = Readonly<{ fault: string; replies: readonly Reply[] | null; idleTimeoutMs?: number }>;
type Reply = (response: ServerResponse, api: Api) => void;
type Api = 'responses' | 'chat';

/** What came of it. `gapsMs`: the delays before the retries, as they were asked of the clock. */
export type FaultReport = Readonly<{ requests: number; gapsMs: readonly number[]; outcome: string; message: string }>;

const event = (data: unknown) => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
const begun: Readonly<Record<Api, string>> = {
  responses: event({ type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'Hel' }),
  chat: event({ choices: [{ index: 0, delta: { content: 'Hel' } }] }),
};
const ended: Readonly<Record<Api, string>> = {
  responses: event({ type: 'response.completed', response: { id: 'resp_1', status: 'completed', output: [] } }),
  chat: event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }) + event('[DONE]'),
};

const status =
  (code: number, error: object, headers: Readonly<Record<string, string>> = {}): Reply =>
  (response) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ error }));
  };
const stream =
  (textOf: (api: Api) => string, after: (response: ServerResponse) => void = (response) => response.end()): Reply =>
  (response, api) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(textOf(api), () => after(response));
  };
const failed = (code: string, message: string) => stream(() => event({ type: 'error', error: { code, message } }));
const good = stream((api) => begun[api] + ended[api]);
const serverError = status(500, { message: 'Something broke.' });

export const FAULT_ROWS: readonly FaultRow[] = [
  { fault: '500 always', replies: [serverError] },
  { fault: '500 once', replies: [serverError, good] },
  { fault: '503 always', replies: [status(503, { code: 'server_is_overloaded', message: 'Overloaded.' })] },
  {
    fault: '429, retry-after 3, always',
    replies: [status(429, { code: 'rate_limit_exceeded', message: 'Too fast.' }, { 'retry-after': '3' })],
  },
  {
    fault: '429, retry-after 3, once',
    replies: [status(429, { code: 'rate_limit_exceeded', message: 'Too fast.' }, { 'retry-after': '3' }), good],
  },
  { fault: '429, quota used up', replies: [status(429, { code: 'insufficient_quota', message: 'No money.' })] },
  { fault: '401', replies: [status(401, { code: 'invalid_api_key', message: 'Wrong key.' })] },
  { fault: '403', replies: [status(403, { message: 'Not in this country.' })] },
  { fault: '404, model', replies: [status(404, { code: 'model_not_found', message: 'No such model.' })] },
  { fault: '400', replies: [status(400, { message: 'Bad value.' })] },
  {
    fault: '400, context length',
    replies: [status(400, { code: 'context_length_exceeded', message: 'Too long.' })],
  },
  { fault: 'reset before the headers', replies: [(response) => response.socket?.resetAndDestroy()] },
  { fault: 'connection refused', replies: null },
  {
    fault: 'cut after the first byte',
    replies: [(response) => response.socket?.end('H')],
  },
  {
    fault: 'cut in mid-stream',
    replies: [
      stream(
        (api) => begun[api],
        (response) => response.destroy(),
      ),
    ],
  },
  {
    fault: 'cut in mid-stream, once',
    replies: [
      stream(
        (api) => begun[api],
        (response) => response.destroy(),
      ),
      good,
    ],
  },
  { fault: 'EOF before the terminal event', replies: [stream((api) => begun[api])] },
  { fault: 'empty body', replies: [stream(() => '')] },
  { fault: 'malformed event', replies: [stream((api) => event('{"type":') + ended[api])] },
  { fault: 'malformed event, once', replies: [stream(() => event('{"type":')), good] },
  {
    fault: 'HTML',
    replies: [
      (response) => {
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Please log in.</body></html>');
      },
    ],
  },
  { fault: 'error event: server_error', replies: [failed('server_error', 'Something broke.')] },
  { fault: 'error event: rate limit, in 1.5 s', replies: [failed('rate_limit_exceeded', 'Please try again in 1.5s.')] },
  { fault: 'error event: context length', replies: [failed('context_length_exceeded', 'Too long.')] },
  { fault: 'headers never come (waited for 100 ms here)', replies: [() => undefined], idleTimeoutMs: 100 },
];

/** Puts a model before the fault. Real servers, real time; only the delays before the retries take no time. */
export async function meetFault({ replies, idleTimeoutMs }: FaultRow, wireApi: Api): Promise<FaultReport> {
  let requests = 0;
  const api = (url = '') => (url.endsWith('/responses') ? 'responses' : 'chat');
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const reply = replies?.[Math.min(requests, replies.length - 1)];
      requests += 1;
      reply?.(response, api(request.url));
    });
  });
  const port = await new Promise<number>((resolve) => {
    // It listens on a port, so its address is no string.
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
  if (replies === null) await new Promise((resolve) => server.close(resolve));
  const { clock, gapsMs, onProgress } = createHastyClock();
  const model = openaiModel({
    model: 'any',
    baseURL: `http://127.0.0.1:${port}/v1`,
    env: {},
    wireApi,
    clock,
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
    rng: { next: () => 0.5, bytes: (length) => new Uint8Array(length) },
  });
  const request = { instructions: null, history: [], tools: [], parallelToolCalls: false, cacheKey: 'faults' };
  try {
    const answer = await model.sample(request, onProgress, new AbortController().signal);
    // Where nobody listens no request arrives, but each attempt is one.
    return { requests: replies === null ? gapsMs.length + 1 : requests, gapsMs, ...wordsOf(answer) };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** The machine's clock, but a delay before a retry is over at once; each is kept. Those are told before they begin. */
export function createHastyClock() {
  const gapsMs: number[] = [];
  let next: number | null = null;
  const clock: Clock = {
    now: systemClock.now,
    setTimeout(fn, ms) {
      if (ms !== next) return systemClock.setTimeout(fn, ms);
      next = null;
      gapsMs.push(ms);
      return systemClock.setTimeout(fn, 0);
    },
    clearTimeout: systemClock.clearTimeout,
  };
  const onProgress = (progress: ModelProgress) => {
    if (progress.type === 'retrying') next = progress.delayMs;
  };
  return { clock, gapsMs, onProgress };
}

function wordsOf(answer: ModelAnswer): Pick<FaultReport, 'outcome' | 'message'> {
  if (answer.status !== 'failed') return { outcome: answer.status, message: '' };
  return { outcome: answer.error.code, message: answer.error.message.replaceAll(/http:\S+?\/v1/g, '<base URL>') };
}

if (import.meta.main) {
  const wireApi: Api = process.argv.includes('--chat') ? 'chat' : 'responses';
  console.log(`Faults of a model server (${wireApi}); gaps are nominal, without the jitter of ±10 %.\n`);
  console.log('| fault | requests | gaps, ms | outcome | message |');
  console.log('| --- | --- | --- | --- | --- |');
  for (const row of FAULT_ROWS) {
    const { requests, gapsMs, outcome, message } = await meetFault(row, wireApi);
    console.log(`| ${[row.fault, requests, gapsMs.join(' ') || '-', outcome, message || '-'].join(' | ')} |`);
  }
}
