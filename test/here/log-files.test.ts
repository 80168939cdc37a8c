import { spawnSync } from 'node:child_process';
import {
  appendFile,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileLogStore } from '../../src/here/file-log-store.ts';
import type { LogStore } from '../../src/rollout/log-store.ts';

const CREATED_AT_MS = Date.UTC(2026, 2, 1);
const isRoot = process.geteuid?.() === 0;

let home = '';
let store: LogStore;
let location = '';

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'troupe-log-'));
  store = fileLogStore(home);
  const file = await store.create('s1', CREATED_AT_MS);
  location = file.location;
  await file.append(Buffer.from('one\ntwo\n'));
  await file.close();
});

afterEach(() => rm(home, { recursive: true, force: true }));

/** Takes the log for writing; the first `wholeBytes` of it are said to be whole. */
const reopened = (wholeBytes: number) =>
  store.reopen('s1', async (pieces) => {
    for await (const _ of pieces);
    return wholeBytes;
  });

const beside = async () => (await readdir(dirname(location))).sort();

describe('a log that is opened again', () => {
  it('has what was never finished beside it, and nothing is glued to it', async () => {
    await appendFile(location, 'thr');
    const file = await reopened(8);
    await file.append(Buffer.from('four\n'));
    await file.sync();
    await file.close();
    expect(await readFile(location, 'utf8')).toBe('one\ntwo\nfour\n');
    expect(await readFile(`${location}.torn-1`, 'utf8')).toBe('thr');
    await appendFile(location, 'fi');
    await (await reopened(13)).close();
    expect(await beside()).toEqual(['s1.jsonl', 's1.jsonl.torn-1', 's1.jsonl.torn-2']);
    expect(await readFile(`${location}.torn-2`, 'utf8')).toBe('fi');
  });

  it('keeps a tail of any size', async () => {
    const tail = 'x'.repeat(700_000);
    await appendFile(location, tail);
    await (await reopened(8)).close();
    expect([await readFile(location, 'utf8'), (await readFile(`${location}.torn-1`, 'utf8')) === tail]).toEqual([
      'one\ntwo\n',
      true,
    ]);
  });

  it('can be read by others while it is written', async () => {
    const file = await reopened(8);
    await file.append(Buffer.from('three\n'));
    const pieces: Uint8Array[] = [];
    for await (const piece of (await store.pieces('s1')) ?? []) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe('one\ntwo\nthree\n');
    await file.close();
  });

  it('is untouched, and nobody has its lock, when reading it fails', async () => {
    await appendFile(location, 'thr');
    const failing = store.reopen('s1', () => Promise.reject(new Error('not for us')));
    await expect(failing).rejects.toThrow('not for us');
    expect([await readFile(location, 'utf8'), await beside()]).toEqual(['one\ntwo\nthr', ['s1.jsonl']]);
    await (await reopened(8)).close();
  });

  it.each([
    ['a link', () => symlink(join(home, 'elsewhere'), location), 'ELOOP'],
    ['a directory', () => mkdir(location), 'got something else'],
    ['a pipe', () => void spawnSync('mkfifo', [location]), 'to be a file of the user who runs this'],
  ])('is refused at once when it is %s', async (_, make, message) => {
    await rm(location);
    await writeFile(join(home, 'elsewhere'), 'one\n');
    await make();
    await expect(reopened(0)).rejects.toThrow(message);
    expect(await beside()).toEqual(['s1.jsonl']);
  });

  it.runIf(isRoot)('is refused when it is another user’s', async () => {
    await chown(location, 65_534, 65_534);
    await expect(reopened(8)).rejects.toThrow('one of user 65534');
    await expect(
      (async () => {
        for await (const _ of (await store.pieces('s1')) ?? []);
      })(),
    ).rejects.toThrow('one of user 65534');
  });
});

describe('a log that is being written', () => {
  it.each([
    ['removed', () => rm(location), 'somebody has removed it'],
    ['moved away', () => rename(location, `${location}.old`), 'somebody has removed it'],
    [
      'replaced',
      async () => {
        await writeFile(`${location}.new`, 'one\ntwo\nthree\n');
        await rename(`${location}.new`, location);
      },
      'somebody has removed it',
    ],
    ['made shorter', () => truncate(location, 2), 'somebody else has changed it'],
    ['written by somebody else', () => appendFile(location, 'not ours'), 'somebody else has changed it'],
    ['in a directory that is removed', () => rm(dirname(location), { recursive: true }), 'somebody has removed it'],
  ])('is not called safe when it was %s', async (_, change, message) => {
    const file = await reopened(8);
    await file.append(Buffer.from('three\n'));
    await file.sync();
    await change();
    await expect(file.sync()).rejects.toThrow(message);
    await expect(file.append(Buffer.from('four\n'))).rejects.toThrow('Expected a log that works');
    await file.close();
  });
});
