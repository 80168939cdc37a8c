import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readProjectConfig } from '../../src/here/project-config-file.ts';
import { NO_PROJECT_CONFIG } from '../../src/policy/project-config.ts';

function project() {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-project-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const tree = join(root, 'tree');
  mkdirSync(join(tree, '.troupe'), { recursive: true });
  return { root, tree, path: join(tree, '.troupe/config.json') };
}

const ignored = (path: string, why: string) => ({
  config: NO_PROJECT_CONFIG,
  warnings: [`${path}: ${why}, so it has no effect.`],
});

describe('the file of a project', () => {
  it('is read from the root of the work tree', async () => {
    const { tree, path } = project();
    expect(await readProjectConfig(tree)).toEqual({ config: NO_PROJECT_CONFIG, warnings: [] });
    writeFileSync(path, '{"sandbox": "read-only", "model": "m"}');
    expect(await readProjectConfig(tree)).toEqual({
      config: { ...NO_PROJECT_CONFIG, sandbox: 'read-only' },
      warnings: [expect.stringContaining(`${path}: "model": a project may set`)],
    });
  });

  it('is not followed out of the work tree, by itself or by its directory', async () => {
    const { root, tree, path } = project();
    writeFileSync(join(root, 'config.json'), '{"sandbox": "read-only"}');
    symlinkSync('../../config.json', path);
    expect(await readProjectConfig(tree)).toEqual(ignored(path, 'it is a link out of the work tree'));
    rmSync(join(tree, '.troupe'), { recursive: true });
    symlinkSync(root, join(tree, '.troupe'));
    expect(await readProjectConfig(tree)).toEqual(ignored(path, 'it is a link out of the work tree'));
  });

  it('may be a link within it', async () => {
    const { tree, path } = project();
    writeFileSync(join(tree, 'shared.json'), '{"sandbox": "read-only"}');
    symlinkSync('../shared.json', path);
    expect((await readProjectConfig(tree)).config.sandbox).toBe('read-only');
  });

  it('that is too large, no file, or a pipe that nobody writes to is passed over', async () => {
    const { tree, path } = project();
    writeFileSync(path, `{"sandbox": "read-only"}${' '.repeat(65_536)}`);
    expect(await readProjectConfig(tree)).toEqual(ignored(path, 'it has more than 65536 bytes'));
    rmSync(path);
    mkdirSync(path);
    expect(await readProjectConfig(tree)).toEqual(ignored(path, 'it is no file'));
    rmSync(path, { recursive: true });
    execFileSync('mkfifo', [path]);
    expect(await readProjectConfig(tree)).toEqual(ignored(path, 'it is no file'));
  });
});
