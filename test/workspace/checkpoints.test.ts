import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { storeDirectory } from '../../src/here/store-directory.ts';
import { systemWorkTree } from '../../src/here/system-work-tree.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Checkpoint } from '../../src/workspace/checkpoint.ts';
import { type CheckpointStore, checkpointStore, STORE_LIMITS } from '../../src/workspace/checkpoint-store.ts';
import { planLines, planUndo } from '../../src/workspace/plan-undo.ts';
import { CHECKPOINT_LIMITS, type CheckpointLimits } from '../../src/workspace/scan.ts';
import { type Taken, takeCheckpoint } from '../../src/workspace/take-checkpoint.ts';
import { carryOutUndo } from '../../src/workspace/undo.ts';
import type { RawPath } from '../../src/workspace/work-tree.ts';

let root: string;
let state: string;
let store: CheckpointStore;
let count: number;

beforeEach(() => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-checkpoints-')));
  onTestFinished(() => rmSync(base, { recursive: true }));
  root = join(base, 'work');
  state = join(base, 'state');
  mkdirSync(root);
  store = checkpointStore(storeDirectory(state));
  count = 0;
});

const put = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};

const take = (limits: Partial<CheckpointLimits> = {}, tracked: ReadonlySet<RawPath> | null = null): Promise<Taken> => {
  count += 1;
  return takeCheckpoint({
    id: `c${String(count).padStart(4, '0')}`,
    tree: systemWorkTree(root),
    store,
    clock: systemClock,
    time: '2026-11-26T00:00:00.000Z',
    tracked,
    limits: { ...CHECKPOINT_LIMITS, ...limits },
    signal: new AbortController().signal,
  });
};

const taken = async (...args: Parameters<typeof take>): Promise<Checkpoint> => {
  const result = await take(...args);
  if (!result.ok) throw new Error(result.message);
  return result.checkpoint;
};

const undo = async (before: Checkpoint, after: Checkpoint) => {
  const tree = systemWorkTree(root);
  return carryOutUndo(tree, store, await planUndo(tree, before, after, null), new AbortController().signal);
};

/** Everything in the work tree: names, modes, contents and targets. */
const treeOf = (directory = root, prefix = ''): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { encoding: 'latin1' }).flatMap((name) => {
      const path = Buffer.from(`${directory}/${name}`, 'latin1');
      const stats = lstatSync(path);
      const mode = (stats.mode & 0o7777).toString(8);
      if (stats.isSymbolicLink()) return [[prefix + name, `-> ${readlinkSync(path)}`]];
      if (stats.isDirectory())
        return [[`${prefix}${name}/`, mode], ...Object.entries(treeOf(path.toString('latin1'), `${prefix}${name}/`))];
      return [[prefix + name, stats.isFile() ? `${mode} ${readFileSync(path, 'utf8')}` : 'other']];
    }),
  );

