import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ScriptEntry } from '../../src/testing/script.ts';
import { rig } from '../session/rig.ts';
import { type GitStage, gitStage } from '../workspace/git-stage.ts';
import { hashOf } from '../workspace/hash-of.ts';
import { hostileRepository, TRAPS } from '../workspace/hostile-repository.ts';

const shell = (command: string): ScriptEntry => ({ call: { name: 'shell', arguments: { command } } });
const said: ScriptEntry = { say: 'done' };

const sessionIn = (stage: GitStage, script: readonly ScriptEntry[]) =>
  rig({
    script,
    cwd: stage.root,
    home: join(stage.place, 'troupe'),
    sandbox: 'danger-full-access',
    approvalPolicy: 'never',
    checkpoints: 'auto',
  }).session;

/** A repository with a commit, a stash, a branch, and something staged, changed and new. */
async function busyRepository(): Promise<GitStage> {
  const stage = await gitStage();
  await stage.write('.gitignore', 'ignored/\n');
  for (const name of ['tracked', 'staged', 'dirty']) await stage.write(name, `${name}\n`);
  stage.plain('add', '--all');
  stage.plain('commit', '--quiet', '--message', 'one');
  await stage.write('dirty', 'stashed\n');
  stage.plain('stash', 'push', '--quiet');
  stage.plain('branch', 'side');
  await stage.write('staged', 'staged by the user\n');
  stage.plain('add', 'staged');
  await stage.write('staged', 'and changed since\n');
  await stage.write('dirty', 'changed by the user\n');
  await stage.write('untracked', 'new\n');
  await stage.write('ignored/file', 'ignored\n');
  return stage;
}

describe('an undo in a git repository', () => {
  it('leaves index, refs, stash, reflog and objects as they were, to the byte, and the status as before the task', async () => {
    const stage = await busyRepository();
    const status = stage.plain('status', '--porcelain', '--ignored');
    const was = hashOf(join(stage.root, '.git'));
    const session = sessionIn(stage, [
      shell('echo x >> tracked; echo x >> staged; echo x >> dirty; rm untracked; echo x > made; echo x > ignored/made'),
      said,
    ]);
    await session.run('go').outcome;
    const outcome = await session.undo().outcome;
    await session.close();
    expect([outcome.status, hashOf(join(stage.root, '.git')) === was]).toEqual(['completed', true]);
    expect(stage.plain('status', '--porcelain', '--ignored')).toBe(status);
    const text = (path: string) => readFileSync(join(stage.root, path), 'utf8');
    expect([
      text('tracked'),
      text('staged'),
      text('dirty'),
      text('untracked'),
      existsSync(join(stage.root, 'made')),
    ]).toEqual(['tracked\n', 'and changed since\n', 'changed by the user\n', 'new\n', false]);
    expect(text('ignored/made')).toBe('x\n'); // What is ignored is nobody's business.
  });

  it('works below the root of the repository, and where nothing was ever committed', async () => {
    const stage = await gitStage();
    await stage.write('below/a', 'one\n');
    await stage.write('beside', 'beside\n');
    const below = { ...stage, root: join(stage.root, 'below') };
    const session = sessionIn(below, [shell('echo two > a; echo x >> ../beside'), said]);
    await session.run('go').outcome;
    await session.undo().outcome;
    await session.close();
    expect([readFileSync(join(below.root, 'a'), 'utf8'), readFileSync(join(stage.root, 'beside'), 'utf8')]).toEqual([
      'one\n',
      'beside\nx\n',
    ]);
  });

  it('does not mind a lock of the index, a detached head, a linked worktree, a submodule and names that differ in case', async () => {
    const stage = await busyRepository();
    stage.plain('checkout', '--quiet', '--detach');
    await stage.write('.git/index.lock', '');
    await stage.write('Case', 'upper\n');
    await stage.write('case', 'lower\n');
    mkdirSync(join(stage.root, 'nested/.git'), { recursive: true });
    writeFileSync(join(stage.root, 'nested/file'), 'nested\n');
    const session = sessionIn(stage, [
      shell('echo x > Case; echo y > case; echo z > nested/file; echo w > nested/.git/x'),
      said,
    ]);
    await session.run('go').outcome;
    const outcome = await session.undo().outcome;
    await session.close();
    const text = (path: string) => readFileSync(join(stage.root, path), 'utf8');
    expect([outcome.status, text('Case'), text('case'), text('nested/file'), text('nested/.git/x')]).toEqual([
      'completed',
      'upper\n',
      'lower\n',
      'nested\n',
      'w\n',
    ]);
  });
});

describe.each(TRAPS)('a repository with $name', (trap) => {
  it('runs nothing for a checkpoint, an undo and a review', async () => {
    const { stage, sprung } = await hostileRepository(trap);
    await sprung();
    const session = sessionIn(stage, [said, said]);
    const taken = await session.snapshot().outcome;
    writeFileSync(join(stage.root, 'made'), 'x');
    const undone = await session.undo().outcome;
    const reviewed = await session.review().outcome;
    await session.close();
    expect([taken.status, undone.status, reviewed.status, await sprung()]).toEqual([
      'completed',
      'completed',
      'completed',
      false,
    ]);
  });
});
