import { expect, test } from 'vitest';
import { createImageLoader } from '../../src/model/images.ts';
import type { ModelRequest } from '../../src/model/port.ts';
import { inputItems, responsesBody } from '../../src/model/responses-input.ts';
import type { HistoryEntry } from '../../src/protocol/history.ts';

const OPENAI = { provider: 'openai', model: 'gpt', isOpenAI: true, images: new Map() };
const LOCAL = { ...OPENAI, provider: 'openai-compatible:localhost', isOpenAI: false };

const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'secret' };
const answer = {
  type: 'message',
  id: 'msg_1',
  role: 'assistant',
  phase: 'final',
  content: [{ type: 'output_text', text: 'Hi' }],
};
const raw = (item: unknown) => ({ provider: 'openai', item });

const HISTORY: readonly HistoryEntry[] = [
  { type: 'message', role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
  {
    type: 'message',
    role: 'user',
    content: [
      { type: 'text', text: 'What is this?' },
      { type: 'image', url: 'data:x' },
    ],
  },
  { type: 'reasoning', text: '', raw: raw(reasoning) },
  { type: 'message', role: 'assistant', text: 'Hi', raw: raw(answer) },
  { type: 'call', callId: 'c1', name: 'shell', arguments: '{}' },
  { type: 'output', callId: 'c1', output: 'done' },
  { type: 'call', callId: 'c2', name: 'apply_patch', arguments: '*** Begin', custom: true },
  { type: 'output', callId: 'c2', output: 'ok', custom: true },
];

const SENT_FIRST = [
  { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'Be kind.' }] },
  {
    type: 'message',
    role: 'user',
    content: [
      { type: 'input_text', text: 'What is this?' },
      { type: 'input_image', image_url: 'data:x', detail: 'auto' },
    ],
  },
];
const SHELL = [
  { type: 'function_call', call_id: 'c1', name: 'shell', arguments: '{}' },
  { type: 'function_call_output', call_id: 'c1', output: 'done' },
];

test('sends back to OpenAI unchanged what OpenAI sent', () => {
  expect(inputItems(HISTORY, OPENAI)).toEqual([
    ...SENT_FIRST,
    reasoning,
    answer,
    ...SHELL,
    { type: 'custom_tool_call', call_id: 'c2', name: 'apply_patch', input: '*** Begin' },
    { type: 'custom_tool_call_output', call_id: 'c2', output: 'ok' },
  ]);
});

test('translates for another server, without foreign reasoning and with functions only', () => {
  expect(inputItems(HISTORY, LOCAL)).toEqual([
    ...SENT_FIRST,
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] },
    ...SHELL,
    { type: 'function_call', call_id: 'c2', name: 'apply_patch', arguments: '{"input":"*** Begin"}' },
    { type: 'function_call_output', call_id: 'c2', output: 'ok' },
  ]);
});

test.each([
  { what: 'that nothing came of', history: [{ type: 'reasoning', text: '', raw: raw(reasoning) }] },
  {
    what: 'whose answer was cut short',
    history: [
      { type: 'reasoning', text: '', raw: raw(reasoning) },
      { type: 'message', role: 'assistant', text: 'H', partial: true },
    ],
  },
  {
    what: 'without its encrypted content',
    history: [
      { type: 'reasoning', text: '', raw: raw({ type: 'reasoning', id: 'rs_1', summary: [] }) },
      { type: 'message', role: 'assistant', text: 'Hi', raw: raw(answer) },
    ],
  },
] satisfies { what: string; history: HistoryEntry[] }[])('leaves out a reasoning $what', ({ history }) => {
  expect(inputItems(history, OPENAI)).not.toContainEqual(expect.objectContaining({ type: 'reasoning' }));
});

test('gives another server its encrypted reasoning back, and to nobody else', () => {
  const ofLocal = (item: unknown) => ({ provider: LOCAL.provider, item });
  const history: readonly HistoryEntry[] = [
    { type: 'reasoning', text: '', raw: ofLocal(reasoning) },
    { type: 'message', role: 'assistant', text: 'Hi', raw: ofLocal(answer) },
  ];
  expect(inputItems(history, LOCAL)).toEqual([reasoning, answer]);
  expect(inputItems(history, OPENAI)).toEqual([
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] },
  ]);
});

test('does not take what Chat Completions left for items', () => {
  const raw = { provider: 'openai', item: { type: 'function', extra: 1 } };
  const history: readonly HistoryEntry[] = [
    { type: 'reasoning', text: 'Hm', raw: { provider: 'openai', item: { field: 'reasoning_content' } } },
    { type: 'call', callId: 'c1', name: 'shell', arguments: '{}', raw },
    { type: 'output', callId: 'c1', output: 'done' },
  ];
  expect(inputItems(history, OPENAI)).toEqual(SHELL);
});

