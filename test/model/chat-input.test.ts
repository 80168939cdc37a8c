import { expect, test } from 'vitest';
import { chatBody, chatMessages } from '../../src/model/chat-input.ts';
import type { Server } from '../../src/model/endpoint.ts';
import type { LocalImage } from '../../src/model/images.ts';
import type { ModelRequest } from '../../src/model/port.ts';
import type { HistoryEntry } from '../../src/protocol/history.ts';

const OPENAI: Server = { provider: 'openai', model: 'gpt', isOpenAI: true, images: new Map() };
const LOCAL: Server = { ...OPENAI, provider: 'openai-compatible:localhost', isOpenAI: false };
const NONE: ReadonlySet<string> = new Set();

const user = (text: string): HistoryEntry => ({ type: 'message', role: 'user', content: [{ type: 'text', text }] });
const developer = (text: string): HistoryEntry => ({
  type: 'message',
  role: 'developer',
  content: [{ type: 'text', text }],
});
const assistant = (text: string): HistoryEntry => ({ type: 'message', role: 'assistant', text });
const call = (callId: string, text = '{}', more: object = {}): HistoryEntry => ({
  type: 'call',
  callId,
  name: 'shell',
  arguments: text,
  ...more,
});
const output = (callId: string, text = 'done'): HistoryEntry => ({ type: 'output', callId, output: text });
const sent = (id: string, text = '{}') => ({ id, type: 'function', function: { name: 'shell', arguments: text } });
const tool = (tool_call_id: string, content = 'done') => ({ role: 'tool', tool_call_id, content });

function messages(
  history: readonly HistoryEntry[],
  server = LOCAL,
  without = NONE,
  instructions: string | null = null,
) {
  return chatMessages({ instructions, history }, server, without);
}

test('puts what the model said in one step into one message, and the outputs right after it', () => {
  const history = [
    user('Hello'),
    { type: 'reasoning', text: 'Hm' } as const,
    assistant('I look.'),
    call('c1'),
    call('c2'),
    output('c1'),
    output('c2', 'gone'),
    assistant('Done.'),
    user('Thanks'),
  ];
  expect(messages(history, LOCAL, NONE, 'Be brief.')).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello' },
    { role: 'assistant', content: 'I look.', tool_calls: [sent('c1'), sent('c2')] },
    tool('c1'),
    tool('c2', 'gone'),
    { role: 'assistant', content: 'Done.' },
    { role: 'user', content: 'Thanks' },
  ]);
});

test('keeps steps of calls apart that have no text between them', () => {
  expect(messages([call('c1'), output('c1'), call('c2'), output('c2')])).toEqual([
    { role: 'assistant', content: null, tool_calls: [sent('c1')] },
    tool('c1'),
    { role: 'assistant', content: null, tool_calls: [sent('c2')] },
    tool('c2'),
  ]);
});

test('gives servers the only order that they take, whatever the history holds', () => {
  expect(messages([call('c1'), user('Wait'), output('c1'), output('orphan'), call('c2')])).toEqual([
    { role: 'assistant', content: null, tool_calls: [sent('c1')] },
    tool('c1'),
    { role: 'user', content: 'Wait' },
    { role: 'assistant', content: null, tool_calls: [sent('c2')] },
    tool('c2', 'aborted'),
  ]);
});

test('joins texts of the model that follow each other, and leaves out empty ones', () => {
  const partial: HistoryEntry = { type: 'message', role: 'assistant', text: 'Half', partial: true };
  expect(messages([partial, assistant(''), assistant('and half')])).toEqual([
    { role: 'assistant', content: 'Half\n\nand half' },
  ]);
  expect(messages([assistant('')])).toEqual([]);
});

test('speaks to OpenAI as the developer, and to others as the system at the beginning and as the user later', () => {
  const history = [developer('Project.'), user('Hello'), developer('Interrupted.')];
  expect(messages(history, OPENAI, NONE, 'Be brief.')).toEqual([
    { role: 'system', content: 'Be brief.' },
    { role: 'developer', content: 'Project.' },
    { role: 'user', content: 'Hello' },
    { role: 'developer', content: 'Interrupted.' },
  ]);
  const others = [
    { role: 'system', content: 'Be brief.\n\nProject.' },
    { role: 'user', content: 'Hello' },
    { role: 'user', content: 'Interrupted.' },
  ];
  expect(messages(history, LOCAL, NONE, 'Be brief.')).toEqual(others);
  expect(messages(history, OPENAI, new Set(['developer role']), 'Be brief.')).toEqual(others);
});

