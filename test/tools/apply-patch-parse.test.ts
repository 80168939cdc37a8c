import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Operation, PATCH_LENGTH_MAX, parsePatch } from '../../src/tools/apply-patch/parse.ts';
import { patchText } from './patch-workspace.ts';

function operationsOf(text: string): readonly Operation[] {
  const parsed = parsePatch(text);
  if (!parsed.ok) expect.fail(parsed.message);
  return parsed.operations;
}

const FULL = patchText(
  '*** Add File: new.txt',
  '+one',
  '+',
  '*** Delete File: old.txt',
  '*** Update File: a.txt',
  '*** Move to: b.txt',
  '@@ class A',
  '@@   def f():',
  ' keep',
  '-go',
  '+come',
  '@@',
  '+last',
  '*** End of File',
);

const FULL_OPERATIONS: readonly Operation[] = [
  { type: 'add', line: 2, path: 'new.txt', lines: ['one', ''] },
  { type: 'delete', line: 5, path: 'old.txt' },
  {
    type: 'update',
    line: 6,
    path: 'a.txt',
    movedTo: 'b.txt',
    chunks: [
      {
        line: 8,
        contexts: ['class A', '  def f():'],
        lines: [
          { kind: 'context', text: 'keep' },
          { kind: 'remove', text: 'go' },
          { kind: 'add', text: 'come' },
        ],
        endOfFile: false,
      },
      { line: 13, contexts: [], lines: [{ kind: 'add', text: 'last' }], endOfFile: true },
    ],
  },
];

/** The same operations without the places they stood at. */
function withoutLines(operations: readonly Operation[]): unknown {
  return JSON.parse(JSON.stringify(operations, (key, value: unknown) => (key === 'line' ? undefined : value)));
}

