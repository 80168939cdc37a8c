import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { confinementOf } from '../../src/policy/sandbox-profile.ts';
import type { Confinement } from '../../src/process/port.ts';
import type { TaskContext } from '../../src/protocol/settings.ts';
import type { Tree } from '../tools/patch-workspace.ts';
import { treeOf } from '../tools/patch-workspace.ts';
import { hasSandbox, patchStage } from './patch-stage.ts';

const TREE: Tree = { b: 'b\n', c: 'c\r\n', d: 'd', 'sub/e': 'e\n' };
const AFTER: Tree = { 'new/deep/a': 'a\n', b: 'B\n', 'moved/c': 'C\r\n', sub: '<directory>', f: 'f\n' };
const PATCH = [
  ...['*** Add File: new/deep/a', '+a'],
  ...['*** Update File: b', '@@', '-b', '+B'],
  ...['*** Update File: c', '*** Move to: moved/c', '@@', '-c', '+C'],
  ...['*** Delete File: d', '*** Delete File: sub/e', '*** Add File: f', '+f'],
];
const UNCONFINED = { confine: (): Confinement => ({ type: 'none' }) };

describe.each([
  { where: 'in the sandbox', options: {}, isHere: hasSandbox },
  { where: 'without a sandbox', options: UNCONFINED, isHere: true },
])('a patch that a helper applies $where', ({ options, isHere }) => {
  it.skipIf(!isHere)('is applied, and leaves nothing behind', async () => {
    const stage = await patchStage(TREE);
    expect(await stage.apply(await stage.plan(...PATCH), options)).toEqual({ status: 'applied' });
    expect([await stage.tree(), await stage.journals(), stage.started]).toEqual([AFTER, [], ['apply']]);
  });

  it.skipIf(!isHere)('keeps modes, also of what is moved', async () => {
    const stage = await patchStage(TREE);
    for (const [name, mode] of [
      ['b', 0o751],
      ['c', 0o640],
    ] as const)
      await fs.chmod(join(stage.cwd, name), mode);
    expect(await stage.apply(await stage.plan(...PATCH), options)).toEqual({ status: 'applied' });
    const modes = ['b', 'moved/c'].map(async (name) => (await fs.stat(join(stage.cwd, name))).mode & 0o7777);
    expect(await Promise.all(modes)).toEqual([0o751, 0o640]);
  });

  it.skipIf(!isHere)('fails, and changes nothing, when a file is not as it was planned from', async () => {
    const stage = await patchStage(TREE);
    const plan = await stage.plan(...PATCH);
    await fs.writeFile(join(stage.cwd, 'd'), 'theirs');
    expect(await stage.apply(plan, options)).toEqual({
      status: 'failed',
      message:
        'd has changed on the disk since the patch was read. Read it again and send a new patch. Nothing was changed.',
      left: [],
    });
    expect([await stage.tree(), await stage.journals()]).toEqual([{ ...TREE, d: 'theirs' }, []]);
  });

  it.skipIf(!isHere)('is not begun when it is aborted before', async () => {
    const stage = await patchStage(TREE);
    const applied = await stage.apply(await stage.plan(...PATCH), { ...options, signal: AbortSignal.abort() });
    expect(applied).toEqual({ status: 'aborted', message: 'The patch was aborted. Nothing was changed.', left: [] });
    expect([await stage.tree(), await stage.journals(), stage.started]).toEqual([TREE, [], []]);
  });
});

