import { describe, expect, test } from 'vitest';
import { ANSWER_CHARACTERS_MAX, type StreamEnd } from '../../src/model/answer-stream.ts';
import type { ModelProgress } from '../../src/model/port.ts';
import { createResponsesStream } from '../../src/model/responses-stream.ts';

function read(events: readonly unknown[]): { progress: readonly ModelProgress[]; end: StreamEnd } {
  const stream = createResponsesStream({ callIdPrefix: 'call_7_', where: 'http://model' });
  const progress = events.flatMap((event) => stream.push(event));
  return { progress, end: stream.close() };
}

const message = (text: string, id = 'msg_1') => ({
  id,
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text }],
});
const call = (more: object = {}) => ({
  id: 'fc_1',
  type: 'function_call',
  call_id: 'c1',
  name: 'shell',
  arguments: '{}',
  ...more,
});
const added = (item: object, output_index = 0) => ({ type: 'response.output_item.added', output_index, item });
const done = (item: object, output_index = 0) => ({ type: 'response.output_item.done', output_index, item });
const delta = (text: unknown, output_index = 0) => ({
  type: 'response.output_text.delta',
  output_index,
  content_index: 0,
  delta: text,
});
const completed = (output: readonly object[] = [], more: object = {}) => ({
  type: 'response.completed',
  response: { id: 'resp_1', status: 'completed', output, ...more },
});

const HELLO: StreamEnd = {
  status: 'completed',
  outputs: [{ type: 'message', text: 'Hello', raw: message('Hello') }],
  usage: null,
};