test('gives back no name that OpenAI refuses, and no reasoning that led to it', () => {
  const item = { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'a b', arguments: '{}' };
  const history: readonly HistoryEntry[] = [
    { type: 'reasoning', text: '', raw: raw(reasoning) },
    { type: 'call', callId: 'c1', name: 'a b', arguments: '{}', raw: raw(item) },
  ];
  expect(inputItems(history, OPENAI)).toEqual([{ type: 'function_call', call_id: 'c1', name: 'a_b', arguments: '{}' }]);
});

test('gives servers that parse arguments only what they can parse', () => {
  const item = { type: 'function_call', call_id: 'c1', name: 'shell', arguments: '{"a":' };
  const call = (provider: string): HistoryEntry => ({
    type: 'call',
    callId: 'c1',
    name: 'shell',
    arguments: '{"a":',
    raw: { provider, item },
  });
  expect(inputItems([call('openai')], OPENAI)).toEqual([item]);
  expect(inputItems([call(LOCAL.provider)], LOCAL)).toEqual([{ ...item, arguments: '{"malformed":"{\\"a\\":"}' }]);
});

test('calls the developer the system where the other name is not known', () => {
  const history: readonly HistoryEntry[] = [
    { type: 'message', role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
  ];
  expect(inputItems(history, LOCAL, new Set(['developer role']))).toMatchObject([{ role: 'system' }]);
});

const IMAGES = ['/a.png', '/b.png'].map((path) => ({ type: 'local-image' as const, path }));
const WITH_IMAGES: readonly HistoryEntry[] = [{ type: 'message', role: 'user', content: IMAGES }];
const never = new AbortController().signal;

test('shows local images as data, or says that one could not be read', async () => {
  const images = await createImageLoader(async (path) => {
    if (path === '/b.png') throw new Error('ENOENT');
    return `data:${path}`;
  })(WITH_IMAGES, never);
  expect(inputItems(WITH_IMAGES, { ...OPENAI, images })).toEqual([
    {
      type: 'message',
      role: 'user',
      content: [
        { type: 'input_image', image_url: 'data:/a.png', detail: 'auto' },
        { type: 'input_text', text: 'There was an image here that could not be read.' },
      ],
    },
  ]);
});

test('reads a local image once, and one that could not be read again with the next request', async () => {
  const read: string[] = [];
  const load = createImageLoader(async (path) => {
    read.push(path);
    if (path === '/b.png' && read.length < 3) throw new Error('EBUSY');
    return `data:${read.length}`;
  });
  await load(WITH_IMAGES, never);
  expect([...(await load(WITH_IMAGES, never)).values()]).toEqual(['data:1', 'data:3']);
  expect(read).toEqual(['/a.png', '/b.png', '/b.png']);
});

test('stops waiting for an image when it is aborted', async () => {
  const stop = new AbortController();
  const loading = createImageLoader(() => new Promise(() => {}))(WITH_IMAGES, stop.signal);
  stop.abort(new Error('Enough.'));
  await expect(loading).rejects.toThrow('Enough.');
});

test('replaces lone halves of characters, which servers reject', () => {
  const history: readonly HistoryEntry[] = [{ type: 'output', callId: 'c1', output: 'a\ud83d' }];
  expect(inputItems(history, OPENAI)).toEqual([{ type: 'function_call_output', call_id: 'c1', output: 'a\ufffd' }]);
});

const REQUEST: ModelRequest = {
  instructions: 'Be brief.',
  history: [{ type: 'message', role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  tools: [{ name: 'shell', description: 'Runs a command.', parameters: { type: 'object' } }],
  parallelToolCalls: true,
  effort: 'low',
  outputSchema: { type: 'object' },
  cacheKey: 'session-1',
};
const INPUT = [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hello' }] }];

test('asks OpenAI for a stream, keeps nothing there and sends all that there is', () => {
  expect(responsesBody(REQUEST, OPENAI, new Set())).toEqual({
    model: 'gpt',
    instructions: 'Be brief.',
    input: INPUT,
    stream: true,
    store: false,
    prompt_cache_key: 'session-1',
    include: ['reasoning.encrypted_content'],
    tools: [
      {
        type: 'function',
        name: 'shell',
        description: 'Runs a command.',
        parameters: { type: 'object' },
        strict: false,
      },
    ],
    parallel_tool_calls: true,
    reasoning: { effort: 'low', summary: 'auto' },
    text: { format: { type: 'json_schema', name: 'output', schema: { type: 'object' }, strict: true } },
  });
});

test('asks other servers for no more than they know, and leaves out what was not asked for', () => {
  const { instructions: _, effort: __, outputSchema: ___, ...rest } = REQUEST;
  expect(responsesBody({ ...rest, instructions: null, tools: [] }, LOCAL, new Set(['prompt_cache_key']))).toEqual({
    model: 'gpt',
    input: INPUT,
    stream: true,
    store: false,
  });
});
