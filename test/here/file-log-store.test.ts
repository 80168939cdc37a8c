import { spawnSync } from 'node:child_process';
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileLogStore } from '../../src/here/file-log-store.ts';

const CREATED_AT_MS = Date.UTC(2026, 2, 1, 23, 59, 59, 999);
const isRoot = process.geteuid?.() === 0;

let parent = '';
let home = '';

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'troupe-log-'));
  home = join(parent, 'state', 'troupe');
});

afterEach(() => rm(parent, { recursive: true, force: true }));

describe('where logs are', () => {
  it('keeps a log under the day of its making, in UTC', async () => {
    const file = await fileLogStore(home).create('01JABC-x_9', CREATED_AT_MS);
    await file.append(Buffer.from('one\n'));
    await file.append(Buffer.from('two\n'));
    await file.sync();
    await file.close();

    expect(file.location).toBe(join(home, 'sessions/2026/03/01/01JABC-x_9.jsonl'));
    expect(await readFile(file.location, 'utf8')).toBe('one\ntwo\n');
  });

  it('lets nobody else in, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      await (await fileLogStore(home).create('s1', CREATED_AT_MS)).close();
    } finally {
      process.umask(umask);
    }
    const paths = [
      '',
      'sessions',
      'sessions/2026',
      'sessions/2026/03',
      'sessions/2026/03/01',
      'sessions/2026/03/01/s1.jsonl',
    ];

    expect(await Promise.all(paths.map((path) => modeOf(join(home, path))))).toEqual([
      '700',
      '700',
      '700',
      '700',
      '700',
      '600',
    ]);
  });

  it('makes many logs at once, and those of another day', async () => {
    const store = fileLogStore(home);
    const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const files = await Promise.all(names.map((name) => store.create(name, CREATED_AT_MS)));
    files.push(await store.create('later', CREATED_AT_MS + 1), await store.create('again', CREATED_AT_MS));
    await Promise.all(files.map((file) => file.sync()));
    await Promise.all(files.map((file) => file.close()));

    expect((await readdir(join(home, 'sessions/2026/03/01'))).length).toBe(41);
    expect(await readdir(join(home, 'sessions/2026/03/02'))).toEqual(['later.jsonl']);
  });

  it('makes the directory again when somebody has removed it', async () => {
    const store = fileLogStore(home);
    await (await store.create('s1', CREATED_AT_MS)).close();
    await rm(home, { recursive: true });
    await (await store.create('s2', CREATED_AT_MS)).close();

    expect(await readdir(join(home, 'sessions/2026/03/01'))).toEqual(['s2.jsonl']);
  });

  it('follows a home directory that is a link of our own', async () => {
    await mkdir(join(parent, 'disk'), { mode: 0o700 });
    await symlink(join(parent, 'disk'), join(parent, 'link'));
    await (await fileLogStore(join(parent, 'link')).create('s1', CREATED_AT_MS)).close();

    expect(await readdir(join(parent, 'disk/sessions/2026/03/01'))).toEqual(['s1.jsonl']);
  });
});

describe('what it refuses', () => {
  it.each(['', '..', 'a/b', 'a.b', 'a\0b', 'é', 'x'.repeat(65)])('refuses %j as a session id', async (sessionId) => {
    await expect(fileLogStore(home).create(sessionId, CREATED_AT_MS)).rejects.toThrow('Expected a session id to match');
    expect(await readdir(parent)).toEqual([]);
  });

  it('refuses to write over a log that is there', async () => {
    const store = fileLogStore(home);
    const file = await store.create('s1', CREATED_AT_MS);
    await file.append(Buffer.from('kept\n'));
    await file.close();

    await expect(store.create('s1', CREATED_AT_MS)).rejects.toThrow(`Expected no log at ${file.location}, got one.`);
    expect(await readFile(file.location, 'utf8')).toBe('kept\n');
  });

  it('refuses to write through a link planted where the log should be', async () => {
    const day = join(home, 'sessions/2026/03/01');
    await mkdir(day, { recursive: true, mode: 0o700 });
    await symlink(join(parent, 'target'), join(day, 's1.jsonl'));

    await expect(fileLogStore(home).create('s1', CREATED_AT_MS)).rejects.toThrow('Expected no log at');
    expect(await readdir(parent)).toEqual(['state']);
  });

  it.each(['sessions', 'sessions/2026', 'sessions/2026/03/01'])('refuses a link in the place of %s', async (path) => {
    await mkdir(join(parent, 'elsewhere'), { mode: 0o700 });
    await mkdir(join(home, path, '..'), { recursive: true, mode: 0o700 });
    await symlink(join(parent, 'elsewhere'), join(home, path));

    await expect(fileLogStore(home).create('s1', CREATED_AT_MS)).rejects.toThrow(
      `Expected ${join(home, path)} to be a directory, got a symbolic link.`,
    );
    expect(await readdir(join(parent, 'elsewhere'))).toEqual([]);
  });

  it.each(['', 'sessions', 'sessions/2026/03'])(
    'refuses a directory that others may write to (home/%s)',
    async (path) => {
      await mkdir(join(home, path), { recursive: true, mode: 0o700 });
      await chmod(join(home, path), 0o770);

      await expect(fileLogStore(home).create('s1', CREATED_AT_MS)).rejects.toThrow(
        `Expected ${join(home, path)} to be writable by its owner only, got mode 0770. Try: chmod go-w '${join(home, path)}'`,
      );
    },
  );

  it('accepts a directory that others may only read', async () => {
    await mkdir(home, { recursive: true });
    await chmod(home, 0o755);

    await (await fileLogStore(home).create('s1', CREATED_AT_MS)).close();
  });

  it.skipIf(!isRoot)('refuses directories and links of somebody else (needs root to make them)', async () => {
    await mkdir(join(home, 'sessions'), { recursive: true, mode: 0o700 });
    await chown(join(home, 'sessions'), 65_534, 65_534);
    await expect(fileLogStore(home).create('s1', CREATED_AT_MS)).rejects.toThrow(
      `Expected ${join(home, 'sessions')} to belong to the user who runs this (0), got user 65534. Choose another home.`,
    );

    await chown(home, 65_534, 65_534);
    await expect(fileLogStore(home).create('s1', CREATED_AT_MS)).rejects.toThrow(`Expected ${home} to belong to`);

    await mkdir(join(parent, 'ours'), { mode: 0o700 });
    await symlink(join(parent, 'ours'), join(parent, 'planted'));
    spawnSync('chown', ['-h', '65534', join(parent, 'planted')]);
    await expect(fileLogStore(join(parent, 'planted')).create('s1', CREATED_AT_MS)).rejects.toThrow(
      `Expected ${join(parent, 'planted')} to belong to`,
    );
    expect(await readdir(join(parent, 'ours'))).toEqual([]);
  });

  it('says what stands where a directory should be, and works once it is gone', async () => {
    await mkdir(home, { recursive: true, mode: 0o700 });
    await writeFile(join(home, 'sessions'), '');
    const store = fileLogStore(home);
    await expect(store.create('s1', CREATED_AT_MS)).rejects.toThrow(
      `Expected ${join(home, 'sessions')} to be a directory, got something else.`,
    );

    await rm(join(home, 'sessions'));
    await (await store.create('s1', CREATED_AT_MS)).close();
  });
});

async function modeOf(path: string): Promise<string> {
  return ((await lstat(path)).mode & 0o777).toString(8);
}
