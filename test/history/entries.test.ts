import { describe, expect, it } from 'vitest';
import { compactedHistory, keptOf } from '../../src/history/compacted.ts';
import { normalised } from '../../src/history/normalise.ts';
import { tokensOf } from '../../src/history/tokens.ts';
import type { HistoryEntry } from '../../src/protocol/history.ts';
import type { InputPart } from '../../src/protocol/input.ts';

const image: InputPart = { type: 'image', url: 'data:image/png;base64,AAAA' };
const user = (...content: readonly InputPart[]): HistoryEntry => ({ type: 'message', role: 'user', content });
const text = (words: string): InputPart => ({ type: 'text', text: words });
const call = (callId: string): HistoryEntry => ({ type: 'call', callId, name: 'shell', arguments: '{"a":1}' });
const output = (callId: string, words = 'done'): HistoryEntry => ({ type: 'output', callId, output: words });

describe('about how many tokens an entry is', () => {
  it.each<[string, HistoryEntry, number]>([
    ['what the model said', { type: 'message', role: 'assistant', text: 'a'.repeat(8) }, 2],
    ['what a user said', user(text('abcd'), text('abcde')), 3],
    ['an image', user(image), 1_000],
    ['a call, with its arguments', call('c1'), 4],
    ['an output', output('c1', 'a'.repeat(12)), 3],
  ])('is told of %s', (_, entry, tokens) => {
    expect(tokensOf(entry)).toBe(tokens);
  });
});

describe('a compacted history', () => {
  it('has the state of the work before the summary, as far as there is one', () => {
    const kept = {
      messages: ['do it'],
      plan: [{ step: 'look', status: 'completed' as const }],
      files: [{ path: 'x', kind: 'add' as const }],
      refused: ['rm -rf /'],
    };
    const texts = (one: typeof kept) =>
      compactedHistory(one, 'Done so far.').map((entry) =>
        entry.type === 'message' && entry.role === 'user'
          ? entry.content.map((part) => ('text' in part ? part.text : ''))[0]
          : '',
      );
    expect([texts(kept)[1], texts({ ...kept, files: [], refused: [] })[1]]).toEqual([
      '<state_of_the_work>\nThe plan:\n- [completed] look\n\nFiles changed so far:\n- add x\n\nRefused by the user:\n- rm -rf /\n</state_of_the_work>',
      '<state_of_the_work>\nThe plan:\n- [completed] look\n</state_of_the_work>',
    ]);
    const nothing = texts({ messages: [], plan: [], files: [], refused: [] });
    expect([nothing.length, nothing[0]?.includes('The request that the work is about')]).toEqual([1, false]);
  });

  it('says of an image that there was one', () => {
    expect(keptOf([user(text('look'), image)], []).messages).toEqual(['look\n[an image]']);
  });
});

describe('what a model may be shown', () => {
  it('has a call that came twice once, with its one output', () => {
    expect(normalised([call('c1'), output('c1'), call('c1'), output('c1', 'again')])).toEqual([
      call('c1'),
      output('c1'),
    ]);
  });

  it('has no output without a call, and none before it', () => {
    expect(normalised([output('c0'), call('c1'), output('c1')])).toEqual([call('c1'), output('c1')]);
  });
});
