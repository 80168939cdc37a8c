import { describe, expect, test } from 'vitest';
import { ANSWER_CHARACTERS_MAX, type StreamEnd } from '../../src/model/answer-stream.ts';
import { createChatStream } from '../../src/model/chat-stream.ts';
import type { ModelProgress } from '../../src/model/port.ts';
import { OUTPUTS_MAX } from '../../src/model/stream-ending.ts';

const DONE = Symbol('[DONE]');

function read(events: readonly unknown[]): { progress: readonly ModelProgress[]; end: StreamEnd } {
  const stream = createChatStream({ callIdPrefix: 'call_7_', where: 'http://model' });
  const progress = events.flatMap((event) => {
    if (event !== DONE) return stream.push(event);
    stream.done();
    return [];
  });
  return { progress, end: stream.close() };
}

const chunk = (delta: object | null, finish_reason: string | null = null, more: object = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  choices: [{ index: 0, delta, finish_reason }],
  ...more,
});
const say = (content: unknown) => chunk({ content });
const calls = (...tool_calls: readonly object[]) => chunk({ tool_calls });
const call = (more: object) => ({ function: { name: 'shell', arguments: '{}' }, ...more });
const stop = chunk({}, 'stop');
const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
const counted = { inputTokens: 7, cachedInputTokens: 0, outputTokens: 3, reasoningTokens: 0, totalTokens: 10 };

const completed = (outputs: readonly object[], of: object | null = null) => ({
  status: 'completed',
  outputs,
  usage: of,
});
const HELLO = completed([{ type: 'message', text: 'Hello' }]);
const shell = (more: object = {}) => ({ type: 'call', callId: 'c1', name: 'shell', arguments: '{"a":1}', ...more });

describe('a stream of Chat Completions', () => {
  test('tells outputs as they come and gives them whole', () => {
    const { progress, end } = read([
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'Hm', content: null }),
      say('Hel'),
      say('lo'),
      calls({ index: 0, id: 'c1', type: 'function', function: { name: 'shell', arguments: '' } }),
      calls({ index: 0, function: { arguments: '{"a"' } }),
      calls({ index: 0, function: { name: '', arguments: ':1}' } }),
      chunk({}, 'tool_calls'),
      { choices: [], usage },
      DONE,
    ]);
    const hm = { type: 'reasoning', text: 'Hm', raw: { field: 'reasoning_content' } };
    const hello = { type: 'message', text: 'Hello' };
    expect(progress).toEqual([
      { type: 'output.started', index: 0, output: 'reasoning' },
      { type: 'output.delta', index: 0, delta: 'Hm' },
      { type: 'output.started', index: 1, output: 'message' },
      { type: 'output.delta', index: 1, delta: 'Hel' },
      { type: 'output.delta', index: 1, delta: 'lo' },
      { type: 'output.started', index: 2, output: 'call' },
      { type: 'output.completed', index: 0, output: hm },
      { type: 'output.completed', index: 1, output: hello },
      { type: 'output.completed', index: 2, output: shell() },
    ]);
    expect(end).toEqual(completed([hm, hello, shell()], counted));
  });

  test.each([
    { what: 'null and empty contents', events: [say(null), say(''), say('Hello'), say(''), stop] },
    { what: 'a last delta in the chunk that finishes', events: [say('Hel'), chunk({ content: 'lo' }, 'stop')] },
    { what: 'chunks without choices', events: [{ choices: [] }, { choices: null }, {}, say('Hello'), stop] },
    { what: 'an empty reason to finish as none', events: [chunk({ content: 'Hello' }, ''), stop] },
    {
      what: 'only the first of several choices',
      events: [{ choices: [{ index: 1, delta: { content: 'No' } }] }, say('Hello'), stop],
    },
    {
      what: 'a whole message in one chunk',
      events: [{ choices: [{ message: { content: 'Hello' }, finish_reason: 'stop' }] }],
    },
    { what: 'a refusal as text', events: [chunk({ refusal: 'Hello' }), stop] },
    {
      what: 'parts of text',
      events: [say([{ type: 'text', text: 'Hel' }, { type: 'reference' }]), say([{ type: 'text', text: 'lo' }]), stop],
    },
    { what: 'nothing after the end', events: [say('Hello'), stop, say('!'), chunk({}, 'length'), DONE, say('?')] },
    { what: 'an unknown reason to finish as an end', events: [say('Hello'), chunk({}, 'eos')] },
    { what: 'a null error as none', events: [{ ...say('Hello'), error: null }, stop] },
  ])('reads $what', ({ events }) => {
    expect(read(events).end).toEqual(HELLO);
  });

  test.each([
    { what: 'in a chunk of its own', events: [say('Hello'), stop, { choices: [], usage }, DONE] },
    { what: 'with the last delta', events: [say('Hello'), { ...stop, usage }] },
    {
      what: 'on every chunk: the last counts',
      events: [
        { ...say('Hello'), usage: { total_tokens: 1 } },
        { ...stop, usage },
        { choices: [], usage: null },
      ],
    },
    { what: 'in a field of the provider', events: [say('Hello'), { ...stop, x_groq: { usage } }] },
  ])('counts tokens given $what', ({ events }) => {
    expect(read(events).end).toEqual({ ...HELLO, usage: counted });
  });

  test.each([{ usage: null }, { usage: {} }, { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } }])(
    'does not make up a count from %o',
    ({ usage: none }) => {
      expect(read([say('Hello'), { ...stop, usage: none }]).end).toEqual(HELLO);
    },
  );

  test('counts cached and reasoning tokens in each of their places', () => {
    const places = [
      { prompt_tokens_details: { cached_tokens: 5 }, completion_tokens_details: { reasoning_tokens: 2 } },
      { prompt_cache_hit_tokens: 5, reasoning_tokens: 2 },
    ];
    for (const details of places) {
      const { end } = read([{ ...stop, usage: { ...usage, ...details } }]);
      expect(end).toMatchObject({ usage: { ...counted, cachedInputTokens: 5, reasoningTokens: 2 } });
    }
  });

  test.each([
    {
      what: 'reasoning_content',
      delta: { reasoning_content: 'Hm', reasoning: 'Hm' },
      raw: { field: 'reasoning_content' },
    },
    { what: 'reasoning', delta: { reasoning: 'Hm' }, raw: { field: 'reasoning' } },
    { what: 'thinking parts', delta: { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }] } },
    { what: 'thinking text', delta: { content: [{ type: 'thinking', thinking: 'Hm' }] } },
  ])('takes reasoning from $what', ({ delta, raw }) => {
    expect(read([chunk(delta), stop]).end).toEqual(
      completed([{ type: 'reasoning', text: 'Hm', ...(raw ? { raw } : {}) }]),
    );
  });

  test('joins a character that is split over two deltas, and replaces a half that stays alone', () => {
    const { progress, end } = read([say('a\ud83d'), say('\ude00b\0\ud83d'), stop]);
    expect(progress.flatMap((told) => (told.type === 'output.delta' ? told.delta : []))).toEqual([
      'a',
      '😀b\0',
      '\ufffd',
    ]);
    expect(end).toEqual(completed([{ type: 'message', text: 'a😀b\0\ufffd' }]));
  });
});