describe('parsePatch', () => {
  it('reads all that a patch can say', () => {
    expect(operationsOf(FULL)).toEqual(FULL_OPERATIONS);
  });

  it.each([
    ['CRLF', FULL.replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${FULL}`],
    ['blank lines around it', `\n \n${FULL}\n\n`],
    ['blanks around its marks', FULL.replace(/^(\*\*\* (Begin|End P|Add).*)$/gm, '  $1 ')],
    ['a heredoc', `<<EOF\n${FULL}\nEOF`],
    ['a quoted heredoc', `<<'PATCH'\n${FULL}\nPATCH\n`],
    ['a heredoc in double quotes', `<<"EOF"\n\n${FULL}\n\nEOF`],
    ['a heredoc for a command', `apply_patch <<-'EOF'\n${FULL}\nEOF`],
    [
      'blank lines between its sections',
      FULL.replace('*** Delete', '\n\n*** Delete').replace('*** Update', '\n*** Update'),
    ],
    ['blank lines between its chunks', FULL.replace('@@\n', '\n\n@@\n').replace('@@ class', '\n@@ class')],
    ['blank lines before its end', FULL.replace('*** End Patch', '\n \n*** End Patch')],
  ])('reads the same with %s', (_, text) => {
    expect(withoutLines(operationsOf(text))).toEqual(withoutLines(FULL_OPERATIONS));
  });

  it('takes the first chunk without `@@`, and an empty line inside a chunk as an empty line that stays', () => {
    expect(operationsOf(patchText('*** Update File: a', '', ' one', '', '-two'))).toEqual([
      {
        type: 'update',
        line: 2,
        path: 'a',
        movedTo: null,
        chunks: [
          {
            line: 4,
            contexts: [],
            lines: [
              { kind: 'context', text: 'one' },
              { kind: 'context', text: '' },
              { kind: 'remove', text: 'two' },
            ],
            endOfFile: false,
          },
        ],
      },
    ]);
  });

  it('takes marks behind a blank, plus or minus as text of a chunk', () => {
    const [update] = operationsOf(patchText('*** Update File: a', '@@', ' *** End Patch', '-*** Add File: x', '+@@'));
    expect(update).toMatchObject({
      chunks: [
        {
          lines: [
            { kind: 'context', text: '*** End Patch' },
            { kind: 'remove', text: '*** Add File: x' },
            { kind: 'add', text: '@@' },
          ],
        },
      ],
    });
  });

  it.each([
    ['-rf', '-rf'],
    ['with blanks inside.txt', 'with blanks inside.txt'],
    ['say "hi".txt', 'say "hi".txt'],
    ["it's b/ü😀.txt", "it's b/ü😀.txt"],
    ['"two\\nlines"', 'two\nlines'],
    ['" padded "', ' padded '],
    ['"\\"quoted\\""', '"quoted"'],
    ['"not\\q json"', '"not\\q json"'],
  ])('reads the path %s', (written, path) => {
    expect(operationsOf(patchText(`*** Delete File: ${written}`))).toEqual([{ type: 'delete', line: 2, path }]);
  });

  it('takes an added file without lines and a move without changes', () => {
    expect(operationsOf(patchText('*** Add File: empty', '*** Update File: a', '*** Move to: b'))).toEqual([
      { type: 'add', line: 2, path: 'empty', lines: [] },
      { type: 'update', line: 3, path: 'a', movedTo: 'b', chunks: [] },
    ]);
  });

  it.each([
    ['nothing', '', 'Line 1 of the patch: expected the first line to be `*** Begin Patch`, got ``.'],
    ['words', 'fix it\nplease', 'Line 1 of the patch: expected the first line to be `*** Begin Patch`, got `fix it`.'],
    [
      'only a beginning',
      '*** Begin Patch',
      'Line 1 of the patch: expected the last line to be `*** End Patch`, got nothing.',
    ],
    [
      'no end',
      '*** Begin Patch\n*** Delete File: a',
      'Line 2 of the patch: expected the last line to be `*** End Patch`, got `*** Delete File: a`.',
    ],
    [
      'words after the end',
      `${patchText('*** Delete File: a')}\nbye`,
      'Line 4 of the patch: expected the last line to be `*** End Patch`, got `bye`.',
    ],
    [
      'a heredoc without an end',
      `<<EOF\n${FULL}`,
      'Line 1 of the patch: expected the first line to be `*** Begin Patch`, got `<<EOF`.',
    ],
    [
      'no sections',
      patchText(''),
      'Expected at least one file section between `*** Begin Patch` and `*** End Patch`, got none.',
    ],
    [
      'a stray line',
      patchText('hello'),
      'Line 2 of the patch: expected `*** Add File: `, `*** Delete File: ` or `*** Update File: ` and a path, got `hello`.',
    ],
    [
      'no path',
      patchText('*** Add File: '),
      'Line 2 of the patch: expected a path after `*** Add File:`, got nothing.',
    ],
    [
      'no new path',
      patchText('*** Update File: a', '*** Move to:'),
      'Line 3 of the patch: expected a path after `*** Move to:`, got nothing.',
    ],
    [
      'a move of nothing',
      patchText('*** Move to: b'),
      'Line 2 of the patch: expected `*** Add File: `, `*** Delete File: ` or `*** Update File: ` and a path, got `*** Move to: b`.',
    ],
    [
      'a second end',
      patchText('*** Delete File: a', '*** End Patch'),
      'Line 3 of the patch: expected `*** Add File: `, `*** Delete File: ` or `*** Update File: ` and a path, got `*** End Patch`.',
    ],
    [
      'an update without chunks',
      patchText('*** Update File: a'),
      'Line 2 of the patch: expected changes to "a" (`@@` and lines), got nothing.',
    ],
    [
      'a chunk without lines',
      patchText('*** Update File: a', '@@', '@@', '-x'),
      'Line 3 of the patch: expected lines after `@@`, got nothing.',
    ],
    [
      'a line without a mark',
      patchText('*** Update File: a', '@@', '-x', 'y'),
      'Line 5 of the patch: expected a line that begins with a blank (kept), `-` (removed), `+` (added), or `@@`, got `y`.',
    ],
    [
      'glued context',
      patchText('*** Update File: a', '@@x'),
      'Line 3 of the patch: expected `@@` alone or `@@ ` and a line, got `@@x`.',
    ],
    [
      'an early end of file',
      patchText('*** Update File: a', '*** End of File'),
      'Line 3 of the patch: expected lines of a chunk before this, got `*** End of File`.',
    ],
    [
      'lines after the end of file',
      patchText('*** Update File: a', '@@', '-x', '*** End of File', '-y'),
      'Line 6 of the patch: expected `@@` or a file section after `*** End of File`, got `-y`.',
    ],
    [
      'a gap in an added file',
      patchText('*** Add File: a', '+x', '', '+y'),
      'Line 5 of the patch: expected the lines of an added file in one piece (an empty one is a lone `+`), got `a blank line before this`.',
    ],
    [
      'half a character',
      patchText('*** Add File: a', '+\uD83D'),
      'Expected well-formed Unicode, got text with half a surrogate pair.',
    ],
  ])('refuses %s, saying where, what was expected and what came', (_, text, message) => {
    expect(parsePatch(text)).toEqual({ ok: false, message });
  });

  it('refuses a patch that is too long without reading it', () => {
    expect(parsePatch('x'.repeat(PATCH_LENGTH_MAX + 1))).toEqual({
      ok: false,
      message: `Expected a patch of at most ${PATCH_LENGTH_MAX} characters, got ${PATCH_LENGTH_MAX + 1}. Send it in parts.`,
    });
  });

  it('quotes only the beginning of a long wrong line', () => {
    const parsed = parsePatch(patchText('x'.repeat(10_000)));
    expect(parsed).toEqual({ ok: false, message: expect.stringMatching(/got `x{120}…`\.$/) });
  });

  it('gives an answer for any text, and never throws', () => {
    const line = fc.constantFrom(
      '*** Add File: a',
      '*** Update File: b',
      '*** Move to: c',
      '@@',
      '@@ x',
      '+a',
      '-a',
      ' a',
      '',
      '*** End of File',
      '<<EOF',
      '*** End Patch',
      'EOF',
      '\0',
      ' ***',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(line, fc.string({ unit: 'grapheme' }))), (lines) => {
        for (const text of [lines.join('\n'), patchText(...lines)]) {
          const parsed = parsePatch(text);
          if (parsed.ok) expect(parsed.operations.length).toBeGreaterThan(0);
          else expect(parsed.message).toMatch(/[Ee]xpected [\s\S]*got /);
        }
      }),
    );
  });
});
