import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineFinder } from '../../src/tools/apply-patch/find-lines.ts';
import { applyChunks } from '../../src/tools/apply-patch/match.ts';
import { type Chunk, parsePatch } from '../../src/tools/apply-patch/parse.ts';
import { decodeText, encodeText } from '../../src/tools/apply-patch/text-file.ts';
import { patchText } from './patch-workspace.ts';

function chunksOf(lines: readonly string[]): readonly Chunk[] {
  const parsed = parsePatch(patchText('*** Update File: a', ...lines));
  if (!parsed.ok) expect.fail(parsed.message);
  const [update] = parsed.operations;
  return update?.type === 'update' ? update.chunks : [];
}

/** The text after the chunks, or what was wrong. */
function patched(text: string, ...lines: readonly string[]): string {
  const file = decodeText(new TextEncoder().encode(text));
  if (file === null) expect.fail('not UTF-8');
  const matched = applyChunks(file, chunksOf(lines));
  return matched.ok ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(encodeText(matched.file)) : matched.message;
}

describe('applyChunks', () => {
  it.each<[string, string, readonly string[], string]>([
    ['replaces exact lines', 'a\nb\nc\n', [' a', '-b', '+B', ' c'], 'a\nB\nc\n'],
    ['deletes', 'a\nb\nc\n', ['-b'], 'a\nc\n'],
    ['deletes everything', 'a\nb\n', ['-a', '-b'], ''],
    ['overlooks blanks at the ends of lines', 'a  \nb\t\n', [' a', '-b', '+B'], 'a  \nB\n'],
    ['overlooks indentation', '  a\n\tb\n', [' a', '-b', '+B'], '  a\nB\n'],
    ['overlooks typography', 'a — “b”\u00A0‘c’\nx\n', [' a - "b" \'c\'', '-x', '+y'], 'a — “b”\u00A0‘c’\ny\n'],
    ['prefers the exact place over an earlier similar one', ' x\nx\n', ['-x', '+y'], ' x\ny\n'],
    [
      'prefers a place that differs in blanks at the end over one that differs in indentation',
      ' x\nx \n',
      ['-x', '+y'],
      ' x\ny\n',
    ],
    ['takes the first of two places', 'x\na\nx\n', ['-x', '+y'], 'y\na\nx\n'],
    ['goes to a context line first', 'x\nf\nx\n', ['@@ f', '-x', '+y'], 'x\nf\ny\n'],
    ['goes through context lines in a row', 'f\nx\nA\nf\nx\n', ['@@ A', '@@ f', '-x', '+y'], 'f\nx\nA\nf\ny\n'],
    ['looks behind the chunk before', 'x\nx\nx\n', ['-x', '+1', '@@', '-x', '+2'], '1\n2\nx\n'],
    ['tries the end first for a chunk of the end', 'x\na\nx\n', ['-x', '+y', '*** End of File'], 'x\na\ny\n'],
    ['falls back when a chunk of the end is not there', 'x\na\n', ['-x', '+y', '*** End of File'], 'y\na\n'],
    ['appends what only adds', 'a\n', ['+b'], 'a\nb\n'],
    ['appends also before later chunks', 'a\nb\n', ['+c', '@@', '-a', '+A'], 'A\nb\nc\n'],
    ['adds behind a context line', 'a\nb\n', ['@@ a', '+new'], 'a\nnew\nb\n'],
    ['adds at the end when a chunk of the end only adds', 'a\nb\n', ['@@ a', '+new', '*** End of File'], 'a\nb\nnew\n'],
    ['writes into an empty file', '', ['+a'], 'a\n'],
    ['takes an empty last line for the newline at the end', 'a\n', ['-a', '+b', ' '], 'b\n'],
    ['keeps an added line behind that', 'a\n', [' a', ' ', '+b'], 'a\n\nb\n'],
    ['ends a file with a newline', 'a\nb', ['-a', '+A'], 'A\nb\n'],
    ['ends a file with a newline when its end changes', 'a\nb', [' b', '+c'], 'a\nb\nc\n'],
    ['keeps CRLF', 'a\r\nb\r\n', [' a', '-b', '+B'], 'a\r\nB\r\n'],
    ['keeps LF', 'a\nb\n', [' a\r', '-b\r', '+B\r'], 'a\nB\n'],
    [
      'keeps mixed endings, and adds with the most frequent',
      'a\r\nb\nc\r\n',
      [' a', ' b', '+n', ' c'],
      'a\r\nb\nn\r\nc\r\n',
    ],
    ['ends a CRLF file with CRLF', 'a\r\nb\r\nc', ['-a'], 'b\r\nc\r\n'],
    ['keeps the byte order mark', '\uFEFFa\nb\n', ['-a', '+A'], '\uFEFFA\nb\n'],
    ['keeps a file that ends with blank lines', 'a\n\n\n', ['-a', '+b'], 'b\n\n\n'],
    ['keeps lone carriage returns and NUL', 'a\rb\0\nc\n', ['-c', '+d'], 'a\rb\0\nd\n'],
  ])('%s', (_, before, lines, after) => {
    expect(patched(before, ...lines)).toBe(after);
  });

  const READ_AGAIN = 'Read the file again and send what it says now.';
  it.each<[string, string, readonly string[], string]>([
    [
      'lines that are not there',
      'a\n',
      [' a', '-b'],
      `chunk 1 (line 3 of the patch): expected to find these lines in the file, got no such place:\n    a\n    b\n${READ_AGAIN}`,
    ],
    [
      'a context line that is not there',
      'a\n',
      ['@@ f', '-a'],
      `chunk 1 (line 3 of the patch): expected to find the line that \`@@\` names in the file, got no such place:\n    f\n${READ_AGAIN}`,
    ],
    [
      'chunks in the wrong order',
      'a\nb\n',
      ['-b', '@@', '-a'],
      'chunk 2 (line 4 of the patch): expected to find these lines behind line 2 of the file, got no such place:\n    a\n' +
        'They are at line 1: chunks must come in the order of the file and may not overlap.',
    ],
    [
      'chunks that overlap',
      'a\nb\nc\n',
      ['-a', ' b', '@@', ' b', '-c'],
      'chunk 2 (line 5 of the patch): expected to find these lines behind line 2 of the file, got no such place:\n    b\n    c\n' +
        'They are at line 2: chunks must come in the order of the file and may not overlap.',
    ],
    [
      'more lines than the file has',
      'a\n',
      ['-a', '-a'],
      `chunk 1 (line 3 of the patch): expected to find these lines in the file, got no such place:\n    a\n    a\n${READ_AGAIN}`,
    ],
  ])('refuses %s', (_, before, lines, message) => {
    expect(patched(before, ...lines)).toBe(message);
  });

  it('makes the file that the edits of a patch describe', () => {
    const kinds = fc.constantFrom('context' as const, 'remove' as const, 'add' as const);
    const edits = fc.array(fc.tuple(kinds, fc.stringMatching(/^[a-z]{0,3}$/)), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(edits, edits, (ahead, script) => {
        const unique = (texts: readonly string[]) => texts.map((text, index) => `${text}${index}`);
        const before = [...unique(ahead.map(([, text]) => `A${text}`))];
        const lines = script.map(([kind, text], index) => ({ kind, text: `S${text}${index}` }));
        const old = lines.flatMap(({ kind, text }) => (kind === 'add' ? [] : [text]));
        const fresh = lines.flatMap(({ kind, text }) => (kind === 'remove' ? [] : [text]));
        const marks = { context: ' ', remove: '-', add: '+' };
        const result = patched(
          [...before, ...old, ''].join('\n'),
          ...lines.map(({ kind, text }) => marks[kind] + text),
        );
        expect(result).toBe([...before, ...fresh, ''].join('\n'));
      }),
    );
  });
});

describe('lineFinder', () => {
  it('finds what a plain search finds', () => {
    const letters = fc.array(fc.constantFrom('a', 'b'), { maxLength: 12 });
    fc.assert(
      fc.property(letters, fc.array(fc.constantFrom('a', 'b'), { maxLength: 5 }), fc.nat(3), (lines, wanted, from) => {
        const plain = lines.findIndex(
          (_, at) => at >= from && wanted.every((line, index) => lines[at + index] === line),
        );
        const expected = wanted.length === 0 ? Math.min(from, lines.length) : plain;
        if (from > lines.length) return;
        expect(lineFinder(lines)(wanted, from, false) ?? -1).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes a time that grows with the text, however repetitive it is', () => {
    const lines = Array.from({ length: 200_000 }, () => 'a');
    const wanted = [...lines.slice(0, 100_000), 'b'];
    expect(lineFinder(lines)(wanted, 0, false)).toBe(null);
  });
});