describe('tool calls of Chat Completions', () => {
  const one = completed([shell()]);
  const two = completed([shell(), shell({ callId: 'c2', name: 'read' })]);
  const first = { index: 0, id: 'c1', function: { name: 'shell', arguments: '{"a"' } };
  const rest = { index: 0, function: { arguments: ':1}' } };
  const whole = { id: 'c1', function: { name: 'shell', arguments: '{"a":1}' } };
  const other = { id: 'c2', function: { name: 'read', arguments: '{"a":1}' } };

  test.each([
    { what: 'pieces by index', pieces: [first, rest], are: one },
    {
      what: 'pieces by id',
      pieces: [
        { ...first, index: undefined },
        { ...rest, index: undefined, id: 'c1' },
      ],
      are: one,
    },
    { what: 'pieces without a mark', pieces: [first, { function: { arguments: ':1}' } }], are: one },
    {
      what: 'pieces with an empty id and name',
      pieces: [first, { ...rest, id: '', function: { name: '', arguments: ':1}' } }],
      are: one,
    },
    {
      what: 'pieces that repeat id and name',
      pieces: [first, { ...rest, id: 'c1', function: { name: 'shell', arguments: ':1}' } }],
      are: one,
    },
    { what: 'pieces whose id changes', pieces: [first, { ...rest, id: 'rotated' }], are: one },
    {
      what: 'pieces without an index whose id changes',
      pieces: [
        { ...first, index: undefined },
        { ...rest, index: undefined, id: 'rotated' },
      ],
      are: one,
    },
    {
      what: 'a name that comes late',
      pieces: [
        { index: 0, id: 'c1' },
        { index: 0, function: { name: 'shell', arguments: '{"a":1}' } },
      ],
      are: one,
    },
    { what: 'a whole call', pieces: [whole], are: one },
    {
      what: 'arguments as an object',
      pieces: [{ ...whole, function: { name: 'shell', arguments: { a: 1 } } }],
      are: one,
    },
    { what: 'two calls by index, in turns', pieces: [first, { ...other, index: 1 }, rest], are: two },
    {
      what: 'two calls by id, in turns',
      pieces: [{ ...first, index: undefined }, other, { ...rest, index: undefined, id: 'c1' }],
      are: two,
    },
    {
      what: 'two whole calls with one index',
      pieces: [
        { ...whole, index: 0 },
        { ...other, index: 0 },
      ],
      are: two,
    },
  ])('come from $what', ({ pieces, are }) => {
    expect(read([...pieces.map((piece) => calls(piece)), chunk({}, 'tool_calls')]).end).toEqual(are);
    expect(read([chunk({ tool_calls: pieces }, 'stop')]).end).toEqual(are);
  });

  test('without any mark are told apart by their names, and get ids, the same each time', () => {
    const events = [calls(call({}), call({})), chunk({}, 'tool_calls')];
    const named = (callId: string) => ({ type: 'call', callId, name: 'shell', arguments: '{}' });
    expect(read(events).end).toEqual(completed([named('call_7_0'), named('call_7_1')]));
    expect(read(events).end).toEqual(read(events).end);
  });

  test('of the old form are calls, too', () => {
    const { end } = read([
      chunk({ function_call: { name: 'shell', arguments: '{"a"' } }),
      chunk({ function_call: { arguments: ':1}' } }),
      chunk({}, 'function_call'),
    ]);
    expect(end).toEqual(completed([shell({ callId: 'call_7_0' })]));
  });

  test('keep what the server put beside them', () => {
    const signature = { extra_content: { google: { thought_signature: 'x' } } };
    const { end } = read([calls({ ...whole, ...signature }), calls({ id: 'c1', more: 1 }), chunk({}, 'tool_calls')]);
    expect(end).toEqual(completed([shell({ raw: { ...signature, more: 1, type: 'function' } })]));
  });

  test('are not made from half an answer', () => {
    const half = [say('Hel'), calls({ ...whole, function: { name: 'shell', arguments: '{"command":"rm -rf /' } })];
    expect(read(half).end).toMatchObject({
      status: 'fault',
      fault: { error: { code: 'stream-cut', retryable: true } },
    });
    expect(read([...half, DONE]).end).toMatchObject({ status: 'fault', fault: { error: { code: 'stream-cut' } } });
    for (const [said, reason] of [
      ['length', 'max_output_tokens'],
      ['content_filter', 'content_filter'],
      ['model_length', 'max_output_tokens'],
    ] as const) {
      const { progress, end } = read([...half, chunk({}, said)]);
      expect(end).toEqual({ status: 'incomplete', reason, outputs: [{ type: 'message', text: 'Hel' }], usage: null });
      expect(progress).not.toContainEqual(expect.objectContaining({ type: 'output.completed', index: 1 }));
    }
  });
});