test('shows images as parts, or says that one could not be read', () => {
  const known: LocalImage = { type: 'local-image', path: '/a.png' };
  const gone: LocalImage = { type: 'local-image', path: '/b.png' };
  const content = [
    { type: 'text' as const, text: 'Look' },
    { type: 'image' as const, url: 'https://x/y.png' },
    known,
    gone,
  ];
  const images = new Map([[known, 'data:a']]);
  expect(messages([{ type: 'message', role: 'user', content }], { ...LOCAL, images })).toEqual([
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Look' },
        { type: 'image_url', image_url: { url: 'https://x/y.png' } },
        { type: 'image_url', image_url: { url: 'data:a' } },
        { type: 'text', text: 'There was an image here that could not be read.' },
      ],
    },
  ]);
});

test('gives back only what servers can parse', () => {
  const calls = [
    call('c1', ''),
    call('c2', '{"a":'),
    call('c3', '[1]'),
    call('c4', '*** Begin', { custom: true }),
    call('c5', '{}', { name: 'rm -rf\n\u001b[2J' }),
  ];
  const [message] = messages([...calls, ...calls.map((_, at) => output(`c${at + 1}`))]);
  expect(message).toEqual({
    role: 'assistant',
    content: null,
    tool_calls: [
      sent('c1', '{}'),
      sent('c2', '{"malformed":"{\\"a\\":"}'),
      sent('c3', '{"malformed":"[1]"}'),
      sent('c4', '{"input":"*** Begin"}'),
      { id: 'c5', type: 'function', function: { name: 'rm_-rf___2J', arguments: '{}' } },
    ],
  });
});

test('replaces lone halves of characters, which servers reject', () => {
  expect(messages([user('a\ud83d'), assistant('\ude00b'), call('c1'), output('c1', '\ud83d')])).toEqual([
    { role: 'user', content: 'a\ufffd' },
    { role: 'assistant', content: '\ufffdb', tool_calls: [sent('c1')] },
    tool('c1', '\ufffd'),
  ]);
});

test('gives the same provider back what it put beside calls, and reasoning where calls came of it', () => {
  const raw = (item: object, provider = LOCAL.provider) => ({ raw: { provider, item } });
  const thought = (provider?: string): HistoryEntry => ({
    type: 'reasoning',
    text: 'Hm',
    ...raw({ field: 'reasoning_content' }, provider),
  });
  const signed = call('c1', '{}', raw({ type: 'function', extra_content: 'x' }));
  const signature = { ...sent('c1'), extra_content: 'x' };
  const history = [thought(), signed, output('c1'), thought(), assistant('Done.')];
  expect(messages(history)).toEqual([
    { role: 'assistant', content: null, reasoning_content: 'Hm', tool_calls: [signature] },
    tool('c1'),
    { role: 'assistant', content: 'Done.' },
  ]);
  expect(messages(history, LOCAL, new Set(['reasoning_content']))).toContainEqual({
    role: 'assistant',
    content: null,
    tool_calls: [signature],
  });
  expect(messages(history, { ...LOCAL, provider: 'another' })).toContainEqual({
    role: 'assistant',
    content: null,
    tool_calls: [sent('c1')],
  });
});

test('does not take items of the Responses API for its own', () => {
  const item = { type: 'function_call', call_id: 'c1', name: 'shell', arguments: '{}' };
  const history = [call('c1', '{}', { raw: { provider: LOCAL.provider, item } }), output('c1')];
  expect(messages(history)).toEqual([{ role: 'assistant', content: null, tool_calls: [sent('c1')] }, tool('c1')]);
});

const REQUEST: ModelRequest = {
  instructions: 'Be brief.',
  history: [user('Hello')],
  tools: [{ name: 'shell', description: 'Runs a command.', parameters: { type: 'object' } }],
  parallelToolCalls: true,
  effort: 'low',
  outputSchema: { type: 'object' },
  cacheKey: 'session-1',
};

test('asks for a stream with its count of tokens, and for all that was wanted', () => {
  expect(chatBody(REQUEST, OPENAI, NONE)).toEqual({
    model: 'gpt',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
    ],
    stream: true,
    stream_options: { include_usage: true },
    prompt_cache_key: 'session-1',
    tools: [
      { type: 'function', function: { name: 'shell', description: 'Runs a command.', parameters: { type: 'object' } } },
    ],
    parallel_tool_calls: true,
    reasoning_effort: 'low',
    response_format: { type: 'json_schema', json_schema: { name: 'output', schema: { type: 'object' }, strict: true } },
  });
});

test('asks other servers for no more than they know, and leaves out what was not asked for', () => {
  const { effort: _, outputSchema: __, ...rest } = REQUEST;
  const without = new Set(['stream_options']);
  expect(chatBody({ ...rest, instructions: null, tools: [] }, LOCAL, without)).toEqual({
    model: 'gpt',
    messages: [{ role: 'user', content: 'Hello' }],
    stream: true,
  });
});
