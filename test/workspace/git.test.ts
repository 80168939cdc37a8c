import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemFiles } from '../../src/here/system-files.ts';
import { openGit } from '../../src/workspace/git.ts';
import { type GitStage, gitStage, hasSandbox, plainGit, proc, valueIn, withoutSandbox } from './git-stage.ts';

const DIFF_MAX_BYTES = 100_000;

async function commit(stage: GitStage, message: string): Promise<string> {
  stage.plain('add', '--all');
  stage.plain('commit', '--quiet', '--message', message);
  return stage.plain('rev-parse', 'HEAD').trim();
}

describe.each([
  { where: 'in the sandbox', how: proc, isHere: hasSandbox },
  { where: 'without a sandbox', how: withoutSandbox, isHere: true },
])('git of ours $where', ({ how, isHere }) => {
  it.skipIf(!isHere)('tells what is checked out, and what a name stands for', async () => {
    const stage = await gitStage();
    const git = await stage.open(how);
    expect(await git.head()).toEqual({ ok: true, value: { commit: null, branch: 'main' } });
    await stage.write('a', 'a\n');
    const first = await commit(stage, 'one');
    expect(await git.head()).toEqual({ ok: true, value: { commit: first, branch: 'main' } });
    stage.plain('checkout', '--quiet', '-b', 'side');
    await stage.write('b', 'b\n');
    const second = await commit(stage, 'two');
    stage.plain('checkout', '--quiet', '--detach', 'main');
    expect(await git.head()).toEqual({ ok: true, value: { commit: first, branch: null } });
    expect(await git.resolve('side')).toEqual({ ok: true, value: second });
    for (const none of ['nowhere', '--all', '-h', '', 'main\nside'])
      expect(await git.resolve(none)).toEqual({ ok: true, value: null });
    expect(await git.mergeBase('side', 'main')).toEqual({ ok: true, value: first });
    expect(await git.mergeBase('side', 'nowhere')).toEqual({
      ok: false,
      why: 'Expected "nowhere" to name a commit, but it names none.',
    });
    const other = stage.plain('commit-tree', '-m', 'apart', `${first}^{tree}`).trim();
    expect(await git.mergeBase('main', other)).toEqual({ ok: true, value: null });
  });

  it.skipIf(!isHere)('tells what has changed, whatever the names', async () => {
    const stage = await gitStage();
    for (const name of ['kept', 'changed', 'gone', 'old name', 'both']) await stage.write(name, `${name}\n`.repeat(9));
    await commit(stage, 'one');
    await stage.write('changed', 'x\n');
    await fs.rm(join(stage.root, 'gone'));
    stage.plain('mv', 'old name', 'new\tname');
    await stage.write('both', 'staged\n');
    stage.plain('add', 'both');
    await stage.write('both', 'unstaged\n');
    await stage.write('ä\n"new"', 'x\n');
    const changed = { type: 'changed', from: null, submodule: false } as const;
    const git = await stage.open(how);
    expect(await git.status()).toEqual({
      ok: true,
      value: [
        { ...changed, path: 'both', staged: 'M', unstaged: 'M' },
        { ...changed, path: 'changed', staged: '.', unstaged: 'M' },
        { ...changed, path: 'gone', staged: '.', unstaged: 'D' },
        { ...changed, path: 'new\tname', from: 'old name', staged: 'R', unstaged: '.' },
        { type: 'untracked', path: 'ä\n"new"' },
      ],
    });
    expect(await git.listFiles('tracked')).toEqual({
      ok: true,
      value: ['both', 'changed', 'gone', 'kept', 'new\tname'],
    });
    expect(await git.listFiles('untracked')).toEqual({ ok: true, value: ['ä\n"new"'] });
  });

  it.skipIf(!isHere)('shows differences as text, binary files by name, as much as is wanted', async () => {
    const stage = await gitStage();
    await stage.write('a', 'a\n');
    await fs.writeFile(join(stage.root, 'binary'), Buffer.from([0, 1, 2]));
    const first = await commit(stage, 'one');
    await stage.write('a', 'A\n');
    await fs.writeFile(join(stage.root, 'binary'), Buffer.from([0, 1, 3]));
    const git = await stage.open(how);
    const textOf = async (from: string | null, to: string | null) =>
      valueIn(await git.diff({ from, to, outputMaxBytes: DIFF_MAX_BYTES })).text.replaceAll(/^(index .*)$/gm, 'index');
    const change = `diff --git a/a b/a\nindex\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+A\n`;
    const binary = 'diff --git a/binary b/binary\nindex\nBinary files a/binary and b/binary differ\n';
    expect(await textOf('HEAD', null)).toBe(change + binary);
    await commit(stage, 'two');
    expect(await textOf('HEAD', null)).toBe('');
    expect(await textOf(first, 'main')).toBe(change + binary);
    expect(await textOf(null, first)).toContain(
      'new file mode 100644\nindex\n--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+a\n',
    );
    await stage.write('a', 'line\n'.repeat(10_000));
    const cut = valueIn(await git.diff({ from: 'HEAD', to: null, outputMaxBytes: 1_000 }));
    expect([cut.isCut, cut.text.length < 1_200, cut.text.startsWith('diff --git')]).toEqual([true, true, true]);
    expect(await git.diff({ from: '--output=/x', to: null, outputMaxBytes: 1 })).toMatchObject({ ok: false });
  });

  it.skipIf(!isHere)('builds a tree of its own beside the repository, which stays as it is', async () => {
    const stage = await gitStage();
    await stage.write('a', 'a\n');
    await commit(stage, 'one');
    await stage.write('new', 'new\r\n');
    await stage.write('.gitattributes', '* text=auto eol=lf\n');
    const before = await listing(join(stage.root, '.git'));
    const directory = join(stage.state, 'snapshot');
    await fs.mkdir(directory);
    const git = await stage.open(how);
    const index = valueIn(await git.privateIndex(directory));
    expect(await index.readTree('HEAD')).toEqual({ ok: true, value: null });
    const [hash = ''] = valueIn(await index.writeFiles(['new']));
    expect(hash).toBe(valueIn(await git.hashObject(Buffer.from('new\r\n'))));
    const direct = valueIn(await index.writeObject(Buffer.from('direct\n')));
    valueIn(
      await index.update([
        { mode: '100755', hash, path: 'x\n/new' },
        { mode: '100644', hash: direct, path: 'direct' },
        { mode: '0', hash: '0'.repeat(40), path: 'a' },
      ]),
    );
    const tree = valueIn(await index.writeTree());
    const env = `GIT_OBJECT_DIRECTORY=${directory}/objects GIT_ALTERNATE_OBJECT_DIRECTORIES=${stage.root}/.git/objects`;
    const shown = plainGit(stage.root, stage.place, ['-c', `alias.look=!env ${env} git ls-tree -r -z ${tree}`, 'look']);
    expect(shown).toBe(`100644 blob ${direct}\tdirect\u0000100755 blob ${hash}\tx\n/new\0`);
    expect(await listing(join(stage.root, '.git'))).toEqual(before);
    expect(await index.writeFiles(['a\nb'])).toMatchObject({ ok: false });
    expect(await index.readTree('--empty')).toMatchObject({ ok: false });
  });
});

