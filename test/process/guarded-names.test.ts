import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { guardedIn } from '../../src/process/guarded-names.ts';

const NAMES = new Set(['.git', '.agent']);

function place(): string {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-guarded-')));
  onTestFinished(() => rmSync(base, { recursive: true }));
  return base;
}

it('are links and what they lead to, where that is there', () => {
  const base = place();
  const [root, target] = [join(base, 'root'), join(base, 'target')];
  for (const path of [root, target, join(root, 'below')]) mkdirSync(path);
  symlinkSync(target, join(root, '.agent'));
  symlinkSync('nowhere', join(root, 'below/.agent'));
  expect(guardedIn(root, NAMES)).toEqual([
    { type: 'link', path: join(root, '.agent'), target },
    { type: 'entry', path: target },
    { type: 'link', path: join(root, 'below/.agent'), target: 'nowhere' },
  ]);
});

it('are files of git with the repository that they name, as far as there is one', () => {
  const base = place();
  const root = join(base, 'root');
  const repository = join(base, 'main/.git/worktrees/one');
  mkdirSync(repository, { recursive: true });
  writeFileSync(join(repository, 'commondir'), '../..\n');
  for (const [name, text] of [
    ['linked', `gitdir: ${repository}\n`],
    ['lost', 'gitdir: /nowhere\n'],
    ['other', 'no file of git\n'],
  ] as const) {
    mkdirSync(join(root, name), { recursive: true });
    writeFileSync(join(root, name, '.git'), text);
  }
  const entries = guardedIn(root, NAMES).map(({ path }) => path);
  expect(entries.toSorted()).toEqual(
    [
      join(base, 'main/.git'),
      repository,
      ...['linked', 'lost', 'other'].map((name) => join(root, name, '.git')),
    ].toSorted(),
  );
});

it('are none where there is nothing', () => {
  expect(guardedIn(join(place(), 'nowhere'), NAMES)).toEqual([]);
});