describe('a stream of the Responses API', () => {
  test('tells outputs as they come and gives them whole', () => {
    const { progress, end } = read([
      { type: 'response.created', response: { id: 'resp_1' } },
      added(message('')),
      delta('Hel'),
      delta('lo'),
      done(message('Hello')),
      added(call({ arguments: '' }), 1),
      { type: 'response.function_call_arguments.delta', output_index: 1, delta: '{"command":' },
      { type: 'response.function_call_arguments.done', output_index: 1, arguments: '{"command":"ls"}' },
      done(call({ arguments: '{"command":"ls"}' }), 1),
      completed([], { usage: { input_tokens: 7, output_tokens: 3, total_tokens: 10 } }),
    ]);
    const raw = call({ arguments: '{"command":"ls"}' });
    const shell = { type: 'call', callId: 'c1', name: 'shell', arguments: '{"command":"ls"}', raw };
    const hello = { type: 'message', text: 'Hello', raw: message('Hello') };
    expect(progress).toEqual([
      { type: 'output.started', index: 0, output: 'message' },
      { type: 'output.delta', index: 0, delta: 'Hel' },
      { type: 'output.delta', index: 0, delta: 'lo' },
      { type: 'output.completed', index: 0, output: hello },
      { type: 'output.started', index: 1, output: 'call' },
      { type: 'output.completed', index: 1, output: shell },
    ]);
    const usage = { inputTokens: 7, cachedInputTokens: 0, outputTokens: 3, reasoningTokens: 0, totalTokens: 10 };
    expect(end).toEqual({ status: 'completed', outputs: [hello, shell], usage });
  });

  test.each([
    {
      what: 'a delta before its item',
      events: [delta('Hel'), added(message('')), delta('lo'), done(message('Hello')), completed()],
    },
    { what: 'an item that was never announced', events: [done(message('Hello')), completed()] },
    {
      what: 'an item without a place',
      events: [{ type: 'response.output_item.done', item: message('Hello') }, completed()],
    },
    {
      what: 'an item finished twice',
      events: [done(message('Hello')), done(message('Hello')), completed([message('Hello')])],
    },
    { what: 'a delta after its item', events: [done(message('Hello')), delta('!'), completed()] },
    { what: 'only the end', events: [completed([message('Hello')])] },
    {
      what: 'a skipped position',
      events: [added(message(''), 4), delta('Hello', 4), done(message('Hello'), 4), completed()],
    },
    {
      what: 'unknown events',
      events: [{ type: 'response.weather' }, { type: 7 }, {}, done(message('Hello')), completed()],
    },
    {
      what: 'unknown items',
      events: [done({ type: 'web_search_call', id: 'ws' }), done(message('Hello'), 1), completed()],
    },
    { what: 'a second end', events: [done(message('Hello')), completed(), completed([message('Other')])] },
    { what: 'an empty delta', events: [delta(null), delta(''), done(message('Hello')), completed()] },
  ])('reads $what', ({ events }) => {
    expect(read(events).end).toEqual(HELLO);
  });

  test('takes the text of a part that had no deltas', () => {
    const text = { type: 'response.output_text.done', output_index: 0, content_index: 0, text: 'Hello' };
    expect(read([added(message('')), text, completed()]).progress.at(1)).toEqual({
      type: 'output.delta',
      index: 0,
      delta: 'Hello',
    });
    expect(read([added(message('')), delta('Hel'), text, completed()]).end).toEqual({
      status: 'completed',
      outputs: [{ type: 'message', text: 'Hello' }],
      usage: null,
    });
  });

  test('keeps what was told when the finished item is empty', () => {
    expect(read([added(message('')), delta('Hello'), done(message('')), completed()]).end).toEqual({
      status: 'completed',
      outputs: [{ type: 'message', text: 'Hello' }],
      usage: null,
    });
  });

  test('puts the parts of a reasoning in paragraphs', () => {
    const piece = (text: string, summary_index: number) => ({
      type: 'response.reasoning_summary_text.delta',
      output_index: 0,
      summary_index,
      delta: text,
    });
    const item = { type: 'reasoning', id: 'rs_1', encrypted_content: 'x', summary: [{ text: 'One' }, { text: 'Two' }] };
    const { progress, end } = read([piece('One', 0), piece('Two', 1), done(item), completed()]);
    expect(progress.flatMap((told) => (told.type === 'output.delta' ? told.delta : []))).toEqual(['One', '\n\nTwo']);
    expect(end).toEqual({
      status: 'completed',
      outputs: [{ type: 'reasoning', text: 'One\n\nTwo', raw: item }],
      usage: null,
    });
  });

  test('tells a reasoning that comes both in full and in short only once', () => {
    const piece = (type: string, text: string) => ({
      type,
      output_index: 0,
      summary_index: 0,
      content_index: 0,
      delta: text,
    });
    const events = [
      piece('response.reasoning_text.delta', 'Long'),
      piece('response.reasoning_summary_text.delta', 'Short'),
      piece('response.reasoning_text.delta', 'er'),
    ];
    const { progress } = read(events);
    expect(progress.flatMap((told) => (told.type === 'output.delta' ? told.delta : []))).toEqual(['Long', 'er']);
  });

  test('gives a refusal as the text of the message', () => {
    const item = { type: 'message', id: 'msg_1', content: [{ type: 'refusal', refusal: 'I would rather not.' }] };
    expect(read([done(item), completed()]).end).toMatchObject({
      outputs: [{ type: 'message', text: 'I would rather not.' }],
    });
  });

  test('joins a character that is split over two deltas, and replaces a half that stays alone', () => {
    const { progress } = read([delta('a\ud83d'), delta('\ude00b\ud83d'), completed()]);
    expect(progress.flatMap((told) => (told.type === 'output.delta' ? told.delta : []))).toEqual([
      'a',
      '😀b',
      '\ufffd',
    ]);
    expect(progress.at(-1)).toEqual({
      type: 'output.completed',
      index: 0,
      output: { type: 'message', text: 'a😀b\ufffd' },
    });
  });

  test('keeps NUL and replaces lone halves in finished texts and arguments', () => {
    const { end } = read([done(message('a\0\udc00')), done(call({ arguments: '"\ud83d"' }), 1), completed()]);
    expect(end).toMatchObject({ outputs: [{ text: 'a\0\ufffd' }, { arguments: '"\ufffd"' }] });
  });
});

describe('tool calls', () => {
  test('get an id when the server gave none, the same each time', () => {
    const events = [
      { type: 'response.created', response: { id: 'resp_1' } },
      done(call({ call_id: '' })),
      completed([call({ call_id: '', id: 'rotated' })]),
    ];
    const output = {
      type: 'call',
      callId: 'call_7_resp_1_0',
      name: 'shell',
      arguments: '{}',
      raw: call({ call_id: 'call_7_resp_1_0' }),
    };
    expect(read(events).end).toEqual({ status: 'completed', outputs: [output], usage: null });
    expect(read(events).end).toEqual(read(events).end);
  });

  test('with the same id are all passed on', () => {
    const { end } = read([done(call()), done(call({ id: 'fc_2' }), 1), completed()]);
    expect(end).toMatchObject({ outputs: [{ callId: 'c1' }, { callId: 'c1' }] });
  });

  test('at the same position are all passed on', () => {
    const { end } = read([done(call()), done(call({ id: 'fc_2', call_id: 'c2' })), completed()]);
    expect(end).toMatchObject({ outputs: [{ callId: 'c1' }, { callId: 'c2' }] });
  });

  test('of a custom tool carry their input', () => {
    const item = { type: 'custom_tool_call', id: 'ct_1', call_id: 'c1', name: 'apply_patch', input: '*** Begin' };
    expect(read([done(item), completed()]).end).toEqual({
      status: 'completed',
      outputs: [{ type: 'call', callId: 'c1', name: 'apply_patch', arguments: '*** Begin', custom: true, raw: item }],
      usage: null,
    });
  });

  test('get arguments as JSON from a server that sends an object', () => {
    const { end } = read([done(call({ arguments: { a: 1 } })), completed()]);
    expect(end).toMatchObject({ outputs: [{ arguments: '{"a":1}', raw: { arguments: '{"a":1}' } }] });
  });

  test('are not made from half a call: the answer is not whole', () => {
    const half = [
      added(call({ arguments: '' })),
      { type: 'response.function_call_arguments.delta', output_index: 0, delta: '{"command":"rm -rf /' },
    ];
    expect(read([...half, completed()]).end).toMatchObject({
      status: 'fault',
      fault: { error: { code: 'model-error', retryable: true } },
    });
    expect(
      read([...half, done(call({ status: 'incomplete', arguments: '{"command":"rm -rf /' })), completed()]).end,
    ).toEqual({
      status: 'incomplete',
      reason: 'a tool call was cut short',
      outputs: [],
      usage: null,
    });
  });
});

