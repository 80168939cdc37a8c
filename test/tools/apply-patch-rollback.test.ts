import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemFiles } from '../../src/here/system-files.ts';
import type { Files } from '../../src/tools/files.ts';
import {
  type PatchOptions,
  patchText,
  patchWorkspace,
  runPatch,
  type Tree,
  toldText,
  treeOf,
} from './patch-workspace.ts';

const TREE: Tree = { b: 'b\n', c: 'c\r\n', d: 'd', 'sub/e': 'e\n' };
const AFTER: Tree = { 'new/deep/a': 'a\n', b: 'B\n', 'moved/c': 'C\r\n', sub: '<directory>', f: 'f\n' };
const PATCH = patchText(
  ...['*** Add File: new/deep/a', '+a'],
  ...['*** Update File: b', '@@', '-b', '+B'],
  ...['*** Update File: c', '*** Move to: moved/c', '@@', '-c', '+C'],
  ...['*** Delete File: d', '*** Delete File: sub/e', '*** Add File: f', '+f'],
);

type Deed = 'write' | 'remove' | 'makeDirectory';
type Fault = (deed: Deed, nth: number, path: string, really: () => Promise<void>) => Promise<void>;

/** The real files, with something else happening at some of what changes them; `nth` counts from 1. */
function faultyFiles(fault: Fault): Files {
  let count = 0;
  const act = (deed: Deed, path: string, really: () => Promise<void>) => {
    count += 1;
    return fault(deed, count, path, really);
  };
  return {
    ...systemFiles,
    write: (path, bytes) => act('write', path, () => systemFiles.write(path, bytes)),
    remove: (path) => act('remove', path, () => systemFiles.remove(path)),
    makeDirectory: (path) => act('makeDirectory', path, () => systemFiles.makeDirectory(path)),
  };
}

function diskError(code: string): Error {
  return Object.assign(new Error(`${code}: made up`), { code });
}

/** Deeds of PATCH: 3 directories, 4 writes, 3 removals. */
const DEEDS = 10;

async function runOn(files: Files, options: PatchOptions = {}) {
  const { cwd } = await patchWorkspace(TREE);
  const run = await runPatch(cwd, PATCH, { ...options, files });
  return { told: toldText(run), result: run.result, tree: await treeOf(cwd), cwd };
}

