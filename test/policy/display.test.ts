import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { display, displayArgv } from '../../src/policy/display.ts';

/** What is shown, and what of: name, text, shown. */
const STRINGS: readonly [string, string, string][] = [
  ['plain text', 'ls -la', 'ls -la'],
  ['nothing', '', ''],
  ['a line feed and a tab', 'a\n\tb', 'a\n\tb'],
  ['letters of other scripts', 'häßlich 日本語 עברית العربية हिन्दी', 'häßlich 日本語 עברית العربية हिन्दी'],
  ['an emoji', '👍', '👍'],
  ['a combining accent', 'e\u0301', 'e\u0301'],
  ['a wide blank', '\u3000', '\u3000'],
  ['NUL', 'a\0b', 'a\\x00b'],
  ['a bell', '\x07', '\\x07'],
  ['a backspace', 'rm\b\bls', 'rm\\x08\\x08ls'],
  ['a vertical tab', '\x0b', '\\x0b'],
  ['a form feed', '\x0c', '\\x0c'],
  ['a carriage return', 'rm -rf /\rls', 'rm -rf /\\x0dls'],
  ['a carriage return before a line feed', 'a\r\nb', 'a\\x0d\nb'],
  ['shift out', '\x0e', '\\x0e'],
  ['an escape', '\x1b', '\\x1b'],
  ['a colour', '\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
  ['a cursor movement', '\x1b[2J\x1b[H', '\\x1b[2J\\x1b[H'],
  ['a title', '\x1b]0;owned\x07', '\\x1b]0;owned\\x07'],
  ['the clipboard (OSC 52)', '\x1b]52;c;cm0=\x07', '\\x1b]52;c;cm0=\\x07'],
  ['a program to run (OSC 9;7)', '\x1b]9;7;"calc"\x1b\\', '\\x1b]9;7;"calc"\\x1b\\'],
  ['a link (OSC 8)', '\x1b]8;;http://x\x1b\\a\x1b]8;;\x1b\\', '\\x1b]8;;http://x\\x1b\\a\\x1b]8;;\\x1b\\'],
  ['a device control string', '\x1bP$q"p\x1b\\', '\\x1bP$q"p\\x1b\\'],
  ['DEL', '\x7f', '\\x7f'],
  ['the first of C1', '\x80', '\\x80'],
  ['CSI of C1', '\x9b31m', '\\x9b31m'],
  ['OSC of C1', '\x9d0;t\x9c', '\\x9d0;t\\x9c'],
  ['the last of C1', '\x9f', '\\x9f'],
  ['the next line of C1', '\x85', '\\x85'],
  ['a soft hyphen', 'r\u00adm', 'r\\xadm'],
  ['the Arabic letter mark', '\u061c', '\\u{61c}'],
  ['the marks of direction', '\u200e\u200f', '\\u{200e}\\u{200f}'],
  ['embeddings and overrides', '\u202a\u202b\u202c\u202d\u202e', '\\u{202a}\\u{202b}\\u{202c}\\u{202d}\\u{202e}'],
  ['isolates', '\u2066\u2067\u2068\u2069', '\\u{2066}\\u{2067}\\u{2068}\\u{2069}'],
  ['a name turned round', 'photo\u202egpj.sh', 'photo\\u{202e}gpj.sh'],
  ['a zero-width blank', 'r\u200bm', 'r\\u{200b}m'],
  ['joiners', 'a\u200cb\u200dc', 'a\\u{200c}b\\u{200d}c'],
  ['a word joiner', '\u2060', '\\u{2060}'],
  ['a byte order mark', '\ufeffls', '\\u{feff}ls'],
  ['a variation selector', 'a\ufe0f', 'a\\u{fe0f}'],
  ['a variation selector beyond', 'a\u{e0100}', 'a\\u{e0100}'],
  ['a Mongolian variation selector', '\u180b', '\\u{180b}'],
  ['tags', '\u{e0068}\u{e0069}\u{e007f}', '\\u{e0068}\\u{e0069}\\u{e007f}'],
  ['the first tag', '\u{e0001}', '\\u{e0001}'],
  ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
  ['a paragraph separator', 'a\u2029b', 'a\\u{2029}b'],
  ['a private character', '\ue000', '\\u{e000}'],
  ['a private character beyond', '\u{f0000}', '\\u{f0000}'],
  ['a character that is not assigned', '\u0378', '\\u{378}'],
  ['no character', '\ufffe', '\\u{fffe}'],
  ['a lone high surrogate', 'a\ud800b', 'a\\u{d800}b'],
  ['a lone low surrogate', '\udc00', '\\u{dc00}'],
  ['a Hangul filler', '\u3164\u115f\uffa0', '\\u{3164}\\u{115f}\\u{ffa0}'],
  ['a combining grapheme joiner', '\u034f', '\\u{34f}'],
  ['the blank Braille pattern', '\u2800', '\\u{2800}'],
  ['an interlinear annotation', '\ufff9', '\\u{fff9}'],
  ['a musical format character', '\u{1d173}', '\\u{1d173}'],
  ['what looks like an escape of ours', 'printf "\\x1b[2J"', 'printf "\\x5cx1b[2J"'],
  ['what looks like a long escape of ours', '\\u{202e}', '\\x5cu{202e}'],
  ['a backslash that looks like nothing', 'a\\nb \\xZZ \\u{} C:\\x', 'a\\nb \\xZZ \\u{} C:\\x'],
  ['a backslash before an escape', '\\\x1b', '\\\\x1b'],
];

describe('display', () => {
  it.each(STRINGS)('shows %s', (_, text, shown) => {
    expect(display(text)).toBe(shown);
  });

  it('gives only characters that can be seen, line feeds and tabs', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        expect(display(text)).toMatch(/^(?:[^\p{C}\p{Zl}\p{Zp}\p{DI}]|[\n\t])*$/u);
      }),
      { numRuns: 2_000 },
    );
  });

  it('can be read back', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        expect(readBack(display(text))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('displayArgv', () => {
  it.each([
    [['ls', '-la', './a_b.ts'], 'ls -la ./a_b.ts'],
    [['echo', 'a b', ''], "echo 'a b' ''"],
    [['echo', "it's"], "echo 'it'\\''s'"],
    [['bash', '-c', 'a\n\tb'], "bash -c 'a\\x0a\\x09b'"],
    [['A=1', 'B=2'], "'A=1' 'B=2'"],
    [['ls', '--color=never'], 'ls --color=never'],
    [['echo', '\x1b[31m', '\u202e'], "echo '\\x1b[31m' '\\u{202e}'"],
    [['~', '*', '$HOME', '#'], "'~' '*' '$HOME' '#'"],
    [[], ''],
  ])('quotes %j on one line', (argv, shown) => {
    expect(displayArgv(argv)).toBe(shown);
  });
});

/** Texts in which what must not be shown is frequent, and so is what our escapes are made of. */
function anyText(): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    fc.constantFrom('\\', 'x', 'u{', '1b', '202e', '}', '\x1b', '\r', '\n', '\t', '\u202e', '\ud800', '\udc00'),
  );
  return fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
}

function readBack(shown: string): string {
  return shown.replace(/\\x([0-9a-f]{2})|\\u\{([0-9a-f]+)\}/g, (_, short, long) =>
    String.fromCodePoint(Number.parseInt(short ?? long, 16)),
  );
}