describe('an answer that is not whole', () => {
  test('is incomplete with its reason, and keeps the text that came', () => {
    const response = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output: [] };
    const outputs = [{ type: 'message', text: 'Hel' }];
    for (const type of ['response.incomplete', 'response.completed']) {
      const { end } = read([added(message('')), delta('Hel'), added(call(), 1), { type, response }]);
      expect(end).toEqual({ status: 'incomplete', reason: 'max_output_tokens', outputs, usage: null });
    }
  });

  test.each([
    {
      what: 'the server gives up',
      event: { type: 'response.failed', response: { error: { code: 'server_error' } } },
      code: 'model-error',
      retryable: true,
    },
    {
      what: 'the window is full',
      event: { type: 'error', code: 'context_length_exceeded', message: 'm' },
      code: 'context-window-exceeded',
      retryable: false,
    },
    {
      what: 'the rate is too high',
      event: { type: 'error', error: { code: 'rate_limit_exceeded' } },
      code: 'rate-limited',
      retryable: true,
    },
    {
      what: 'an error has no type',
      event: { error: { message: 'm', code: 503 } },
      code: 'model-error',
      retryable: true,
    },
    { what: 'an error is only a text', event: { error: 'm' }, code: 'model-error', retryable: true },
    {
      what: 'content is filtered',
      event: {
        type: 'response.completed',
        response: { status: 'failed', incomplete_details: { reason: 'content_filter' } },
      },
      code: 'model-refused',
      retryable: false,
    },
    { what: 'a delta is no text', event: delta(7), code: 'model-error', retryable: true },
    { what: 'an item is missing', event: { type: 'response.output_item.done' }, code: 'model-error', retryable: true },
    { what: 'an event is no object', event: 'hello', code: 'model-error', retryable: true },
    { what: 'a call has no name', event: done(call({ name: null })), code: 'model-error', retryable: true },
    { what: 'nothing more comes', event: delta('Hel'), code: 'stream-cut', retryable: true },
  ])('is a fault when $what', ({ event, code, retryable }) => {
    expect(read([event]).end).toMatchObject({ status: 'fault', fault: { error: { code, retryable } } });
  });

  test('stays what it was: an error is not undone by what follows', () => {
    const events = [
      { type: 'error', error: { code: 'insufficient_quota', message: 'm' } },
      done(message('Hello')),
      completed(),
    ];
    expect(read(events)).toMatchObject({
      progress: [],
      end: { status: 'fault', fault: { error: { code: 'rate-limited' } } },
    });
  });

  test('says when to come back if the server said it in words', () => {
    const { end } = read([{ type: 'error', code: 'rate_limit_exceeded', message: 'Please try again in 1.5s.' }]);
    expect(end).toMatchObject({ fault: { retryAfterMs: 1500 } });
  });
});

describe('a server gone wild', () => {
  test('is cut off when its answer grows without end', () => {
    const piece = delta('x'.repeat(ANSWER_CHARACTERS_MAX / 4));
    const { end } = read([piece, piece, piece, piece, piece, completed()]);
    expect(end).toMatchObject({ status: 'fault', fault: { error: { code: 'model-error', retryable: false } } });
  });

  test('is not believed when it nests without end', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(10_000)}${']'.repeat(10_000)}`);
    expect(read([done({ ...message('Hello'), deep }), completed()]).end).toMatchObject({ status: 'fault' });
  });

  test('is still understood when it sends a delta for each character', () => {
    const { end } = read([...Array.from({ length: 100_000 }, () => delta('x')), completed()]);
    expect(end).toMatchObject({ outputs: [{ text: 'x'.repeat(100_000) }] });
  });
});
