import { gzipSync } from 'node:zlib';
import { EVENT_STREAM, type Reply, replyJson, sse } from '../model/model-server.ts';
import { type Api, type Dialect, replyBytewise, replyStream } from './model-dialects.ts';

/**
 * What a model server does wrong, and what is to come of it: the result, how many requests it takes, and the delays
 * before the retries, in ms. `ends`: what the model has said, or why it failed; "!" marks what is worth another try.
 */
export type Fixture = Readonly<{
  group: number;
  name: string;
  only?: Api;
  /** Where it matters which transport it is. */
  over?: 'fetch' | 'http';
  replies(dialect: Dialect): readonly Reply[];
  requests: number;
  delays?: readonly number[];
  ends: string;
}>;

const MIB = 1_048_576;
const BACKOFF = [200, 400, 800, 1600];
/** What a reader of a stream that always fails comes to. */
const always = (ends: string) => ({ requests: 5, delays: BACKOFF, ends });
const once = { requests: 2, delays: [200], ends: 'Hello' };
const atOnce = (ends: string) => ({ requests: 1, ends });

const good = (dialect: Dialect): Reply => replyStream([...dialect.say('Hello'), ...dialect.stop]);
const half = (dialect: Dialect): string => sse(dialect.say('Half'));
const fails = (status: number, code: string, headers: Readonly<Record<string, string>> = {}): Reply =>
  replyJson(status, { error: { code, message: `Words about ${code}.` } }, headers);
const limited = (retryAfter: string) => fails(429, 'rate_limit_exceeded', { 'retry-after': retryAfter });
const page = (headers: Readonly<Record<string, string>>): Reply =>
  replyStream('<!doctype html><html><body>Please log in.</body></html>', undefined, headers);
const wholeOf = (dialect: Dialect, events: readonly unknown[]) => [replyStream([...events, ...dialect.stop])];

const text = { type: 'output_text', text: 'Hello' };
const item = { id: 'msg_1', type: 'message', role: 'assistant', content: [text] };
const added = { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } };
const done = (output_index = 0, more: object = {}) => ({
  type: 'response.output_item.done',
  output_index,
  item: { ...item, ...more },
});
const NESTED = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
/** 180 KB that become 40 MB. */
const BOMB = gzipSync(`data: ${'x'.repeat(40 * MIB)}`, { level: 1 });
const gzipped = { ...EVENT_STREAM, 'content-encoding': 'gzip' };

