import { describe, expect, it } from 'vitest';
import { type Font, legible, plain, type Span, widthOf, wrapped } from '../../src/inspect/typeset.ts';

const mono: Font = { family: 'mono', size: 10, lineHeight: 14, bold: false };
const sans: Font = { ...mono, family: 'sans' };
const text = (words: string): Span => ({ kind: 'text', text: words });
const linesOf = (spans: readonly Span[], maxWidth: number, maxLines = 99) =>
  wrapped(spans, mono, { maxWidth, maxLines }).map((line) => line.map((span) => span.text).join('|'));

describe('widthOf', () => {
  it('counts every character of a mono font alike, and ideographs as more', () => {
    expect(widthOf('ilMW', mono)).toBeCloseTo(24.2);
    expect(widthOf('漢字', mono)).toBeCloseTo(22);
    expect(widthOf('', mono)).toBe(0);
  });

  it('knows narrow from wide in a sans font, and that bold is wider', () => {
    expect(widthOf('ill', sans)).toBeLessThan(widthOf('nnn', sans));
    expect(widthOf('nnn', sans)).toBeLessThan(widthOf('WWW', sans));
    expect(widthOf('nnn', { ...sans, bold: true })).toBeGreaterThan(widthOf('nnn', sans));
  });
});

describe('wrapped', () => {
  it('breaks between words, and keeps what a span is', () => {
    const spans = [{ kind: 'event', text: 'task.abort ' }, { kind: 'guard', text: '[isLate] ' }, text('/ keep it')];
    expect(wrapped(spans, mono, { maxWidth: 122, maxLines: 9 })).toEqual([
      [
        { kind: 'event', text: 'task.abort ' },
        { kind: 'guard', text: '[isLate]' },
      ],
      [{ kind: 'text', text: '/ keep it' }],
    ]);
  });

  it('breaks a word that is too long after its marks, then anywhere', () => {
    expect(linesOf([text('alpha.beta.gamma')], 70)).toEqual(['alpha.beta.', 'gamma']);
    expect(linesOf([text('abcdefghij')], 30)).toEqual(['abcd', 'efgh', 'ij']);
  });

  it('never breaks what a reader takes for one character', () => {
    const family = '👩‍👩‍👧‍👦';
    expect(linesOf([text(family.repeat(2))], 50)).toEqual([family, family]);
  });

  it('ends with an ellipsis where more lines would be needed', () => {
    expect(linesOf([text('one two three four')], 31, 2)).toEqual(['one', 'two…']);
    expect(linesOf([text('abcdefghij')], 30, 1)).toEqual(['abc…']);
    expect(linesOf([text('one two')], 31, 2)).toEqual(['one', 'two']);
  });

  it('gives no line for no text', () => {
    expect(linesOf([], 30)).toEqual([]);
    expect(linesOf([text('')], 30)).toEqual([]);
  });
});

describe('foreign text', () => {
  it('has single spaces, and marks for what cannot be seen', () => {
    expect(plain('  a\n\tb \u0000\u202ec\ud800 ')).toBe('a b \ufffd\ufffdc\ufffd');
    expect(legible('\u{10ffff}\ufeff\u2028')).toBe('\ufffd\ufffd\ufffd');
  });

  it('keeps scripts and pictures as they are', () => {
    expect(plain('naïve 漢字 👩‍👩‍👧 →')).toBe('naïve 漢字 👩‍👩‍👧 →');
  });
});
