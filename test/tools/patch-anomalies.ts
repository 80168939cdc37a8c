import type { Tree } from './patch-workspace.ts';

/** A patch, the tree it meets, and its defined result: what is told, and the tree afterwards (unchanged if not given). */
export type Anomaly = Readonly<{
  name: string;
  tree?: Tree;
  patch: readonly string[];
  told: RegExp | string;
  after?: Tree;
}>;

/** 255 bytes, as many as a name may have. */
const LONG_NAME = `${'é'.repeat(127)}x`;
const GIT = 'expected a file that is not in a `.git` directory';
/** Changes the one line of `a`. */
export const UPDATE_A = ['*** Update File: a', '@@', '-old', '+new'];

export const PATHS: readonly Anomaly[] = [
  { name: '51 a path above the workspace', patch: ['*** Add File: ../x', '+x'], told: /outside the workspace/ },
  {
    name: '51 an absolute path outside',
    patch: ['*** Add File: /etc/troupe-x', '+x'],
    told: /outside .* \(\/etc\/troupe-x\)/,
  },
  { name: '51 a path that goes up later', patch: ['*** Add File: a/../../x', '+x'], told: /outside the workspace/ },
  {
    name: '51 a path that goes up and comes back',
    patch: ['*** Add File: a/../x', '+x'],
    told: /^Success/,
    after: { x: 'x\n' },
  },
  {
    name: '51 a path of Windows',
    patch: ['*** Add File: C:\\x', '+x'],
    told: /^The patch failed: C:\\x: expected a path relative/,
  },
  ...[
    '.git/hooks/x',
    '.GIT/config',
    '".git "',
    '.git./x',
    '.git',
    'sub/.Git/x',
    '".g\\u200dit/x"',
    'GIT~1/x',
    'a/../.git/x',
  ].map((path): Anomaly => ({ name: `51 ${path}`, patch: [`*** Add File: ${path}`, '+x'], told: GIT })),
  {
    name: '51 names that only begin like git',
    patch: ['*** Add File: .gitignore', '+x', '*** Add File: .github/a', '+x', '*** Add File: a.git/b', '+x'],
    told: /^Success/,
    after: { '.gitignore': 'x\n', '.github/a': 'x\n', 'a.git/b': 'x\n' },
  },
  {
    name: '51 a move into .git',
    tree: { a: 'old\n' },
    patch: ['*** Update File: a', '*** Move to: .git/a'],
    told: GIT,
  },
  { name: '51 a NUL in a path', patch: ['*** Add File: "a\\u0000b"', '+x'], told: /expected a path without NUL/ },
  {
    name: '51 an empty path',
    patch: ['*** Add File: ""', '+x'],
    told: /expected a path after `\*\*\* Add File:`, got nothing/,
  },
  { name: '51 the workspace itself', patch: ['*** Add File: .', '+x'], told: /expected a file, got a directory/ },
  {
    name: '51 a path that ends with a slash',
    patch: ['*** Add File: a/', '+x'],
    told: /expected a file, got a directory/,
  },

  {
    name: '52 a link to a file inside',
    tree: { a: 'old\n', l: '-> a' },
    patch: ['*** Update File: l', '@@', '-old', '+new'],
    told: /l: expected a file, got a link to .*work\/a\. Name the real file/,
  },
  {
    name: '52 a link to a file outside',
    tree: { l: '-> ../outside/x' },
    patch: ['*** Add File: l', '+x'],
    told: /expected a file, got a link that leads nowhere/,
  },
  {
    name: '52 a link to be deleted',
    tree: { l: '-> /etc/hostname' },
    patch: ['*** Delete File: l'],
    told: /expected a file, got a link to \/etc\/hostname/,
  },
  { name: '52 a link in a circle', tree: { l: '-> l' }, patch: ['*** Add File: l/x', '+x'], told: /link/ },
  {
    name: '52 a directory that is a link outside',
    tree: { d: '-> ../outside' },
    patch: ['*** Add File: d/x', '+x'],
    told: /outside the workspace \(.*\/outside\/x\)/,
  },
  {
    name: '52 a directory that is a link to nowhere',
    tree: { d: '-> nowhere' },
    patch: ['*** Add File: d/x', '+x'],
    told: /a link that leads nowhere/,
  },
  {
    name: '52 a directory that is a link to .git',
    tree: { d: '-> .git', '.git/config': 'c' },
    patch: ['*** Add File: d/hooks/x', '+x'],
    told: GIT,
  },
  {
    name: '52 a directory that is a link inside',
    tree: { d: '-> real', 'real/a': 'old\n' },
    patch: ['*** Update File: d/a', '@@', '-old', '+new', '*** Add File: real/b', '+b'],
    told: 'Success. Updated the following files:\nA real/b\nM d/a',
    after: { d: '-> real', 'real/a': 'new\n', 'real/b': 'b\n' },
  },
  {
    name: '52 one file by two names',
    tree: { d: '-> real', 'real/a': '1\n' },
    patch: ['*** Update File: d/a', '@@', '-1', '+2', '*** Update File: real/a', '@@', '-2', '+3'],
    told: /^Success/,
    after: { d: '-> real', 'real/a': '3\n' },
  },
];

