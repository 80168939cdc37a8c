import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemFiles } from '../../src/here/system-files.ts';
import type { Files } from '../../src/tools/files.ts';
import { CONTENTS, NAMES, PATHS, UPDATE_A } from './patch-anomalies.ts';
import { patchText, patchWorkspace, runPatch, toldText, treeOf } from './patch-workspace.ts';

const isRoot = process.getuid?.() === 0;

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

  it('61 a file that is moved keeps its mode', async () => {
    const { cwd } = await patchWorkspace({ a: 'old\n' });
    await fs.chmod(join(cwd, 'a'), 0o751);
    const [update = '', ...chunks] = UPDATE_A;
    expect(toldText(await runPatch(cwd, patchText(update, '*** Move to: b', ...chunks)))).toMatch(/^Success/);
    expect((await fs.stat(join(cwd, 'b'))).mode & 0o7777).toBe(0o751);
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

  it('84 a working directory that is gone is told', async () => {
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
