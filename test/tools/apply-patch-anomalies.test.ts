import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemFiles } from '../../src/here/system-files.ts';
import type { Files } from '../../src/tools/files.ts';
import { patchText, patchWorkspace, runPatch, type Tree, toldText, treeOf } from './patch-workspace.ts';

const isRoot = process.getuid?.() === 0;

/** A patch, the tree it meets, and its defined result: what is told, and the tree afterwards (unchanged if not given). */
type Anomaly = Readonly<{ name: string; tree?: Tree; patch: readonly string[]; told: RegExp | string; after?: Tree }>;

/** 255 bytes, as many as a name may have. */
const LONG_NAME = `${'é'.repeat(127)}x`;
const GIT = 'expected a file that is not in a `.git` directory';
const UPDATE_A = ['*** Update File: a', '@@', '-old', '+new'];

const PATHS: readonly Anomaly[] = [
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

const CONTENTS: readonly Anomaly[] = [
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

const NAMES: readonly Anomaly[] = [
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

describe('apply_patch, bad and odd input', () => {
  it.each([...PATHS, ...CONTENTS, ...NAMES])('$name', async ({ tree = {}, patch, told, after = tree }) => {
    const workspace = await patchWorkspace(tree);
    const run = await runPatch(workspace.cwd, patchText(...patch), { approvalPolicy: 'never' });
    if (typeof told === 'string' && told.startsWith('Success')) expect(toldText(run)).toBe(told);
    else if (typeof told === 'string') expect(toldText(run)).toContain(told);
    else expect(toldText(run)).toMatch(told);
    expect(await treeOf(workspace.cwd)).toEqual(after);
    expect(await treeOf(workspace.outside)).toEqual({});
  });

  it.each([
    ['UTF-16', Buffer.from('\uFEFFold\n', 'utf16le')],
    ['Latin-1', Buffer.from('old\ncaf\u00E9\n', 'latin1')],
    ['binary', Buffer.from([0, 255, 254, 10])],
  ])('55 a %s file is not updated, but can be moved and deleted', async (_, bytes) => {
    const { cwd } = await patchWorkspace();
    await fs.writeFile(join(cwd, 'a'), bytes);
    const update = await runPatch(cwd, patchText(...UPDATE_A));
    expect(update.check).toEqual({
      verdict: 'refuse',
      message:
        'The patch failed: a: expected UTF-8 text, got other bytes (a binary file, UTF-16 or Latin-1). A patch cannot update it. Nothing was changed.',
    });
    const move = await runPatch(cwd, patchText('*** Update File: a', '*** Move to: b'));
    expect(toldText(move)).toBe('Success. Updated the following files:\nM b');
    expect(await fs.readFile(join(cwd, 'b'))).toEqual(bytes);
    await runPatch(cwd, patchText('*** Delete File: b'));
    expect(await treeOf(cwd)).toEqual({});
  });

  it('59 a patch of 100 MB is refused', async () => {
    const { cwd } = await patchWorkspace();
    const run = await runPatch(cwd, patchText('*** Add File: a', `+${'x'.repeat(100_000_000)}`));
    expect(toldText(run)).toMatch(/^The patch failed: Expected a patch of at most 16777216 characters, got 1000\d+\./);
    expect(await treeOf(cwd)).toEqual({});
  });

  it('59 a patch of 1,000 files in 100 directories is applied', async () => {
    const { cwd } = await patchWorkspace();
    const names = Array.from({ length: 1_000 }, (_, index) => `d${index % 100}/f${index}`);
    const run = await runPatch(cwd, patchText(...names.flatMap((name) => [`*** Add File: ${name}`, `+${name}`])));
    expect(run.result?.success).toBe(true);
    expect(await treeOf(cwd)).toEqual(Object.fromEntries(names.map((name) => [name, `${name}\n`])));
  });

  it('59 a line of 10 MB is added, found and changed', async () => {
    const long = 'x'.repeat(10_000_000);
    const { cwd } = await patchWorkspace({ a: `${long}\nold\n` });
    const run = await runPatch(cwd, patchText('*** Update File: a', '@@', ` ${long}`, '-old', '+new'), {
      approvalPolicy: 'untrusted',
    });
    expect(run.result?.success).toBe(true);
    expect(await fs.readFile(join(cwd, 'a'), 'utf8')).toBe(`${long}\nnew\n`);
  });

  it('60 a file that changes before it is applied: what is there then counts, if nobody was asked', async () => {
    const { cwd } = await patchWorkspace({ a: 'old\n' });
    const meanwhile = () => fs.writeFile(join(cwd, 'a'), 'before\nold\n');
    expect(toldText(await runPatch(cwd, patchText(...UPDATE_A), { meanwhile }))).toMatch(/^Success/);
    expect(await treeOf(cwd)).toEqual({ a: 'before\nnew\n' });
  });

  // Two reads for the check, two to plan again, two before anything is written, one before each file is.
  it.each([
    { nth: 5, name: 'a', writes: 0 },
    { nth: 6, name: 'b', writes: 0 },
    { nth: 7, name: 'a', writes: 0 },
    { nth: 8, name: 'b', writes: 2 },
  ])(
    '60 a file that changes when it is read for the $nth. time makes the patch fail',
    async ({ nth, name, writes }) => {
      const { cwd } = await patchWorkspace({ a: 'old\n', b: 'old\n' });
      const counts = { reads: 0, writes: 0 };
      const files: Files = {
        ...systemFiles,
        async read(path) {
          counts.reads += 1;
          if (counts.reads === nth) await fs.writeFile(path, 'theirs\n');
          return systemFiles.read(path);
        },
        write(path, bytes) {
          counts.writes += 1;
          return systemFiles.write(path, bytes);
        },
      };
      const patch = patchText(...UPDATE_A, '*** Update File: b', '@@', '-old', '+new');
      expect((await runPatch(cwd, patch, { files })).result).toEqual({
        output: `The patch failed: ${name} has changed on the disk since the patch was read. Read it again and send a new patch. Nothing was changed.`,
        success: false,
        item: {
          changes: [
            { path: 'a', kind: 'update' },
            { path: 'b', kind: 'update' },
          ],
          status: 'failed',
        },
      });
      expect(await treeOf(cwd)).toEqual({ a: 'old\n', b: 'old\n', [name]: 'theirs\n' });
      expect(counts.writes).toBe(writes);
    },
  );

  it('61 a file keeps its mode', async () => {
    const { cwd } = await patchWorkspace({ a: 'old\n' });
    await fs.chmod(join(cwd, 'a'), 0o751);
    expect(toldText(await runPatch(cwd, patchText(...UPDATE_A)))).toMatch(/^Success/);
    expect((await fs.stat(join(cwd, 'a'))).mode & 0o7777).toBe(0o751);
  });

  it.skipIf(isRoot)('61 a file that may not be written is not changed (skipped for root, who may)', async () => {
    const { cwd } = await patchWorkspace({ a: 'old\n' });
    await fs.chmod(join(cwd, 'a'), 0o444);
    expect(toldText(await runPatch(cwd, patchText(...UPDATE_A)))).toBe(
      'The patch failed: a could not be written: permission denied (EACCES). Nothing was changed.',
    );
    expect(await treeOf(cwd)).toEqual({ a: 'old\n' });
  });

  it.skipIf(isRoot)('61 a directory that may not be written is not changed (skipped for root, who may)', async () => {
    const { cwd } = await patchWorkspace({ 'd/a': 'a\n', b: 'old\n' });
    await fs.chmod(join(cwd, 'd'), 0o555);
    const run = await runPatch(cwd, patchText('*** Add File: c', '+c', '*** Delete File: d/a'));
    await fs.chmod(join(cwd, 'd'), 0o755);
    expect(toldText(run)).toBe(
      'The patch failed: d/a could not be removed: permission denied (EACCES). Nothing was changed.',
    );
    expect(await treeOf(cwd)).toEqual({ 'd/a': 'a\n', b: 'old\n' });
  });

  it('63 a pipe, a socket and a device are refused, without waiting for them', async () => {
    const { cwd } = await patchWorkspace();
    execFileSync('mkfifo', [join(cwd, 'pipe')]);
    const server = createServer();
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    await new Promise<void>((resolve) => server.listen(join(cwd, 'socket'), resolve));
    for (const path of ['pipe', 'socket', '/dev/null']) {
      for (const operation of [
        `*** Delete File: ${path}`,
        `*** Add File: ${path}`,
        `*** Update File: ${path}\n@@\n-a`,
      ]) {
        const run = await runPatch(cwd, patchText(operation), { sandbox: 'danger-full-access' });
        expect(toldText(run)).toBe(
          `The patch failed: ${path}: expected a file, got a device, a pipe or a socket. Nothing was changed.`,
        );
      }
    }
    expect(await treeOf(cwd)).toEqual({ pipe: '<other>', socket: '<other>' });
  });

  it('83 a working directory that is gone is told', async () => {
    const { cwd } = await patchWorkspace();
    await fs.rmdir(cwd);
    expect(toldText(await runPatch(cwd, patchText('*** Add File: a', '+a')))).toMatch(
      /^The patch failed: Expected the working directory .*work to be there, got: it is not there \(ENOENT\)/,
    );
  });

  it('52 a directory that is a link inside one moment and outside the next lets nothing out', async () => {
    const { cwd, outside } = await patchWorkspace({ 'real/a': 'a\n', d: '-> real' });
    let isRunning = true;
    const flipping = (async () => {
      for (let round = 0; isRunning; round += 1) {
        await fs.symlink(round % 2 === 0 ? outside : 'real', join(cwd, 'next'));
        await fs.rename(join(cwd, 'next'), join(cwd, 'd'));
      }
    })();
    const told = new Set<string>();
    try {
      for (let round = 0; round < 200 || (told.size < 2 && round < 20_000); round += 1) {
        const run = await runPatch(cwd, patchText(`*** Add File: d/f${round}`, '+x'), { approvalPolicy: 'never' });
        told.add(toldText(run).slice(0, 7));
      }
    } finally {
      isRunning = false;
      await flipping;
    }
    expect(await treeOf(outside)).toEqual({});
    // Both sides of the race were met, or this shows nothing.
    expect(told).toEqual(new Set(['Success', 'Refused']));
  });
});