export const CONTENTS: readonly Anomaly[] = [
  {
    name: '53 a CRLF file with an LF patch',
    tree: { a: 'x\r\nold\r\n' },
    patch: UPDATE_A,
    told: /^Success/,
    after: { a: 'x\r\nnew\r\n' },
  },
  {
    name: '53 an LF file with a CRLF patch',
    tree: { a: 'x\nold\n' },
    patch: UPDATE_A.map((line) => `${line}\r`),
    told: /^Success/,
    after: { a: 'x\nnew\n' },
  },
  {
    name: '53 mixed endings',
    tree: { a: 'x\r\ny\nold\nz\r\n' },
    patch: UPDATE_A,
    told: /^Success/,
    after: { a: 'x\r\ny\nnew\nz\r\n' },
  },
  {
    name: '54 no newline at the end of the file',
    tree: { a: 'x\nold' },
    patch: UPDATE_A,
    told: /^Success/,
    after: { a: 'x\nnew\n' },
  },
  {
    name: '54 a patch for a file without a last newline',
    tree: { a: 'old\n' },
    patch: [...UPDATE_A, '*** End of File'],
    told: /^Success/,
    after: { a: 'new\n' },
  },
  {
    name: '55 a byte order mark',
    tree: { a: '\uFEFFold\n' },
    patch: UPDATE_A,
    told: /^Success/,
    after: { a: '\uFEFFnew\n' },
  },
  {
    name: '56 context that does not match',
    tree: { a: 'other\n' },
    patch: UPDATE_A,
    told: /a, chunk 1 \(line 3 of the patch\): expected to find these lines in the file, got no such place:\n {4}old\n/,
  },
  {
    name: '56 context that matches twice',
    tree: { a: 'old\nold\n' },
    patch: UPDATE_A,
    told: /^Success/,
    after: { a: 'new\nold\n' },
  },
  {
    name: '57 chunks in reverse order',
    tree: { a: '1\n2\n' },
    patch: ['*** Update File: a', '@@', '-2', '+b', '@@', '-1', '+a'],
    told: /They are at line 1: chunks must come in the order/,
  },
  {
    name: '57 chunks that overlap',
    tree: { a: '1\n2\n3\n' },
    patch: ['*** Update File: a', '@@', '-1', '-2', '@@', '-2', '-3'],
    told: /may not overlap/,
  },
  { name: '57 no chunks', tree: { a: 'old\n' }, patch: ['*** Update File: a'], told: /expected changes to "a"/ },
  {
    name: '57 a chunk beyond the end',
    tree: { a: 'old\n' },
    patch: ['*** Update File: a', '@@', ' old', '-more'],
    told: /got no such place/,
  },
];

