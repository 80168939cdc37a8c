import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { folderTrust } from '../../src/here/folder-trust.ts';
import { PROJECT_CONFIG_PATH, readProjectConfig } from '../../src/here/project-config-file.ts';
import { systemWorkTree } from '../../src/here/system-work-tree.ts';
import { NO_PROJECT_CONFIG } from '../../src/policy/project-config.ts';

function place(): string {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-unreadable-')));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  return base;
}

it('says of a configuration of a project that it cannot be read, and that it has no effect', async () => {
  const root = place();
  const path = join(root, PROJECT_CONFIG_PATH);
  mkdirSync(join(path, '..'));
  symlinkSync(path, path);
  expect(await readProjectConfig(root)).toEqual({
    config: NO_PROJECT_CONFIG,
    warnings: [`${path}: it cannot be read (ELOOP), so it has no effect.`],
  });
});

it('does not count trusted folders where something else stands in the place of the file, or of the home', async () => {
  const [home, other] = [place(), join(place(), 'file')];
  mkdirSync(folderTrust(home).location, { mode: 0o700 });
  writeFileSync(other, '');
  const problems = [(await folderTrust(home).of(home)).problem, (await folderTrust(other).of(home)).problem];
  expect(problems).toEqual([
    expect.stringContaining('Expected a file, got something else.'),
    expect.stringContaining(`Expected ${other} to be a directory, got something else.`),
  ]);
});

it('reads no file of a work tree that is none, and finds nothing below one', () => {
  const root = place();
  mkdirSync(join(root, 'd'));
  writeFileSync(join(root, 'f'), '');
  const tree = systemWorkTree(root);
  expect(() => tree.read('d')).toThrow();
  expect(() => tree.look('x'.repeat(300))).toThrow('ENAMETOOLONG');
  expect(tree.look('f/below')).toBeNull();
});