describe('an undo', () => {
  it('brings back what was changed, removed, renamed and made executable, and takes away what was made', async () => {
    put('changed', 'before');
    put('removed/deep/file', 'before');
    put('renamed', 'before');
    put('run.sh', '#!/bin/sh');
    put('same', 'same');
    symlinkSync('changed', join(root, 'link'));
    mkdirSync(join(root, 'empty'));
    const was = treeOf();
    const before = await taken();
    put('changed', 'after');
    rmSync(join(root, 'removed'), { recursive: true });
    renameSync(join(root, 'renamed'), join(root, 'renamed-since'));
    chmodSync(join(root, 'run.sh'), 0o755);
    rmSync(join(root, 'link'));
    symlinkSync('elsewhere', join(root, 'link'));
    rmSync(join(root, 'empty'), { recursive: true });
    put('made/by/task', 'new');
    const after = await taken();
    const done = await undo(before, after);
    expect(treeOf()).toEqual(was);
    expect(done).toEqual([
      { path: 'made/by/task', result: 'removed' },
      { path: 'renamed-since', result: 'removed' },
      { path: 'changed', result: 'restored' },
      { path: 'link', result: 'restored' },
      { path: 'removed/deep/file', result: 'restored' },
      { path: 'renamed', result: 'restored' },
      { path: 'run.sh', result: 'restored' },
    ]);
  });

  it('leaves alone what somebody has changed since, tells what it was before, and says which', async () => {
    for (const name of ['edited', 'removed', 'untouched']) put(name, 'before');
    const before = await taken();
    for (const name of ['edited', 'removed', 'untouched', 'made']) put(name, 'by the task');
    const after = await taken();
    put('edited', 'by the user');
    rmSync(join(root, 'removed'));
    put('made', 'by the user');
    put('theirs', 'by the user');
    const tree = systemWorkTree(root);
    expect(planLines(await planUndo(tree, before, after, null))).toEqual([
      'keep (changed since) edited',
      'keep (changed since) made',
      'keep (changed since) removed',
      'restore untouched',
    ]);
    expect(await undo(before, after)).toEqual([
      { path: 'edited', result: 'conflict', former: Buffer.from('before') },
      { path: 'made', result: 'conflict', former: null },
      { path: 'removed', result: 'conflict', former: Buffer.from('before') },
      { path: 'untouched', result: 'restored' },
    ]);
    expect(treeOf()).toEqual({
      edited: '644 by the user',
      made: '644 by the user',
      theirs: '644 by the user',
      untouched: '644 before',
    });
  });

  it('is undone by an undo of its own', async () => {
    put('a', 'before');
    const before = await taken();
    put('a', 'after');
    put('b', 'new');
    const after = await taken();
    const changed = treeOf();
    await undo(before, after);
    const undone = await taken();
    await undo(after, undone);
    expect(treeOf()).toEqual(changed);
  });

  it('puts a file in the place of a directory, and a directory in the place of a file', async () => {
    put('file', 'f');
    put('directory/inside', 'd');
    const was = treeOf();
    const before = await taken();
    rmSync(join(root, 'file'));
    put('file/inside', 'x');
    rmSync(join(root, 'directory'), { recursive: true });
    put('directory', 'x');
    await undo(before, await taken());
    expect(treeOf()).toEqual(was);
  });

  it('keeps a directory that the task has made when something else is in it', async () => {
    const before = await taken();
    put('made/task', 'x');
    const after = await taken();
    put('made/user', 'y');
    await undo(before, after);
    expect(treeOf()).toEqual({ 'made/': '755', 'made/user': '644 y' });
  });

  it('writes through no link that has come to stand for a directory', async () => {
    put('d/file', 'before');
    const before = await taken();
    put('d/file', 'after');
    const after = await taken();
    const outside = join(dirname(root), 'outside');
    renameSync(join(root, 'd'), outside);
    symlinkSync(outside, join(root, 'd'));
    expect(await undo(before, after)).toMatchObject([{ path: 'd/file', result: 'conflict' }]);
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('after');
  });

  it('touches nothing where what was kept is not what it was', async () => {
    put('a', 'before'.repeat(100));
    const before = await taken();
    put('a', 'after');
    const after = await taken();
    truncateSync(join(state, 'packs', 'c0001'), 10);
    expect(await undo(before, after)).toMatchObject([{ path: 'a', result: 'failed' }]);
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('after');
  });
});