export const NAMES: readonly Anomaly[] = [
  {
    name: '58 an added file that is there',
    tree: { a: 'old\n' },
    patch: ['*** Add File: a', '+new'],
    told: 'Success. Updated the following files:\nA a',
    after: { a: 'new\n' },
  },
  {
    name: '58 a deleted file that is not there',
    patch: ['*** Delete File: a'],
    told: /a: expected a file to delete, got none there/,
  },
  {
    name: '58 a deleted directory',
    tree: { 'd/a': 'a' },
    patch: ['*** Delete File: d'],
    told: /d: expected a file, got a directory/,
  },
  {
    name: '58 a file below a file',
    tree: { a: 'a' },
    patch: ['*** Add File: a/b', '+b'],
    told: /work\/a to be a directory, got something else/,
  },
  {
    name: '58 a file that the patch makes a directory of',
    patch: ['*** Add File: a/b', '+b', '*** Add File: a', '+a'],
    told: /a\/b: expected a to be a directory, but the patch makes it a file/,
  },
  {
    name: '58 a move onto a file that is there',
    tree: { a: 'old\n', b: 'b\n' },
    patch: ['*** Update File: a', '*** Move to: b', '@@', '-old', '+new'],
    told: /b: expected no file where a is moved to, got one/,
  },
  {
    name: '58 a swap by two moves',
    tree: { a: 'a\n', b: 'b\n' },
    patch: ['*** Update File: a', '*** Move to: b', '*** Update File: b', '*** Move to: a'],
    told: /b: expected no file where a is moved to/,
  },
  {
    name: '58 a swap by three moves',
    tree: { a: 'a\n', b: 'b\n' },
    patch: [
      '*** Update File: a',
      '*** Move to: c',
      '*** Update File: b',
      '*** Move to: a',
      '*** Update File: c',
      '*** Move to: b',
    ],
    told: /^Success/,
    after: { a: 'b\n', b: 'a\n' },
  },
  {
    name: '58 a move there and back',
    tree: { a: 'a\n' },
    patch: ['*** Update File: a', '*** Move to: b', '*** Update File: b', '*** Move to: a'],
    told: 'Success. Updated the following files:\nM b\nM a',
  },
  {
    name: '58 a move onto itself',
    tree: { a: 'old\n' },
    patch: ['*** Update File: a', '*** Move to: ./a', '@@', '-old', '+new'],
    told: 'Success. Updated the following files:\nM a',
    after: { a: 'new\n' },
  },
  {
    name: '58 one file twice',
    tree: { a: '1\n' },
    patch: ['*** Update File: a', '@@', '-1', '+2', '*** Update File: a', '@@', '-2', '+3'],
    told: 'Success. Updated the following files:\nM a',
    after: { a: '3\n' },
  },
  {
    name: '58 an update of what was deleted',
    tree: { a: 'old\n' },
    patch: ['*** Delete File: a', ...UPDATE_A],
    told: /a: expected a file to update, got none there/,
  },
  {
    name: '58 an update of what was moved away',
    tree: { a: 'old\n' },
    patch: ['*** Update File: a', '*** Move to: b', ...UPDATE_A],
    told: /a: expected a file to update, got none there/,
  },
  {
    name: '58 added, updated, moved, deleted',
    patch: ['*** Add File: a', '+old', ...UPDATE_A, '*** Update File: a', '*** Move to: d/b', '*** Delete File: d/b'],
    told: 'Success. Updated the following files:\nA a\nM a\nM d/b\nD d/b',
    after: {},
  },
  {
    name: '58 deleted and added again',
    tree: { a: 'old\n' },
    patch: ['*** Delete File: a', '*** Add File: a', '+new'],
    told: 'Success. Updated the following files:\nA a\nD a',
    after: { a: 'new\n' },
  },
  ...[
    ['a newline', 'two\nlines', '"two\\nlines"', '"two\\nlines"'],
    ['double quotes', 'say "hi"', 'say "hi"', 'say "hi"'],
    ['quotes at both ends', '"hi"', '"\\"hi\\""', '"\\"hi\\""'],
    ['a single quote', "it's", "it's", "it's"],
    ['what looks like a header of a diff', 'x b/y', 'x b/y', 'x b/y'],
    ['an emoji', '😀', '😀', '😀'],
    ['255 bytes', LONG_NAME, LONG_NAME, LONG_NAME],
    ['a leading dash', '-rf', '-rf', '-rf'],
    ['two leading dots', '..a', '..a', '..a'],
    ['a backslash', 'a\\b', 'a\\b', 'a\\b'],
    ['blanks at its ends', ' a ', '" a "', '" a "'],
  ].map(
    ([what, name = '', written, told]): Anomaly => ({
      name: `62 a name with ${what}`,
      tree: { [name]: 'old\n' },
      patch: [`*** Update File: ${written}`, '@@', '-old', '+new'],
      told: `Success. Updated the following files:\nM ${told}`,
      after: { [name]: 'new\n' },
    }),
  ),
  {
    name: '62 names that differ only in their composition',
    tree: { 'caf\u00E9': 'composed\n', 'cafe\u0301': 'decomposed\n' },
    patch: ['*** Update File: cafe\u0301', '@@', '-decomposed', '+changed'],
    told: /^Success/,
    after: { 'caf\u00E9': 'composed\n', 'cafe\u0301': 'changed\n' },
  },
  {
    name: '62 a name of 256 bytes',
    patch: [`*** Add File: ${'x'.repeat(256)}`, '+x'],
    told: /the name is too long \(ENAMETOOLONG\)/,
  },
];