describe('an answer of Chat Completions that is none', () => {
  test.each([
    { what: 'an error comes', event: { error: { message: 'm', code: 503 } }, code: 'model-error', retryable: true },
    { what: 'an error is only a text', event: { error: 'm' }, code: 'model-error', retryable: true },
    {
      what: 'an error is the chunk itself',
      event: { object: 'error', message: 'm', code: 400 },
      code: 'model-error',
      retryable: false,
    },
    {
      what: 'an event is called an error',
      event: { type: 'error', code: 'rate_limit_exceeded' },
      code: 'rate-limited',
      retryable: true,
    },
    {
      what: 'the window is full',
      event: { error: { message: "This model's maximum context length is 4096 tokens", code: 400 } },
      code: 'context-window-exceeded',
      retryable: false,
    },
    { what: 'the server breaks off', event: chunk({}, 'error'), code: 'model-error', retryable: true },
    { what: 'a content is no text', event: say(7), code: 'model-error', retryable: true },
    { what: 'an event is no object', event: [1], code: 'model-error', retryable: true },
    {
      what: 'a call has no name',
      event: chunk({ tool_calls: [{ index: 0, id: 'c1' }] }, 'tool_calls'),
      code: 'model-error',
      retryable: true,
    },
    { what: 'nothing more comes', event: say('Hel'), code: 'stream-cut', retryable: true },
  ])('is a fault when $what', ({ event, code, retryable }) => {
    expect(read([event, ...(code === 'stream-cut' ? [] : [say('Hello'), stop])]).end).toMatchObject({
      status: 'fault',
      fault: { error: { code, retryable } },
    });
  });

  test('is cut off when it grows without end', () => {
    const piece = say('x'.repeat(ANSWER_CHARACTERS_MAX / 4));
    const text = calls({ index: 0, function: { arguments: 'x'.repeat(ANSWER_CHARACTERS_MAX / 4) } });
    const many = calls(...Array.from({ length: OUTPUTS_MAX + 1 }, (_, index) => call({ index, id: `c${index}` })));
    for (const events of [Array(5).fill(piece), Array(5).fill(text), [many]]) {
      expect(read([...events, stop]).end).toMatchObject({
        status: 'fault',
        fault: { error: { code: 'model-error', retryable: false } },
      });
    }
  });

  test('is not believed when it nests without end', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(10_000)}${']'.repeat(10_000)}`);
    expect(read([calls(call({ deep })), stop]).end).toMatchObject({ status: 'fault' });
  });

  test('is still understood when a delta comes for each character', () => {
    const { end } = read([...Array.from({ length: 100_000 }, () => say('x')), stop]);
    expect(end).toEqual(completed([{ type: 'message', text: 'x'.repeat(100_000) }]));
  });
});
