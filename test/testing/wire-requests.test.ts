import { describe, expect, it } from 'vitest';
import { chatRequest } from '../../src/testing/wire-chat.ts';
import { responsesRequest } from '../../src/testing/wire-responses.ts';

/** What a message of the user with a text and an image is, of which nothing more is said. */
const EMPTY_MESSAGE = {
  type: 'message',
  role: 'user',
  content: [
    { type: 'text', text: '' },
    { type: 'image', url: '' },
  ],
};
const NOTHING = { instructions: null, history: [], tools: [], parallelToolCalls: false };

describe('a request of Chat Completions', () => {
  it('is read as far as its bytes tell', () => {
    const request = chatRequest({
      model: 'm',
      reasoning_effort: 'low',
      parallel_tool_calls: true,
      response_format: { type: 'json_schema', json_schema: { schema: { type: 'object' } } },
      tools: [{ type: 'function', function: { name: 'ls', description: 'Lists.', parameters: { type: 'object' } } }],
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'developer', content: 'Rules.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image_url', image_url: { url: 'data:x' } },
          ],
        },
        {
          role: 'assistant',
          content: 'I look.',
          tool_calls: [{ id: 'c1', function: { name: 'ls', arguments: '{}' } }],
        },
        { role: 'assistant', content: null, tool_calls: [{ id: 'c2', function: { name: 'ls', arguments: '{}' } }] },
        { role: 'tool', tool_call_id: 'c1', content: 'a' },
      ],
    });
    expect(request).toEqual({
      instructions: 'Be kind.',
      history: [
        { type: 'message', role: 'developer', content: [{ type: 'text', text: 'Rules.' }] },
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'text', text: 'Look' },
            { type: 'image', url: 'data:x' },
          ],
        },
        { type: 'message', role: 'assistant', text: 'I look.' },
        { type: 'call', callId: 'c1', name: 'ls', arguments: '{}' },
        { type: 'call', callId: 'c2', name: 'ls', arguments: '{}' },
        { type: 'output', callId: 'c1', output: 'a' },
      ],
      tools: [{ name: 'ls', description: 'Lists.', parameters: { type: 'object' } }],
      parallelToolCalls: true,
      effort: 'low',
      outputSchema: { type: 'object' },
      cacheKey: JSON.stringify([
        { type: 'text', text: 'Look' },
        { type: 'image_url', image_url: { url: 'data:x' } },
      ]),
    });
  });

  it('is read where it says little, or nothing', () => {
    const messages = [
      { role: 'user', content: [{ type: 'text' }, { type: 'image_url' }] },
      { role: 'assistant', tool_calls: [{}] },
      { role: 'tool' },
    ];
    expect([chatRequest({ messages, tools: [{}], prompt_cache_key: 'k' }), chatRequest({})]).toEqual([
      {
        ...NOTHING,
        history: [
          EMPTY_MESSAGE,
          { type: 'call', callId: '', name: '', arguments: '' },
          { type: 'output', callId: '', output: '' },
        ],
        tools: [{ name: '', description: '', parameters: {} }],
        cacheKey: 'k',
      },
      { ...NOTHING, cacheKey: '""' },
    ]);
  });
});

describe('a request of Responses', () => {
  it('is read as far as its bytes tell', () => {
    const input = [
      { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'Rules.' }] },
      { type: 'message', role: 'user', content: [{ type: 'input_image', image_url: 'data:x' }] },
      { type: 'custom_tool_call', call_id: 'c1', name: 'apply_patch', input: 'x' },
      { type: 'custom_tool_call_output', call_id: 'c1', output: 'done' },
      { type: 'reasoning', summary: [] },
      { type: 'something_new' },
    ];
    expect(responsesRequest({ input, tools: [{ name: 'ls', description: 'Lists.' }], prompt_cache_key: 'k' })).toEqual({
      ...NOTHING,
      history: [
        { type: 'message', role: 'developer', content: [{ type: 'text', text: 'Rules.' }] },
        { type: 'message', role: 'user', content: [{ type: 'image', url: 'data:x' }] },
        { type: 'call', callId: 'c1', name: 'apply_patch', arguments: 'x', custom: true },
        { type: 'output', callId: 'c1', output: 'done', custom: true },
        { type: 'reasoning', text: '' },
      ],
      tools: [{ name: 'ls', description: 'Lists.', parameters: {} }],
      cacheKey: 'k',
    });
  });

  it('is read where it says little', () => {
    const input = [
      { type: 'message', role: 'user', content: [{ type: 'input_text' }, { type: 'input_image' }] },
      { type: 'function_call' },
      { type: 'function_call_output' },
      { type: 'custom_tool_call' },
      { type: 'custom_tool_call_output' },
    ];
    expect(responsesRequest({ input, tools: [{}] })).toEqual({
      ...NOTHING,
      history: [
        EMPTY_MESSAGE,
        { type: 'call', callId: '', name: '', arguments: '' },
        { type: 'output', callId: '', output: '' },
        { type: 'call', callId: '', name: '', arguments: '', custom: true },
        { type: 'output', callId: '', output: '', custom: true },
      ],
      tools: [{ name: '', description: '', parameters: {} }],
      cacheKey: '',
    });
  });
});
