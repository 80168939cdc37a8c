import { expect, it } from 'vitest';
import { cutInTheMiddle, tokensIn, tokensOf } from '../../src/history/tokens.ts';

it('counts a quarter of the bytes, rounded up', () => {
  expect(['', 'abcd', 'abcde', 'é'.repeat(4)].map(tokensIn)).toEqual([0, 1, 2, 2]);
});

it('counts what is encrypted by the size of it', () => {
  const item = { type: 'reasoning', encrypted_content: 'x'.repeat(400) };
  const sizes = [
    tokensOf({ type: 'reasoning', text: 'short' }),
    tokensOf({ type: 'reasoning', text: 'short', raw: { provider: 'openai', item } }),
  ];
  expect([sizes[0], (sizes[1] ?? 0) > 100]).toEqual([2, true]);
});

it('keeps the start and the end of a text that is too long, cut at no character', () => {
  const text = `${'é'.repeat(100)}${'日'.repeat(100)}`;
  const cut = cutInTheMiddle(text, 20);
  expect([
    cut.startsWith('é'),
    cut.endsWith('日'),
    cut.includes('\ufffd'),
    /about \d+ tokens left out/.test(cut),
  ]).toEqual([true, true, false, true]);
  expect(cutInTheMiddle('short', 20)).toBe('short');
});