describe('the repository that a directory is in', () => {
  it('is the nearest above it, or none', async () => {
    const stage = await gitStage();
    await fs.mkdir(join(stage.root, 'deep/er'), { recursive: true });
    expect((await stage.open(proc, join(stage.root, 'deep/er'))).root).toBe(stage.root);
    expect(await openGit(stage.ports(proc), systemFiles, stage.state)).toEqual({ ok: true, value: null });
    expect(await openGit(stage.ports(proc), systemFiles, join(stage.root, 'missing'))).toMatchObject({ ok: false });
  });

  it('may be a linked worktree, or a submodule', async () => {
    const stage = await gitStage();
    await stage.write('a', 'a\n');
    const first = await commit(stage, 'one');
    stage.plain('worktree', 'add', '--quiet', '../tree');
    const tree = await stage.open(proc, join(stage.place, 'tree'));
    expect(await tree.head()).toEqual({ ok: true, value: { commit: first, branch: 'tree' } });
    stage.plain('clone', '--quiet', '.', '../other');
    stage.plain('submodule', '--quiet', 'add', '../other', 'sub');
    const sub = await stage.open(proc, join(stage.root, 'sub'));
    expect([sub.root, await sub.head()]).toEqual([
      join(stage.root, 'sub'),
      { ok: true, value: { commit: first, branch: 'main' } },
    ]);
    await fs.writeFile(join(stage.root, 'sub/a'), 'changed\n');
    expect(await sub.status()).toMatchObject({ ok: true, value: [{ path: 'a', unstaged: 'M' }] });
  });

  it('is not another one that a `.git` file or link points at', async () => {
    const stage = await gitStage();
    const victim = join(stage.place, 'victim');
    await fs.mkdir(victim);
    plainGit(victim, stage.place, ['init', '--quiet']);
    const spoofs = {
      file: (path: string) => fs.writeFile(join(path, '.git'), `gitdir: ${victim}/.git\n`),
      link: (path: string) => fs.symlink(`${victim}/.git`, join(path, '.git')),
      async commondir(path: string) {
        const own = join(stage.place, 'own/worktrees/x');
        await fs.mkdir(own, { recursive: true });
        await fs.writeFile(join(own, 'HEAD'), 'ref: refs/heads/main\n');
        await fs.writeFile(join(own, 'commondir'), `${victim}/.git\n`);
        await fs.writeFile(join(own, 'gitdir'), `${path}/.git\n`);
        await fs.writeFile(join(path, '.git'), `gitdir: ${own}\n`);
      },
      nonsense: (path: string) => fs.writeFile(join(path, '.git'), 'nothing of the kind\n'),
    };
    for (const [name, spoof] of Object.entries(spoofs)) {
      const path = join(stage.place, name);
      await fs.mkdir(path);
      await spoof(path);
      const opened = await openGit(stage.ports(proc), systemFiles, path);
      expect({ name, opened }).toEqual({ name, opened: { ok: false, why: expect.stringContaining('Expected') } });
    }
  });

  it('does not become another one by what is said inside of it', async () => {
    const stage = await gitStage();
    const victim = join(stage.place, 'victim');
    await fs.mkdir(victim);
    plainGit(victim, stage.place, ['init', '--quiet', '--initial-branch=secret']);
    await fs.writeFile(join(victim, 'secret'), 'secret\n');
    plainGit(victim, stage.place, ['add', '--all']);
    plainGit(victim, stage.place, ['commit', '--quiet', '-m', 'secret']);
    stage.plain('config', 'core.worktree', victim);
    await stage.write('.git/commondir', `${victim}/.git\n`);
    const git = await stage.open(withoutSandbox);
    expect(await git.resolve('secret')).toEqual({ ok: true, value: null });
    expect(await git.listFiles('untracked')).toEqual({ ok: true, value: [] });
  });
});

async function listing(directory: string): Promise<readonly string[]> {
  const entries = await fs.readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.sort().map(async (path) => `${path} ${(await fs.readFile(path)).toString('base64')}`));
}