describe.skipIf(!hasSandbox)('what the kernel lets a patch change', () => {
  it('nothing outside the workspace, and nothing at all with it', async () => {
    const stage = await patchStage(TREE);
    const plan = await stage.plan(...PATCH, '*** Add File: ../outside/x', '+x');
    expect(await stage.apply(plan)).toEqual({
      status: 'failed',
      message: expect.stringMatching(/^\.\.\/outside\/x could not be written: .* Nothing was changed\.$/),
      left: [],
    });
    expect([await stage.tree(), await treeOf(stage.outside)]).toEqual([TREE, {}]);
  });

  it('no file that gives away its rights (setuid), nor anything with it', async () => {
    const stage = await patchStage(TREE);
    await fs.chmod(join(stage.cwd, 'c'), 0o4755);
    expect(await stage.apply(await stage.plan(...PATCH))).toEqual({
      status: 'failed',
      message: 'moved/c could not be written: operation not permitted (EPERM). Nothing was changed.',
      left: [],
    });
    expect([await stage.tree(), (await fs.stat(join(stage.cwd, 'c'))).mode & 0o7777]).toEqual([TREE, 0o4755]);
  });

  it('what a person has allowed outside, and that only', async () => {
    const stage = await patchStage({});
    const allowed = join(stage.outside, 'new/x');
    const both = await stage.plan('*** Add File: ../outside/new/x', '+x', '*** Add File: ../state-of-others/y', '+y');
    expect(await stage.apply(both, { lifted: [allowed] })).toMatchObject({ status: 'failed', left: [] });
    expect(await treeOf(stage.outside)).toEqual({});
    const plan = await stage.plan('*** Add File: ../outside/new/x', '+x');
    expect(await stage.apply(plan, { lifted: [allowed] })).toEqual({ status: 'applied' });
    expect(await treeOf(stage.outside)).toEqual({ 'new/x': 'x\n' });
  });

  it('what a person has allowed where the task only reads, and that only', async () => {
    const stage = await patchStage({ 'a/x': 'x\n', 'b/y': 'y\n' }, 'read-only');
    const patch = ['*** Update File: a/x', '@@', '-x', '+X'];
    const lifted = [join(stage.cwd, 'a/x')];
    expect(await stage.apply(await stage.plan(...patch))).toMatchObject({ status: 'failed', left: [] });
    const both = await stage.plan(...patch, '*** Delete File: b/y');
    expect(await stage.apply(both, { lifted })).toMatchObject({ status: 'failed', left: [] });
    expect(await stage.tree()).toEqual({ 'a/x': 'x\n', 'b/y': 'y\n' });
    expect(await stage.apply(await stage.plan(...patch), { lifted })).toEqual({ status: 'applied' });
    expect(await stage.tree()).toEqual({ 'a/x': 'X\n', 'b/y': 'y\n' });
  });

  it('what is asked, also where the helper lies in a directory that is hidden', async () => {
    const stage = await patchStage(TREE);
    const place = join(stage.cwd, '../hidden/helpers');
    await fs.mkdir(place, { recursive: true });
    const program = join(place, 'helper.mjs');
    await fs.rename(await stage.stopping('kill', 0), program);
    const places = { userHomes: [], state: stage.state };
    const confine = (task: TaskContext, escalated: boolean) =>
      confinementOf(task, { hidden: ['../hidden'] }, places, escalated);
    expect(await stage.apply(await stage.plan(...PATCH), { program, confine })).toEqual({ status: 'applied' });
    expect(await stage.tree()).toEqual(AFTER);
  });

  it('nothing where it cannot be noted before', async () => {
    const stage = await patchStage(TREE);
    await fs.mkdir(stage.state);
    await fs.chmod(stage.state, 0o777);
    expect(await stage.apply(await stage.plan(...PATCH))).toEqual({
      status: 'failed',
      message: expect.stringMatching(
        /^What is to be done could not be noted in .* writable by its owner only, .* Nothing was changed\.$/,
      ),
      left: [],
    });
    expect([await stage.tree(), stage.started]).toEqual([TREE, []]);
  });

  it.each(['.git/config', '.vscode/tasks.json', '.mcp.json', 'sub/.git/hooks/pre-commit'])(
    'nothing of %s, even if nobody had looked at its name',
    async (path) => {
      const tree = { '.git/config': 'old\n', 'sub/.git/hooks/pre-commit': 'old\n' };
      const stage = await patchStage(tree);
      const applied = await stage.apply(await stage.plan('*** Add File: other', '+x', `*** Add File: ${path}`, '+x'));
      expect(applied).toMatchObject({ status: 'failed', left: [] });
      expect(await stage.tree()).toEqual(tree);
    },
  );
});
