import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Body } from '../../src/model/endpoint.ts';
import type { LocalImage } from '../../src/model/images.ts';
import type { ModelRequest } from '../../src/model/port.ts';
import { createResponsesWriter, KEPT_BYTES_MAX, KEPT_ENTRIES_MIN } from '../../src/model/responses-body.ts';
import { responsesBody } from '../../src/model/responses-input.ts';
import type { HistoryEntry } from '../../src/protocol/history.ts';

const OPENAI = { provider: 'openai', model: 'gpt', isOpenAI: true, images: new Map<LocalImage, string>() };
const KNOWS_ALL: ReadonlySet<string> = new Set();
const REQUEST: ModelRequest = {
  instructions: 'Be brief.',
  history: [],
  tools: [{ name: 'shell', description: 'Runs a command.', parameters: { type: 'object' } }],
  parallelToolCalls: true,
  cacheKey: 'session-1',
};

/** Where the bytes of the history are; null when they are not kept. */
const memoryOf = (body: Body) => (typeof body === 'string' ? null : body[1]?.buffer);
const textOf = (body: Body) => (typeof body === 'string' ? body : Buffer.concat(body).toString());
const user = (text: string): HistoryEntry => ({ type: 'message', role: 'user', content: [{ type: 'text', text }] });
const users = (count: number, text = 'Grüße 👋') => Array.from({ length: count }, (_, at) => user(`${text} ${at}`));

const raw = (item: unknown) => ({ provider: 'openai', item });
const reasoned: HistoryEntry = {
  type: 'reasoning',
  text: '',
  raw: raw({ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'secret' }),
};
const anyEntry = fc.oneof(
  fc.string({ unit: 'binary' }).map(user),
  fc.constant(reasoned),
  fc.string().map((text): HistoryEntry => ({ type: 'message', role: 'assistant', text })),
  fc.string().map((text): HistoryEntry => {
    const item = { type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text }] };
    return { type: 'message', role: 'assistant', text, raw: raw(item) };
  }),
  fc.nat().map((id): HistoryEntry => ({ type: 'call', callId: `c${id}`, name: 'shell', arguments: '{}' })),
  fc.nat().map((id): HistoryEntry => ({ type: 'output', callId: `c${id}`, output: 'done' })),
);

/** More sets of tools than heads are kept. */
const TOOL_SETS = Array.from({ length: 20 }, (_, count) => [
  ...REQUEST.tools,
  ...Array.from({ length: count % 5 }, (_, at) => ({
    name: `tool-${count}-${at}`,
    description: 'Does "something".',
    parameters: { type: 'object' },
  })),
]);

/** One request after the other: a history grows, or another one takes its place; what the server knows gets less. */
const anyRequests = fc.array(
  fc.record({
    more: fc.array(anyEntry, { maxLength: 2 * KEPT_ENTRIES_MIN }),
    keep: fc.oneof({ weight: 5, arbitrary: fc.constant(Number.POSITIVE_INFINITY) }, fc.nat(60)),
    cacheKey: fc.constantFrom('session-1', 'session-2'),
    instructions: fc.constantFrom('Be brief.', null),
    tools: fc.constantFrom([], ...TOOL_SETS),
    refused: fc.constantFrom([], [], ['developer role'], ['prompt_cache_key', 'store']),
  }),
  { maxLength: 8 },
);

describe('the body of a request', () => {
  test('is what it is made from, whatever was written before', () => {
    fc.assert(
      fc.property(anyRequests, (requests) => {
        const write = createResponsesWriter();
        const without = new Set<string>();
        let history: readonly HistoryEntry[] = [];
        for (const { more, keep, cacheKey, instructions, tools, refused } of requests) {
          for (const name of refused) without.add(name);
          history = [...history.slice(0, keep), ...more];
          const request = { ...REQUEST, history, cacheKey, instructions, tools };
          const expected = JSON.stringify(responsesBody(request, OPENAI, without));
          expect(JSON.parse(textOf(write(request, OPENAI, without)))).toEqual(JSON.parse(expected));
        }
      }),
    );
  });

  test('is right for each of many sessions that take turns and have tools of their own', () => {
    const write = createResponsesWriter();
    for (const tools of [...TOOL_SETS, ...TOOL_SETS.toReversed(), ...TOOL_SETS]) {
      const request = { ...REQUEST, tools, history: users(1) };
      const expected = JSON.parse(JSON.stringify(responsesBody(request, OPENAI, KNOWS_ALL)));
      expect(JSON.parse(textOf(write(request, OPENAI, KNOWS_ALL)))).toEqual(expected);
    }
  });

  test('shares the bytes of a long history with the one before', () => {
    const write = createResponsesWriter();
    const history = users(KEPT_ENTRIES_MIN + 2);
    const [, second, third] = [0, 1, 2].map((more) =>
      memoryOf(write({ ...REQUEST, history: history.slice(0, KEPT_ENTRIES_MIN + more) }, OPENAI, KNOWS_ALL)),
    );
    expect(second).toBeInstanceOf(ArrayBuffer);
    expect(third === second).toBe(true);
  });

  test('is not changed by the next one while it is still being sent', () => {
    const write = createResponsesWriter();
    const history = users(KEPT_ENTRIES_MIN);
    write({ ...REQUEST, history }, OPENAI, KNOWS_ALL);
    const sent = write({ ...REQUEST, history: [...history, user('One')] }, OPENAI, KNOWS_ALL);
    const before = textOf(sent);
    write({ ...REQUEST, history: [...history, user('Two'), user('Three')] }, OPENAI, KNOWS_ALL);
    write({ ...REQUEST, history: [...history, user('One'), user('Four')] }, OPENAI, KNOWS_ALL);
    expect(textOf(sent)).toBe(before);
  });

  test('shows an image once it can be read', () => {
    const image: LocalImage = { type: 'local-image', path: '/a.png' };
    const history: HistoryEntry[] = [
      ...users(KEPT_ENTRIES_MIN),
      { type: 'message', role: 'user', content: [image] },
      user('What is it?'),
    ];
    const write = createResponsesWriter();
    const request = { ...REQUEST, history };
    expect(textOf(write(request, OPENAI, KNOWS_ALL))).toContain('could not be read');
    const shown = { ...OPENAI, images: new Map([[image, 'data:it']]) };
    expect(JSON.parse(textOf(write(request, shown, KNOWS_ALL)))).toEqual(responsesBody(request, shown, KNOWS_ALL));
  });

  test('of sessions without number keeps no more than the limit, and stays right', () => {
    const write = createResponsesWriter();
    const history = users(KEPT_ENTRIES_MIN, 'a'.repeat(KEPT_BYTES_MAX / 3 / KEPT_ENTRIES_MIN));
    const bodies = Array.from({ length: 5 }, (_, at) =>
      write({ ...REQUEST, history: [...history], cacheKey: `session-${at}` }, OPENAI, KNOWS_ALL),
    );
    const again = write({ ...REQUEST, history, cacheKey: 'session-0' }, OPENAI, KNOWS_ALL);
    const last = write({ ...REQUEST, history, cacheKey: 'session-4' }, OPENAI, KNOWS_ALL);
    const [first = '', , , , fifth = ''] = bodies;
    expect(memoryOf(again) === memoryOf(first)).toBe(false);
    expect(memoryOf(last) === memoryOf(fifth)).toBe(true);
    expect(textOf(again) === textOf(first)).toBe(true);
  });
});