describe('apply_patch, all or nothing', () => {
  it('does everything when nothing fails', async () => {
    const deeds: string[] = [];
    const files = faultyFiles((deed, _nth, _path, really) => {
      deeds.push(deed);
      return really();
    });
    const { told, tree } = await runOn(files);
    expect(told).toBe('Success. Updated the following files:\nA new/deep/a\nA f\nM b\nM moved/c\nD d\nD sub/e');
    expect(tree).toEqual(AFTER);
    expect(deeds).toHaveLength(DEEDS);
  });

  it('64 a full disk at the third of five files undoes the two before', async () => {
    const names = ['one', 'two', 'three', 'four', 'five'];
    const tree = { one: '1\n', two: '2\n', 'x/y': 'kept\n' };
    const { cwd } = await patchWorkspace(tree);
    const files = faultyFiles((_deed, nth, _path, really) =>
      nth === 3 ? Promise.reject(diskError('ENOSPC')) : really(),
    );
    const run = await runPatch(cwd, patchText(...names.flatMap((name) => [`*** Add File: ${name}`, '+new'])), {
      files,
    });
    expect(run.result).toEqual({
      output: 'The patch failed: three could not be written: no space left on the disk (ENOSPC). Nothing was changed.',
      success: false,
      item: { changes: names.map((path) => ({ path, kind: 'add' })), status: 'failed' },
    });
    expect(await treeOf(cwd)).toEqual(tree);
  });

  it.each(Array.from({ length: DEEDS }, (_, index) => index + 1))(
    'an error at deed %i leaves the tree as it was',
    async (at) => {
      for (const error of [diskError('EIO'), new Error('of no known kind')]) {
        const { told, tree } = await runOn(
          faultyFiles((_deed, nth, _path, really) => (nth === at ? Promise.reject(error) : really())),
        );
        expect(tree).toEqual(TREE);
        expect(told).toMatch(/^The patch failed: .* could not be (written|removed): .*\. Nothing was changed\.$/);
      }
    },
  );

  it.each(Array.from({ length: DEEDS }, (_, index) => index + 1))(
    'an error that comes after deed %i was done leaves the tree as it was',
    async (at) => {
      const { tree } = await runOn(
        faultyFiles(async (_deed, nth, _path, really) => {
          await really();
          if (nth === at) throw diskError('EIO');
        }),
      );
      expect(tree).toEqual(TREE);
    },
  );

  it.each(Array.from({ length: DEEDS }, (_, index) => index + 1))(
    'an abort at deed %i leaves the tree as it was',
    async (at) => {
      const controller = new AbortController();
      const { told, tree, result } = await runOn(
        faultyFiles(async (_deed, nth, _path, really) => {
          await really();
          if (nth === at) controller.abort();
        }),
        { signal: controller.signal },
      );
      // What aborts the last deed comes too late: everything is done.
      expect(tree).toEqual(at === DEEDS ? AFTER : TREE);
      if (at < DEEDS) expect(told).toBe('The patch failed: The patch was aborted. Nothing was changed.');
      expect(result?.item).toMatchObject({ status: at === DEEDS ? 'completed' : 'aborted' });
    },
  );

  it('writes nothing when it is aborted before', async () => {
    const deeds: string[] = [];
    const files = faultyFiles(async (deed) => {
      deeds.push(deed);
    });
    const { tree, result } = await runOn(files, { signal: AbortSignal.abort() });
    expect([tree, deeds, result?.success]).toEqual([TREE, [], false]);
  });

  it('says what it could not undo', async () => {
    const { told, tree } = await runOn(
      faultyFiles((deed, nth, _path, really) =>
        nth > 6 && deed === 'write' ? Promise.reject(diskError('EROFS')) : really(),
      ),
    );
    expect(told).toBe(
      'The patch failed: f could not be written: the file system is read-only (EROFS). ' +
        'What could not be undone: b (the file system is read-only (EROFS)).',
    );
    expect(tree).toEqual({ ...TREE, b: 'B\n' });
  });

  it('does not undo over what somebody else has written meanwhile', async () => {
    const { told, tree } = await runOn(
      faultyFiles(async (_deed, nth, path, really) => {
        if (nth !== DEEDS) return really();
        await fs.writeFile(join(path, '../../b'), 'theirs\n');
        throw diskError('EIO');
      }),
    );
    expect(told).toContain('What could not be undone: b (somebody else has changed it since).');
    expect(tree).toEqual({ ...TREE, b: 'theirs\n' });
  });

  it('fails when a directory on the way has become a link, also inside the workspace', async () => {
    const { cwd } = await patchWorkspace({ 'd/a': 'old\n', 'other/x': 'x\n', b: 'old\n' });
    const files = faultyFiles(async (_deed, nth, _path, really) => {
      await really();
      if (nth > 1) return;
      await fs.rename(join(cwd, 'd'), join(cwd, 'aside'));
      await fs.symlink('aside', join(cwd, 'd'));
    });
    const patch = patchText('*** Update File: b', '@@', '-old', '+new', '*** Update File: d/a', '@@', '-old', '+new');
    expect(toldText(await runPatch(cwd, patch, { files }))).toMatch(
      /^The patch failed: d\/a: a directory on the way to it has become a link\. .* Nothing was changed\.$/,
    );
    expect(await treeOf(cwd)).toEqual({ d: '-> aside', 'aside/a': 'old\n', 'other/x': 'x\n', b: 'old\n' });
  });

  it('does not write files that stay as they are', async () => {
    const { cwd } = await patchWorkspace({ a: 'same\n' });
    const files = faultyFiles(() => Promise.reject(diskError('EIO')));
    const run = await runPatch(cwd, patchText('*** Update File: a', '@@', ' same'), { files });
    expect(toldText(run)).toBe('Success. Updated the following files:\nM a');
  });
});
