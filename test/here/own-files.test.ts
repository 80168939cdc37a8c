import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { effectiveUser } from '../../src/here/effective-user.ts';
import { storeDirectory } from '../../src/here/store-directory.ts';

function place(): string {
  const base = mkdtempSync(join(tmpdir(), 'troupe-own-'));
  onTestFinished(() => rmSync(base, { recursive: true }));
  return base;
}

describe('files of ours', () => {
  it('are none where there is no directory, and fail where something else stands', async () => {
    const base = place();
    const files = storeDirectory(base);
    expect([await files.names('a'), await files.read('a', 'b'), await files.size('a', 'b')]).toEqual([[], null, 0]);
    writeFileSync(join(base, 'file'), '');
    mkdirSync(join(base, 'folder', 'b'), { recursive: true });
    await expect(files.names('file')).rejects.toThrow('ENOTDIR');
    await expect(files.read('folder', 'b')).rejects.toThrow('EISDIR');
  });

  it.each(['../up', '.hidden', 'a/b', ''])('are never called %j', async (name) => {
    const files = storeDirectory(place());
    expect(() => files.location('a', name)).toThrow(`Expected the name of a file of ours, got ${JSON.stringify(name)}`);
  });

  it('are written whole, in large pieces and small ones, or not at all', async () => {
    const files = storeDirectory(place());
    const parts = [Buffer.alloc(700_000, 1), Buffer.alloc(700_000, 2), Buffer.alloc(3, 3)];
    await files.create('a', 'b', parts);
    const failing = (async function* () {
      yield Buffer.alloc(3);
      throw new Error('EIO');
    })();
    await expect(files.create('a', 'c', failing)).rejects.toThrow('EIO');
    expect([
      Buffer.compare((await files.read('a', 'b')) ?? Buffer.alloc(0), Buffer.concat(parts)),
      await files.names('a'),
    ]).toEqual([0, ['b']]);
  });
});

it('takes everything for its own where a system has no users', () => {
  expect(effectiveUser(7)).toBe(process.geteuid?.() ?? 7);
  vi.spyOn(process, 'geteuid').mockReturnValue(undefined as never); // As on a system without users.
  expect(effectiveUser(7)).toBe(7);
});
