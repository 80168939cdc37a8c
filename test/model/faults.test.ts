import { expect, test } from 'vitest';
import { connectionFault, faultOf, retryAfterMs } from '../../src/model/faults.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

test.each([
  { header: 'retry-after', value: '3', ms: 3000 },
  { header: 'retry-after', value: '0.5', ms: 500 },
  { header: 'retry-after', value: '0', ms: 0 },
  { header: 'retry-after', value: '99999', ms: 60_000 },
  { header: 'retry-after', value: '-3', ms: null },
  { header: 'retry-after', value: 'soon', ms: null },
  { header: 'retry-after', value: '', ms: null },
  { header: 'retry-after', value: '3 apples', ms: null },
  { header: 'retry-after', value: 'Sun, 22 Nov 2026 12:00:09 GMT', ms: 9000 },
  { header: 'retry-after', value: 'Mon, 23 Nov 2026 12:00:00 GMT', ms: 60_000 },
  { header: 'retry-after', value: 'Sat, 21 Nov 2026 12:00:00 GMT', ms: null },
  { header: 'retry-after-ms', value: '1500', ms: 1500 },
  { header: 'retry-after-ms', value: 'x', ms: null },
])('takes $header: $value for $ms ms', ({ header, value, ms }) => {
  expect(retryAfterMs(new Headers({ [header]: value }), NOW)).toBe(ms);
});

test.each([
  { from: 'OpenAI', complaint: { status: 400, code: 'context_length_exceeded', message: 'm' } },
  { from: 'llama.cpp', complaint: { status: 400, type: 'exceed_context_size_error', message: 'm' } },
  { from: 'vLLM', complaint: { status: 400, message: "This model's maximum context length is 4096 tokens." } },
  { from: 'LM Studio', complaint: { status: 400, message: 'the model is loaded with context length of only 4096' } },
])('knows a history that is too long from $from', ({ complaint }) => {
  expect(faultOf(complaint, 'http://model')).toMatchObject({
    error: { code: 'context-window-exceeded', retryable: false },
    retriesMax: 0,
  });
});

test.each([
  { status: 405, code: 'model-error' },
  { status: 407, code: 'unauthorized' },
  { status: 413, code: 'model-error' },
  { status: 501, code: 'model-error' },
])('does not try again after a $status', ({ status, code }) => {
  expect(faultOf({ status, message: 'm' }, 'http://model')).toMatchObject({ error: { code }, retriesMax: 0 });
});

test.each([
  { message: 'Please try again in 1.5s. Visit us.', ms: 1500 },
  { message: 'Please try again in 20ms.', ms: 20 },
  { message: 'Please try again in 1m2.5s.', ms: 60_000 },
  { message: 'Try again in 30 seconds', ms: 30_000 },
  { message: 'Try again in 2 hours', ms: 60_000 },
  { message: 'Try again in a moment', ms: null },
])('takes "$message" for $ms ms', ({ message, ms }) => {
  expect(faultOf({ status: 429, message }, 'http://model').retryAfterMs).toBe(ms);
});

test('quotes the server shortly, in one well-formed line', () => {
  const { error } = faultOf({ status: 500, message: `a\n b\ud83d${'x'.repeat(10_000)}` }, 'http://model');
  expect(error.message.length).toBeLessThan(700);
  expect(error.message).toMatch(/^The server failed\. \(500: a b\ufffdxxx/);
});

const caused = (code: string) => new TypeError('fetch failed', { cause: Object.assign(new Error('m'), { code }) });

test.each([
  { thrown: caused('ECONNREFUSED'), begun: false, code: 'model-unreachable', retriesMax: 2 },
  { thrown: caused('ENOTFOUND'), begun: false, code: 'model-unreachable', retriesMax: 2 },
  { thrown: caused('DEPTH_ZERO_SELF_SIGNED_CERT'), begun: false, code: 'model-unreachable', retriesMax: 0 },
  { thrown: caused('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), begun: false, code: 'model-unreachable', retriesMax: 0 },
  { thrown: caused('ERR_TLS_CERT_ALTNAME_INVALID'), begun: false, code: 'model-unreachable', retriesMax: 0 },
  { thrown: caused('ERR_SSL_WRONG_VERSION_NUMBER'), begun: false, code: 'model-unreachable', retriesMax: 0 },
  { thrown: caused('EPROTO'), begun: false, code: 'model-unreachable', retriesMax: 0 },
  { thrown: caused('ETIMEDOUT'), begun: false, code: 'model-unreachable', retriesMax: 2 },
  { thrown: caused('ETIMEDOUT'), begun: true, code: 'stream-cut', retriesMax: Number.POSITIVE_INFINITY },
  { thrown: caused('ECONNRESET'), begun: false, code: 'model-unreachable', retriesMax: Number.POSITIVE_INFINITY },
  { thrown: caused('UND_ERR_SOCKET'), begun: true, code: 'stream-cut', retriesMax: Number.POSITIVE_INFINITY },
  { thrown: 'just words', begun: true, code: 'stream-cut', retriesMax: Number.POSITIVE_INFINITY },
  {
    thrown: new TypeError('fetch failed', {
      cause: new AggregateError([caused('ECONNREFUSED'), caused('ECONNREFUSED')]),
    }),
    begun: false,
    code: 'model-unreachable',
    retriesMax: 2,
  },
])('allows $retriesMax retries after $thrown.cause.code, begun: $begun', ({ thrown, begun, code, retriesMax }) => {
  expect(connectionFault(thrown, 'http://model', begun)).toMatchObject({ error: { code }, retriesMax });
});

test('looks no further into causes that go in a circle', () => {
  const error = new Error('round and round');
  error.cause = error;
  expect(connectionFault(error, 'http://model', false)).toMatchObject({ error: { code: 'model-unreachable' } });
});