describe('a checkpoint', () => {
  it('knows names of any bytes, and opens no FIFO', async () => {
    const odd = ['new\nline', ' blank ', 'quote"', '\u{1f600}', 'Case', 'case', '-leading'];
    for (const name of odd) put(name, name);
    writeFileSync(Buffer.from(`${root}/\xff\xfe`, 'latin1'), 'bytes');
    execFileSync('mkfifo', [join(root, 'fifo')]);
    symlinkSync('loop', join(root, 'loop'));
    const before = await taken();
    expect(before.leftOut).toEqual([{ path: 'fifo', why: 'not-a-file' }]);
    const was = treeOf();
    for (const name of odd) rmSync(join(root, name));
    rmSync(Buffer.from(`${root}/\xff\xfe`, 'latin1'));
    await undo(before, await taken());
    expect(treeOf()).toEqual(was);
  });

  it('takes along what git tracks and what nothing ignores, and never a repository', async () => {
    put('.gitignore', '*.log\n/out/\n!keep.log\n');
    put('a.log', 'ignored');
    put('keep.log', 'kept');
    put('tracked.log', 'tracked');
    put('out/file', 'ignored');
    put('out/tracked', 'tracked');
    put('node_modules/x/index.js', 'made by a tool');
    put('sub/.gitignore', '!a.log\nb\n');
    put('sub/a.log', 'kept after all');
    put('sub/b', 'ignored');
    put('.git/config', 'x');
    put('nested/.git/config', 'x');
    put('nested/file', 'kept');
    const { kept } = await taken({}, new Set(['tracked.log', 'out/tracked']));
    expect([...kept.keys()].toSorted()).toEqual([
      '.gitignore',
      'keep.log',
      'nested/file',
      'out/tracked',
      'sub/.gitignore',
      'sub/a.log',
      'tracked.log',
    ]);
  });

  it('leaves out what is large or many and not tracked, says so, and an undo does not touch it', async () => {
    put('large', 'x'.repeat(100));
    put('many/tracked', 't');
    for (let at = 0; at < 5; at += 1) put(`many/${at}`, 'x');
    const limits = { untrackedFileMaxBytes: 50, untrackedFilesMax: 5 };
    const tracked = new Set(['many/tracked']);
    const before = await taken(limits, tracked);
    expect([before.leftOut, [...before.kept.keys()]]).toEqual([
      [
        { path: 'large', why: 'large-file' },
        { path: 'many', why: 'many-files' },
      ],
      ['many/tracked'],
    ]);
    put('large', 'small');
    rmSync(join(root, 'many/0'));
    const after = await taken(limits, tracked);
    expect(await undo(before, after)).toEqual([]);
    expect(readFileSync(join(root, 'large'), 'utf8')).toBe('small');
  });

  it.each<[Partial<CheckpointLimits>, string]>([
    [{ totalMaxBytes: 10 }, 'too-large'],
    [{ filesMax: 1 }, 'too-many-files'],
    [{ durationMaxMs: -1 }, 'too-slow'],
  ])('is none when it reaches a limit: %j', async (limits, why) => {
    put('a', 'x'.repeat(10));
    put('b', 'x');
    expect(await take(limits)).toMatchObject({ ok: false, why });
    const files = readdirSync(dirname(state), { recursive: true, encoding: 'utf8' }).filter((path) =>
      /^state\/.*\//.test(path),
    );
    expect([await store.ids(), files]).toEqual([[], []]);
  });

  it('keeps equal bytes once, and reads again only what has changed', async () => {
    const long = new Date(Date.now() - 60_000);
    for (const name of ['a', 'b']) {
      put(name, 'equal');
      utimesSync(join(root, name), long, long);
    }
    put('c', 'other');
    expect(await take()).toMatchObject({ ok: true, bytesAdded: 'equal'.length + 'other'.length });
    expect(await take()).toMatchObject({ ok: true, bytesAdded: 0 });
    put('c', 'changed');
    expect(await take()).toMatchObject({ ok: true, bytesAdded: 'changed'.length });
    expect(readdirSync(join(state, 'packs')).toSorted()).toEqual(['c0001', 'c0003']);
  });

  it('notices a change that leaves size and time as they were', async () => {
    put('a', 'one');
    const { atime, mtime } = lstatSync(join(root, 'a'));
    const before = await taken();
    put('a', 'two');
    utimesSync(join(root, 'a'), atime, mtime);
    await undo(before, await taken());
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('one');
  });

  it('lets go of the oldest when there are too many or too much, and of what only they needed', async () => {
    store = checkpointStore(storeDirectory(state), { ...STORE_LIMITS, checkpointsMax: 2 });
    put('stays', 'stays');
    for (const text of ['1', '22', '333']) {
      put('a', text);
      await taken();
    }
    expect([await store.ids(), readdirSync(join(state, 'packs')).toSorted()]).toEqual([
      ['c0002', 'c0003'],
      ['c0001', 'c0002', 'c0003'],
    ]);
    rmSync(join(root, 'stays'));
    store = checkpointStore(storeDirectory(state), { ...STORE_LIMITS, bytesMax: 3 });
    await taken();
    expect([await store.ids(), readdirSync(join(state, 'packs'))]).toEqual([['c0004'], ['c0003']]);
  });

  it('is private, whatever the umask', async () => {
    put('a', 'x');
    const umask = process.umask(0);
    await taken();
    process.umask(umask);
    const modes = ['packs', 'packs/c0001', 'checkpoints/c0001.json'].map((path) =>
      (lstatSync(join(state, path)).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(['700', '600', '600']);
  });
});
