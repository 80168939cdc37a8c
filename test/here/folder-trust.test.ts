import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { folderTrust, TRUSTED_FOLDERS_MAX, workTreeOf } from '../../src/here/folder-trust.ts';

const NOBODY = 65_534;
const isRoot = process.geteuid?.() === 0;

function place() {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-trust-')));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const home = join(root, 'home');
  const project = join(root, 'project');
  mkdirSync(project);
  const folders = folderTrust(home, () => '2026-01-01T00:00:00.000Z');
  const trustOf = async (path = project) => (await folders.of(path)).trust;
  const say = async (isTrusted: boolean, path = project) =>
    folders.remember((await folders.of(path)).folder, isTrusted);
  return { root, home, project, folders, trustOf, say, file: folders.location };
}

describe('a folder', () => {
  it('is unknown until a person has said something, and then it is what he said', async () => {
    const { trustOf, say } = place();
    expect(await trustOf()).toBe('unknown');
    expect(await say(true)).toBe(null);
    expect(await trustOf()).toBe('trusted');
    expect(await say(false)).toBe(null);
    expect(await trustOf()).toBe('not-trusted');
  });

  it('is kept in a file for nobody else, with what else stands there', async () => {
    const { home, file, project, say } = place();
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(
      file,
      '{"later": {"a": 1}, "folders": [{"path": "/x", "device": "1", "inode": "2", "trusted": true, "why": "w"}]}',
      { mode: 0o600 },
    );
    await say(true);
    const { dev, ino } = statSync(project, { bigint: true });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      later: { a: 1 },
      folders: [
        { path: '/x', device: '1', inode: '2', trusted: true, why: 'w' },
        {
          path: project,
          device: String(dev),
          inode: String(ino),
          trusted: true,
          decidedAt: '2026-01-01T00:00:00.000Z',
        },
      ],
    });
    expect([statSync(file).mode & 0o777, statSync(home).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  it('that takes the place of a trusted one is another one', async () => {
    const { root, project, trustOf, say } = place();
    await say(true);
    renameSync(project, join(root, 'moved'));
    mkdirSync(project);
    expect(await trustOf()).toBe('unknown');
  });

  it('that was moved elsewhere is asked about again: another one may have got its inode', async () => {
    const { root, project, trustOf, say } = place();
    await say(true);
    renameSync(project, join(root, 'moved'));
    expect(await trustOf(join(root, 'moved'))).toBe('unknown');
  });

  it('is the same by whatever link it is reached', async () => {
    const { root, project, trustOf, say } = place();
    const link = join(root, 'link');
    symlinkSync(project, link);
    await say(true, link);
    expect([await trustOf(), await trustOf(link)]).toEqual(['trusted', 'trusted']);
    const other = join(root, 'other');
    mkdirSync(other);
    rmSync(link);
    symlinkSync(other, link);
    expect(await trustOf(link)).toBe('unknown');
  });

  it('has no say in it by what it holds', async () => {
    const { project, trustOf } = place();
    mkdirSync(join(project, '.troupe'));
    writeFileSync(join(project, '.troupe/trusted-folders.json'), '{"folders": []}');
    writeFileSync(join(project, 'trusted-folders.json'), '{"trusted": true}');
    expect(await trustOf()).toBe('unknown');
  });

  it('is forgotten when there are too many, the oldest first', async () => {
    const { home, file, say, trustOf, root } = place();
    mkdirSync(home, { mode: 0o700 });
    const many = Array.from({ length: TRUSTED_FOLDERS_MAX }, (_, at) => ({
      path: `/${at}`,
      device: '1',
      inode: `${at}`,
      trusted: true,
    }));
    writeFileSync(file, JSON.stringify({ folders: many }), { mode: 0o600 });
    await say(true);
    const { folders } = JSON.parse(readFileSync(file, 'utf8'));
    expect([folders.length, folders[0].path, folders.at(-1).path]).toEqual([
      TRUSTED_FOLDERS_MAX,
      '/1',
      join(root, 'project'),
    ]);
    expect(await trustOf()).toBe('trusted');
  });
});

describe('the file of trust', () => {
  const whole = async () => {
    const placed = place();
    await placed.say(true);
    const check = async () => {
      const text = statSync(placed.file).isFile() ? readFileSync(placed.file, 'utf8') : null;
      const { trust, problem } = await placed.folders.of(placed.project);
      const kept = await placed.say(true);
      const isUntouched = text === null || readFileSync(placed.file, 'utf8') === text;
      return { trust, problem, kept: kept === null, isUntouched };
    };
    return { ...placed, check };
  };
  const refused = (words: string) => ({
    trust: 'unknown',
    problem: expect.stringContaining(words),
    kept: false,
    isUntouched: true,
  });

  it.each(['{', '[]', '{"folders": [{"trusted": "yes"}]}', '{"folders": {}}'])(
    'that is broken trusts nothing, says so, and is left as it is: %s',
    async (text) => {
      const { file, check } = await whole();
      writeFileSync(file, text);
      expect(await check()).toEqual(refused(`What ${file} says of trusted folders does not count: `));
    },
  );

  it('that others may write to trusts nothing', async () => {
    const { file, home, check } = await whole();
    chmodSync(file, 0o620);
    expect(await check()).toEqual(refused('only its owner may write'));
    chmodSync(file, 0o600);
    chmodSync(home, 0o777);
    expect(await check()).toEqual(refused('only its owner may write'));
  });

  it.skipIf(!isRoot)('of another user trusts nothing', async () => {
    const { file, home, check } = await whole();
    chownSync(file, NOBODY, NOBODY);
    expect(await check()).toEqual(refused(`got user ${NOBODY}`));
    chownSync(file, 0, 0);
    chownSync(home, NOBODY, NOBODY);
    expect(await check()).toEqual(refused(`got user ${NOBODY}`));
  });

  it('that is a link trusts nothing', async () => {
    const { file, root, check } = await whole();
    renameSync(file, join(root, 'elsewhere.json'));
    symlinkSync(join(root, 'elsewhere.json'), file);
    expect(await check()).toEqual(refused('ELOOP'));
  });

  it('that may only be read is replaced by one that says more', async () => {
    const { file, say, trustOf } = await whole();
    chmodSync(file, 0o400);
    expect([await say(false), await trustOf(), statSync(file).mode & 0o777]).toEqual([null, 'not-trusted', 0o600]);
  });

  it('that cannot be written is no matter but for the next time', async () => {
    const { root, project } = place();
    writeFileSync(join(root, 'file'), '');
    const folders = folderTrust(join(root, 'file', 'home'));
    const { folder, trust, problem } = await folders.of(project);
    expect([trust, problem]).toEqual(['unknown', expect.stringContaining('ENOTDIR')]);
    expect(await folders.remember(folder, true)).toContain('ENOTDIR');
  });
});

describe('the work tree of a directory', () => {
  it('begins where the nearest .git is, whatever that holds, and is the directory where there is none', async () => {
    const { root, project } = place();
    const deep = join(project, 'a/b');
    mkdirSync(deep, { recursive: true });
    expect(await workTreeOf(deep)).toBe(deep);
    writeFileSync(join(project, '.git'), `gitdir: ${root}/elsewhere\n`);
    expect([await workTreeOf(deep), await workTreeOf(project), await workTreeOf(root)]).toEqual([
      project,
      project,
      root,
    ]);
  });
});
