import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemFiles } from '../../src/here/system-files.ts';

const isRoot = process.getuid?.() === 0;

async function directory(): Promise<string> {
  const path = await fs.realpath(await fs.mkdtemp(join(tmpdir(), 'troupe-files-')));
  onTestFinished(() => fs.rm(path, { recursive: true, force: true }));
  return path;
}

const bytes = (text: string) => new TextEncoder().encode(text);

/** Whether system calls can be watched here. */
const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

describe('systemFiles', () => {
  it('tells what is at a path, without following links', async () => {
    const here = await directory();
    await fs.writeFile(join(here, 'file'), '');
    await fs.symlink('file', join(here, 'link'));
    await fs.symlink('nowhere', join(here, 'dangling'));
    execFileSync('mkfifo', [join(here, 'pipe')]);
    const kinds = ['file', '.', 'link', 'dangling', 'pipe', 'nothing', 'file/below'].map((name) =>
      systemFiles.kind(join(here, name)),
    );
    expect(await Promise.all(kinds)).toEqual(['file', 'directory', 'link', 'link', 'other', 'missing', 'missing']);
    await expect(systemFiles.kind(join(here, 'x'.repeat(256)))).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
  });

  it('resolves links', async () => {
    const here = await directory();
    await fs.symlink('.', join(here, 'link'));
    expect(await systemFiles.realPath(join(here, 'link/link'))).toBe(here);
    await expect(systemFiles.realPath(join(here, 'nothing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('reads files only, and waits for no pipe', async () => {
    const here = await directory();
    await fs.writeFile(join(here, 'file'), 'text\0');
    execFileSync('mkfifo', [join(here, 'pipe')]);
    expect(Buffer.from(await systemFiles.read(join(here, 'file'))).toString()).toBe('text\0');
    await expect(systemFiles.read(join(here, 'pipe'))).rejects.toMatchObject({ code: 'EINVAL' });
    await expect(systemFiles.read(here)).rejects.toMatchObject({ code: 'EISDIR' });
    await expect(systemFiles.read(join(here, 'nothing'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('does not read a file that is too big to be text', async () => {
    const path = join(await directory(), 'sparse');
    await fs.writeFile(path, '');
    await fs.truncate(path, 256 * 1024 * 1024 + 1);
    await expect(systemFiles.read(path)).rejects.toMatchObject({ code: 'EFBIG' });
  });

  it('writes a new file, and leaves nothing beside it', async () => {
    const here = await directory();
    await systemFiles.write(join(here, 'a'), bytes('new'));
    expect(await fs.readFile(join(here, 'a'), 'utf8')).toBe('new');
    expect(await fs.readdir(here)).toEqual(['a']);
    expect((await fs.stat(join(here, 'a'))).mode & 0o777).toBe(0o666 & ~process.umask());
  });

  it('replaces a file with its mode, so that who reads it sees the old content or the new', async () => {
    const here = await directory();
    const path = join(here, 'a');
    await fs.writeFile(path, 'old');
    await fs.chmod(path, 0o754);
    await using reader = await fs.open(path);
    await systemFiles.write(path, bytes('new'));
    expect(await reader.readFile('utf8')).toBe('old');
    expect(await fs.readFile(path, 'utf8')).toBe('new');
    expect((await fs.stat(path)).mode & 0o7777).toBe(0o754);
  });

  it.skipIf(!isRoot)(
    'keeps the owner of what it replaces, where that is allowed (skipped: only root may)',
    async () => {
      const path = join(await directory(), 'a');
      await fs.writeFile(path, 'old');
      await fs.chown(path, 12_345, 54_321);
      await systemFiles.write(path, bytes('new'));
      const { uid, gid } = await fs.stat(path);
      expect([uid, gid]).toEqual([12_345, 54_321]);
    },
  );

  it('leaves other names of the same file alone', async () => {
    const here = await directory();
    await fs.writeFile(join(here, 'a'), 'old');
    await fs.link(join(here, 'a'), join(here, 'b'));
    await systemFiles.write(join(here, 'a'), bytes('new'));
    expect(await fs.readFile(join(here, 'b'), 'utf8')).toBe('old');
  });

  it('replaces files only, and leaves nothing beside them when it fails', async () => {
    const here = await directory();
    await fs.mkdir(join(here, 'directory'));
    await fs.writeFile(join(here, 'file'), 'old');
    await fs.symlink('file', join(here, 'link'));
    for (const name of ['directory', 'link']) {
      await expect(systemFiles.write(join(here, name), bytes('new'))).rejects.toMatchObject({ code: 'EINVAL' });
    }
    await expect(systemFiles.write(join(here, 'x'.repeat(256)), bytes('new'))).rejects.toMatchObject({
      code: 'ENAMETOOLONG',
    });
    expect((await fs.readdir(here)).sort()).toEqual(['directory', 'file', 'link']);
    expect(await fs.readFile(join(here, 'file'), 'utf8')).toBe('old');
  });

  it.skipIf(isRoot)('does not replace a file that may not be written (skipped for root, who may)', async () => {
    const path = join(await directory(), 'a');
    await fs.writeFile(path, 'old');
    await fs.chmod(path, 0o444);
    await expect(systemFiles.write(path, bytes('new'))).rejects.toMatchObject({ code: 'EACCES' });
    expect(await fs.readFile(path, 'utf8')).toBe('old');
  });

  it('leaves the old content, and nothing beside it, when there is no room for the new', async () => {
    const here = await directory();
    await fs.writeFile(join(here, 'a'), 'old');
    const module = new URL('../../src/here/system-files.ts', import.meta.url);
    const script = `
      const { systemFiles } = await import(${JSON.stringify(module.href)});
      const code = await systemFiles.write(process.argv[1], new Uint8Array(100_000)).catch((error) => error.code);
      process.stdout.write(String(code));`;
    // A limit of 8 blocks on what a process may write into one file stands in for a full disk.
    const limited = `trap '' XFSZ; ulimit -f 8; exec "$0" --input-type=module -e "$1" "$2"`;
    const code = execFileSync('bash', ['-c', limited, process.execPath, script, join(here, 'a')], { encoding: 'utf8' });
    expect(code).toBe('EFBIG');
    expect(await fs.readdir(here)).toEqual(['a']);
    expect(await fs.readFile(join(here, 'a'), 'utf8')).toBe('old');
  });

  it('names the path that was meant when it fails', async () => {
    const here = await directory();
    await expect(systemFiles.remove(join(here, 'nothing'))).rejects.toThrow(`'${here}/nothing'`);
    await expect(systemFiles.write(join(here, 'no/file'), bytes(''))).rejects.toThrow(`'${here}/no'`);
  });

  it('removes files, and directories that are empty', async () => {
    const here = await directory();
    await systemFiles.makeDirectory(join(here, 'd'));
    await systemFiles.write(join(here, 'd/a'), bytes(''));
    await expect(systemFiles.removeDirectory(join(here, 'd'))).rejects.toMatchObject({ code: 'ENOTEMPTY' });
    await systemFiles.remove(join(here, 'd/a'));
    await systemFiles.removeDirectory(join(here, 'd'));
    expect(await fs.readdir(here)).toEqual([]);
  });

  it('makes one directory at a time', async () => {
    const here = await directory();
    await expect(systemFiles.makeDirectory(join(here, 'a/b'))).rejects.toMatchObject({ code: 'ENOENT' });
    await systemFiles.makeDirectory(join(here, 'a'));
    await expect(systemFiles.makeDirectory(join(here, 'a'))).rejects.toMatchObject({ code: 'EEXIST' });
  });

  it('changes nothing by way of a link', async () => {
    const here = await directory();
    await fs.mkdir(join(here, 'real/deep'), { recursive: true });
    await fs.writeFile(join(here, 'real/deep/a'), 'old');
    await fs.symlink('real', join(here, 'link'));
    await fs.symlink('deep', join(here, 'real/link'));
    for (const through of ['link/deep', 'real/link']) {
      const path = join(here, through, 'a');
      await expect(systemFiles.write(path, bytes('new'))).rejects.toThrow();
      await expect(systemFiles.remove(path)).rejects.toThrow();
      await expect(systemFiles.makeDirectory(join(here, through, 'd'))).rejects.toThrow();
      await expect(systemFiles.removeDirectory(join(here, through, 'd'))).rejects.toThrow();
    }
    expect(await fs.readdir(join(here, 'real/deep'))).toEqual(['a']);
    expect(await fs.readFile(join(here, 'real/deep/a'), 'utf8')).toBe('old');
  });

  it.skipIf(!canTrace)(
    'has a new content on the disk before it takes the place of the old, where that is wanted',
    async () => {
      const here = await directory();
      await fs.writeFile(join(here, 'a'), 'old');
      const module = new URL('../../src/here/system-files.ts', import.meta.url);
      const script = `
      const { durableFiles } = await import(${JSON.stringify(module.href)});
      await durableFiles('beside').write(process.argv[1], Buffer.from('new'));`;
      const trace = ['-f', '-qq', '-e', 'trace=fsync,fdatasync,rename', '-o', join(here, 'trace')];
      // What Node keeps of what it compiles is renamed, too.
      const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' };
      execFileSync('strace', [...trace, process.execPath, '--input-type=module', '-e', script, join(here, 'a')], {
        env,
      });
      const calls = (await fs.readFile(join(here, 'trace'), 'utf8')).match(/(?<= )(fsync|fdatasync|rename)(?=\()/g);
      expect(calls).toEqual(['fsync', 'rename']);
      expect(await fs.readFile(join(here, 'a'), 'utf8')).toBe('new');
    },
  );

  it.skipIf(process.platform !== 'linux')(
    'writes nothing outside while a directory becomes a link and back (skipped where no directory can be held)',
    async () => {
      const here = await directory();
      const [inside, aside, outside] = [join(here, 'in'), join(here, 'aside'), join(here, 'out')];
      await fs.mkdir(inside);
      await fs.mkdir(outside);
      let isRunning = true;
      const flipping = (async () => {
        while (isRunning) {
          await fs.rename(inside, aside);
          await fs.symlink(outside, inside);
          await fs.unlink(inside);
          await fs.rename(aside, inside);
        }
      })();
      const results = { written: 0, refused: 0 };
      const isMissing = () => results.written === 0 || results.refused === 0;
      try {
        for (let round = 0; round < 1_000 || (isMissing() && round < 50_000); round += 1) {
          const isWritten = await systemFiles.write(join(inside, `f${round}`), bytes('x')).then(
            () => true,
            () => false,
          );
          results[isWritten ? 'written' : 'refused'] += 1;
        }
      } finally {
        isRunning = false;
        await flipping;
      }
      expect(await fs.readdir(outside)).toEqual([]);
      expect((await fs.readdir(inside)).length).toBe(results.written);
      // Both sides of the race were met, or this shows nothing.
      expect(isMissing()).toBe(false);
    },
  );
});
