/** How text is set. `size` and `lineHeight` in pixels; a bold face is a little wider. */
export type Font = Readonly<{ family: 'sans' | 'mono'; size: number; lineHeight: number; bold: boolean }>;

/** A piece of a line that is shown in one way. */
export type Span<Kind extends string = string> = Readonly<{ kind: Kind; text: string }>;

/**
 * How wide a text is at most in the fonts that a reader may have, in pixels. There is no font to ask, neither where
 * pictures are made nor where they are seen: this is the width in the widest of the usual ones.
 */
export function widthOf(text: string, font: Font): number {
  let thousandths = 0;
  for (const character of text) thousandths += advanceOf(character, font);
  return (thousandths * font.size * (font.bold ? 1.13 : 1)) / 1_000;
}

/**
 * The spans in lines of at most `maxWidth`, broken between words, then after marks, then anywhere between what a
 * reader takes for characters. What needs more than `maxLines` ends with an ellipsis.
 */
export function wrapped<Kind extends string>(
  spans: readonly Span<Kind>[],
  font: Font,
  { maxWidth, maxLines }: Readonly<{ maxWidth: number; maxLines: number }>,
): Span<Kind>[][] {
  const lines: Span<Kind>[][] = [];
  let line: Span<Kind>[] = [];
  let lineWidth = 0;
  for (const piece of piecesOf(spans, font, maxWidth)) {
    const width = widthOf(piece.text, font);
    const fits = lineWidth + widthOf(piece.text.trimEnd(), font) <= maxWidth;
    if (line.length > 0 && !fits) {
      if (lines.length === maxLines - 1) return [...lines, shortened(line, font, maxWidth)].map(joined);
      lines.push(line);
      line = [];
      lineWidth = 0;
    }
    line.push(piece);
    lineWidth += width;
  }
  return (line.length === 0 ? lines : [...lines, line]).map(joined);
}

/** Characters of one text of which anything is shown at all. */
const MAX_LENGTH = 2_000;

/** Foreign text as it can be shown: white space is one space, the rest is legible. */
export function plain(text: string): string {
  return legible(text.slice(0, MAX_LENGTH).replaceAll(/\s+/gu, ' ').trim());
}

/** With a mark for each character that is invisible, turns the text around, or may not stand in XML. */
export function legible(text: string): string {
  return text.replaceAll(ILLEGIBLE, '\ufffd');
}

const ILLEGIBLE =
  /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]/gu;

function piecesOf<Kind extends string>(spans: readonly Span<Kind>[], font: Font, maxWidth: number): Span<Kind>[] {
  return spans.flatMap(({ kind, text }) =>
    (text.match(/[^ ]+ *| +/gu) ?? []).flatMap((word) =>
      fitting(word, font, maxWidth).map((part) => ({ kind, text: part })),
    ),
  );
}

/** A word that is wider than a line in parts that are not. */
function fitting(word: string, font: Font, maxWidth: number): string[] {
  if (widthOf(word.trimEnd(), font) <= maxWidth) return [word];
  const parts: string[] = [];
  let part = '';
  const add = (piece: string): void => {
    if (part !== '' && widthOf((part + piece).trimEnd(), font) > maxWidth) {
      parts.push(part);
      part = '';
    }
    part += piece;
  };
  for (const piece of word.match(/[^.\-_/:,]*[.\-_/:, ]*/gu) ?? []) {
    if (widthOf(piece.trimEnd(), font) <= maxWidth) add(piece);
    else for (const { segment } of SEGMENTER.segment(piece)) add(segment);
  }
  return part === '' ? parts : [...parts, part];
}

const SEGMENTER = new Intl.Segmenter('en', { granularity: 'grapheme' });

function shortened<Kind extends string>(line: readonly Span<Kind>[], font: Font, maxWidth: number): Span<Kind>[] {
  const kept = [...line];
  while (kept.length > 0) {
    const last = kept.pop();
    if (last === undefined) break;
    const segments = [...SEGMENTER.segment(last.text.trimEnd())].map(({ segment }) => segment);
    const before = kept.reduce((sum, { text }) => sum + widthOf(text, font), 0);
    while (segments.length > 0 && before + widthOf(`${segments.join('')}…`, font) > maxWidth) segments.pop();
    if (segments.length > 0) return [...kept, { kind: last.kind, text: `${segments.join('')}…` }];
  }
  return [...line];
}

function joined<Kind extends string>(line: readonly Span<Kind>[]): Span<Kind>[] {
  const spans: { kind: Kind; text: string }[] = [];
  for (const { kind, text } of line) {
    const last = spans.at(-1);
    if (last?.kind === kind) last.text += text;
    else spans.push({ kind, text });
  }
  const last = spans.at(-1);
  if (last !== undefined) last.text = last.text.trimEnd();
  return spans.filter(({ text }) => text !== '');
}

function advanceOf(character: string, { family }: Font): number {
  if (WIDE.test(character)) return 1_100;
  if (family === 'mono') return 605;
  return Math.ceil((ADVANCES[character] ?? (UPPER.test(character) ? 720 : 600)) * 1.15);
}

/** Characters of two columns: ideographs, kana, hangul, full-width forms, pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f000}-\u{3fffd}]/u;
const UPPER = /\p{Lu}/u;

/** How far a character of a sans-serif face takes, in thousandths of its size; what is not here is as wide as most are. */
const ADVANCES: Readonly<Record<string, number>> = Object.fromEntries(
  [
    ['ijl', 222],
    ["'|", 260],
    [' !,./:;I[\\]ft·', 278],
    ['()-`r{}', 334],
    ['"*', 389],
    ['^', 469],
    ['Jckvxyzs', 500],
    ['#$0123456789?L_abdeghnopqu…', 556],
    ['+<=>~→', 584],
    ['FTZ', 611],
    ['&ABEKPSVXY', 667],
    ['CDHNRUw', 722],
    ['GOQ', 778],
    ['Mm', 833],
    ['%', 889],
    ['W@—', 1_000],
  ].flatMap(([characters, advance]) =>
    [...String(characters)].map((character): [string, number] => [character, Number(advance)]),
  ),
);
