import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { excerpt } from '../../src/policy/excerpt.ts';

describe('an excerpt', () => {
  it.each([
    ['what fits', 'hello', 5, 5, 'hello'],
    ['both ends of what does not', 'abcdefghij', 4, 10, 'ab\n[... 6 bytes left out ...]\nij'],
    ['no empty line', 'a\ncdefghij', 4, 10, 'a\n[... 6 bytes left out ...]\nij'],
    ['nothing', 'abc', 0, 3, '[... 3 bytes left out ...]\n'],
    ['whole characters', '€€€€', 8, 12, '€\n[... 6 bytes left out ...]\n€'],
    [
      'how much there was before an earlier cut',
      'ab[... 90 bytes left out ...]yz',
      4,
      94,
      'ab\n[... 90 bytes left out ...]\nyz',
    ],
  ])('keeps %s', (_, text, keepBytes, totalBytes, expected) => {
    expect(excerpt(text, keepBytes, totalBytes)).toBe(expected);
  });

  it('is well-formed and bounded, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat(80), (text, keepBytes) => {
        const wellFormed = text.toWellFormed();
        const bytes = Buffer.byteLength(wellFormed);
        const shown = excerpt(wellFormed, keepBytes, bytes);
        expect(shown.isWellFormed()).toBe(true);
        expect(shown.includes('\ufffd')).toBe(wellFormed.includes('\ufffd') && shown.includes('\ufffd'));
        expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(keepBytes + '\n[... 00 bytes left out ...]\n'.length + 1);
      }),
    );
  });
});