export const FIXTURES: readonly Fixture[] = [
  {
    group: 1,
    name: 'cut in the middle of data',
    replies: (it) => [replyStream(`${half(it)}data: {"type":"response.outp`), good(it)],
    ...once,
  },
  {
    group: 1,
    name: 'cut in the middle of data, always',
    replies: (it) => [replyStream(`${half(it)}data: {"type":"response.outp`)],
    ...always('stream-cut!'),
  },
  {
    group: 2,
    name: 'cut inside a character',
    replies: (it) => [replyStream(Buffer.from(sse(it.say('é'))).subarray(0, -5)), good(it)],
    ...once,
  },
  {
    group: 3,
    name: 'cut between CR and LF, and everywhere else',
    replies: (it) => [replyBytewise(Buffer.from(sse([...it.say('Héllo'), ...it.stop]).replaceAll('\n', '\r\n')))],
    ...atOnce('Héllo'),
  },
  { group: 4, name: 'no end', replies: (it) => [replyStream(half(it))], ...always('stream-cut!') },
  { group: 4, name: 'no end, once', replies: (it) => [replyStream(half(it)), good(it)], ...once },
  { group: 5, name: 'invalid JSON', replies: () => [replyStream('data: {"type":\n\n')], ...always('model-error!') },
  {
    group: 5,
    name: 'invalid JSON before a good end',
    replies: (it) => [replyStream(`${half(it)}data: {"type":\n\n${sse(it.stop)}`), good(it)],
    ...once,
  },
  {
    group: 8,
    name: 'arguments of 50 MB, in pieces',
    replies: (it) =>
      wholeOf(it, [
        ...it.call({ id: 'c1', name: 'note', text: '' }).slice(0, it.api === 'chat' ? 1 : 0),
        ...Array.from({ length: 50 }, () => it.argument('x'.repeat(MIB))).flat(),
      ]),
    ...atOnce('model-error'),
  },
  {
    group: 8,
    name: 'arguments of 40 MB, at once',
    replies: (it) => wholeOf(it, it.call({ id: 'c1', name: 'note', text: 'x'.repeat(40 * MIB) })),
    ...atOnce('model-error'),
  },
  {
    group: 16,
    name: 'one delta of 10 MB',
    replies: (it) => wholeOf(it, it.say('x'.repeat(10 * MIB))),
    ...atOnce(`${10 * MIB} characters in 1 deltas`),
  },
  {
    group: 17,
    name: 'a hundred thousand deltas of one byte',
    replies: (it) => wholeOf(it, Array.from({ length: 100_000 }, () => it.say('x')).flat()),
    ...atOnce('100000 characters in 100000 deltas'),
  },
  {
    group: 18,
    name: 'a character split over two deltas',
    replies: (it) => wholeOf(it, [...it.say('a\ud83d'), ...it.say('\ude00b')]),
    ...atOnce('a😀b'),
  },
  {
    group: 18,
    name: 'halves of characters that stay alone',
    replies: (it) => wholeOf(it, [...it.say('\ude00a\ud83d'), ...it.say('b\ud83d')]),
    ...atOnce('\ufffda\ufffdb\ufffd'),
  },
  { group: 19, name: 'NUL in text', replies: (it) => wholeOf(it, it.say('a\0b')), ...atOnce('a\0b') },
  {
    group: 20,
    name: 'a delta before its item',
    only: 'responses',
    replies: (it) => wholeOf(it, [...it.say('Hel'), added, ...it.say('lo'), done()]),
    ...atOnce('Hello'),
  },
  {
    group: 20,
    name: 'an item finished before its deltas',
    only: 'responses',
    replies: (it) => wholeOf(it, [done(), ...it.say('Hello')]),
    ...atOnce('Hello'),
  },
  {
    group: 20,
    name: 'a skipped index',
    only: 'responses',
    replies: (it) => wholeOf(it, [done(7)]),
    ...atOnce('Hello'),
  },
  {
    group: 20,
    name: 'events after the end',
    replies: (it) => [replyStream([...it.say('Hello'), ...it.stop, ...it.say('!'), ...it.error('server_error', 'm')])],
    ...atOnce('Hello'),
  },
  {
    group: 21,
    name: 'unknown events and items',
    replies: (it) =>
      wholeOf(it, [{ type: 'response.weather', sun: true }, {}, done(9, { type: 'dance' }), ...it.say('Hello')]),
    ...atOnce('Hello'),
  },
  {
    group: 22,
    name: 'failed: the window is full',
    replies: (it) => [replyStream(it.error('context_length_exceeded', 'Too long.'))],
    ...atOnce('context-window-exceeded'),
  },
  {
    group: 22,
    name: 'failed: too many requests',
    replies: (it) => [replyStream(it.error('rate_limit_exceeded', 'Please try again in 1.5s.')), good(it)],
    requests: 2,
    delays: [1500],
    ends: 'Hello',
  },
  {
    group: 22,
    name: 'failed: the server',
    replies: (it) => [replyStream([...it.say('Half'), ...it.error('server_error', 'Down.')])],
    ...always('model-error!'),
  },
  {
    group: 23,
    name: 'cut short in half a call',
    replies: (it) => [
      replyStream([
        ...it.say('Half'),
        ...(it.api === 'chat' ? it.call({ index: 0, id: 'c1', name: 'note', text: '{"te' }) : it.argument('{"te')),
        ...it.cutShort,
      ]),
    ],
    ...atOnce('Half, incomplete'),
  },
  ...[
    { retryAfter: '3', delay: 3000 },
    { retryAfter: 'Sun, 22 Nov 2026 12:00:07 GMT', delay: 7000 },
    { retryAfter: '99999', delay: 60_000 },
    { retryAfter: '-3', delay: 200 },
    { retryAfter: 'soon', delay: 200 },
  ].map(({ retryAfter, delay }) => ({
    group: 24,
    name: `429 with retry-after: ${retryAfter}`,
    replies: (it: Dialect) => [limited(retryAfter), good(it)],
    requests: 2,
    delays: [delay],
    ends: 'Hello',
  })),
  {
    group: 24,
    name: '429 always',
    replies: () => [limited('3')],
    requests: 5,
    delays: Array(4).fill(3000),
    ends: 'rate-limited!',
  },
  ...[500, 502, 503, 529].map((status, k) => ({
    group: 25,
    name: `${status}, ${k + 1} times`,
    replies: (it: Dialect) => [...Array(k + 1).fill(fails(status, 'server_error')), good(it)],
    requests: k + 2,
    delays: BACKOFF.slice(0, k + 1),
    ends: 'Hello',
  })),
  { group: 26, name: '401', replies: () => [fails(401, 'invalid_api_key')], ...atOnce('unauthorized') },
  { group: 26, name: '403', replies: () => [fails(403, 'forbidden')], ...atOnce('unauthorized') },
  { group: 26, name: '404, the model', replies: () => [fails(404, 'model_not_found')], ...atOnce('model-error') },
  { group: 27, name: 'a page', replies: () => [page({ 'content-type': 'text/html' })], ...atOnce('model-error') },
  { group: 27, name: 'a page without a type', replies: () => [page({})], ...atOnce('model-error') },
  { group: 27, name: 'a page that says it is a stream', replies: () => [page(EVENT_STREAM)], ...atOnce('model-error') },
  { group: 27, name: 'JSON', replies: () => [replyJson(200, { output: [] })], ...atOnce('model-error') },
  { group: 27, name: 'an empty body', replies: () => [replyStream([])], ...always('stream-cut!') },
  {
    group: 27,
    name: 'a stream that says it is text',
    replies: (it) => [replyStream([...it.say('Hello'), ...it.stop], undefined, { 'content-type': 'text/plain' })],
    ...atOnce('Hello'),
  },
  {
    group: 28,
    name: 'reset before the headers',
    replies: () => [(response) => void response.socket?.resetAndDestroy()],
    ...always('model-unreachable!'),
  },
  {
    group: 28,
    name: 'a proxy that cuts after the first byte',
    replies: () => [(response) => void response.socket?.end('H')],
    ...always('model-unreachable!'),
  },
  {
    group: 28,
    name: 'cut in mid-stream',
    replies: (it) => [replyStream(half(it), (response) => response.destroy()), good(it)],
    ...once,
  },
  {
    group: 28,
    name: 'cut after the last byte',
    replies: (it) => [replyStream([...it.say('Hello'), ...it.stop], (response) => response.destroy())],
    ...atOnce('Hello'),
  },
  {
    group: 29,
    name: 'a proxy that wants a password',
    over: 'http',
    replies: () => [fails(407, 'proxy')],
    ...atOnce('unauthorized'),
  },
  {
    group: 29,
    // Node's fetch gives an error without a word.
    name: 'a proxy that wants a password, which fetch does not say',
    over: 'fetch',
    replies: () => [fails(407, 'proxy')],
    ...always('model-unreachable!'),
  },
  { group: 29, name: 'a proxy that reaches nobody', replies: (it) => [fails(502, 'bad_gateway'), good(it)], ...once },
  {
    group: 31,
    name: 'a gzip bomb',
    replies: () => [replyStream(BOMB, undefined, gzipped)],
    ...atOnce('model-error'),
  },
  {
    group: 31,
    name: 'a gzip bomb as the words of an error',
    replies: () => [(response) => response.writeHead(400, { 'content-encoding': 'gzip' }).end(BOMB)],
    ...atOnce('model-error'),
  },
  {
    group: 31,
    name: 'words of an error that never end',
    replies: () => [
      (response) => {
        const more = () => response.write('x'.repeat(64 * 1024), () => response.destroyed || setImmediate(more));
        response.writeHead(400);
        more();
      },
    ],
    ...atOnce('model-error'),
  },
  {
    group: 31,
    name: 'cut gzip',
    replies: (it) => {
      const bytes = gzipSync(sse([...it.say('Hello'), ...it.stop]));
      return [replyStream(bytes.subarray(0, bytes.length / 2), undefined, gzipped), good(it)];
    },
    ...once,
  },
  {
    group: 32,
    name: 'two ends',
    replies: (it) => [replyStream([...it.say('Hello'), ...it.stop, ...it.cutShort])],
    ...atOnce('Hello'),
  },
  {
    group: 32,
    name: 'an answer that changes its id',
    replies: (it) =>
      wholeOf(it, [
        { type: 'response.created', id: 'a', response: { id: 'resp_a' } },
        ...it.say('Hello'),
        { type: 'response.in_progress', id: 'b', response: { id: 'resp_b' } },
      ]),
    ...atOnce('Hello'),
  },
  {
    group: 32,
    name: 'an event nested 100,000 deep',
    replies: (it) => [replyStream(`data: ${NESTED}\n\n`), good(it)],
    ...once,
  },
  {
    group: 32,
    name: 'a call nested 100,000 deep',
    replies: (it) => {
      const event =
        it.api === 'chat'
          ? { choices: [{ delta: { tool_calls: [{ index: 0, function: { name: 'note' }, more: 'deep' }] } }] }
          : done(0, { more: 'deep' });
      return [replyStream(sse([event, ...it.stop]).replace('"deep"', NESTED)), good(it)];
    },
    ...once,
  },
];
