import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileCalls, fileLogStore } from '../../src/here/file-log-store.ts';
import { decodeRecord, type LogRecord, splitLines } from '../../src/rollout/record.ts';
import { createLogWriter } from '../../src/rollout/writer.ts';

const CREATED_AT_MS = Date.UTC(2026, 2, 1, 23, 59, 59, 999);
const canMount = process.geteuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0;

let parent = '';
let home = '';

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'troupe-log-'));
  home = join(parent, 'state', 'troupe');
});

afterEach(() => rm(parent, { recursive: true, force: true }));

describe('disks that fail', () => {
  it('writes all of a record, however little goes at once', async () => {
    const sizes: number[] = [];
    const file = await fileLogStore(home, {
      async write(handle, bytes) {
        const { bytesWritten } = await handle.write(bytes.subarray(0, 3));
        sizes.push(bytesWritten);
        return bytesWritten;
      },
    }).create('s1', CREATED_AT_MS);
    await file.append(Buffer.from('ten bytes\n'));
    await file.close();

    expect([await readFile(file.location, 'utf8'), sizes]).toEqual(['ten bytes\n', [3, 3, 3, 1]]);
  });

  it.each(['ENOSPC', 'EIO'])(
    'takes back the half of a record that came before %s, and goes on after it',
    async (code) => {
      const file = await fileLogStore(home, { write: failingOnce(code, 4) }).create('s1', CREATED_AT_MS);
      await file.append(Buffer.from('one\n'));

      await expect(file.append(Buffer.from('two two\n'))).rejects.toMatchObject({ code });
      expect(await readFile(file.location, 'utf8')).toBe('one\n');
      await file.append(Buffer.from('three\n'));
      await file.close();
      expect(await readFile(file.location, 'utf8')).toBe('one\nthree\n');
    },
  );

  it('does not wait for ever for a disk that takes nothing', async () => {
    const file = await fileLogStore(home, { write: async () => 0 }).create('s1', CREATED_AT_MS);

    await expect(file.append(Buffer.from('one\n'))).rejects.toThrow(
      'Expected some of 4 bytes to be written, got none.',
    );
    await file.close();
  });

  it('glues nothing to a half record that could not be taken back', async () => {
    const file = await fileLogStore(home, {
      write: failingOnce('ENOSPC', 2),
      truncate: () => Promise.reject(new Error('EROFS: read-only file system, ftruncate')),
    }).create('s1', CREATED_AT_MS);

    const said =
      'ENOSPC: told to; what was written of the record could not be removed: EROFS: read-only file system, ftruncate';
    await expect(file.append(Buffer.from('one\n'))).rejects.toThrow(said);
    await expect(file.append(Buffer.from('two\n'))).rejects.toThrow(
      `Expected a log that works, got one that failed before: ${said}`,
    );
    await file.close();
    expect(await readFile(file.location, 'utf8')).toBe('on');
  });

  it('never syncs a second time after a sync failed', async () => {
    let syncs = 0;
    const file = await fileLogStore(home, {
      sync() {
        syncs += 1;
        return Promise.reject(failure('EIO'));
      },
    }).create('s1', CREATED_AT_MS);
    await file.append(Buffer.from('one\n'));

    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    await expect(file.sync()).rejects.toThrow('Expected a log that works, got one that failed before: EIO: told to');
    await expect(file.append(Buffer.from('two\n'))).rejects.toThrow('Expected a log that works');
    await file.close();
    expect([syncs, await readFile(file.location, 'utf8')]).toEqual([1, 'one\n']);
  });

  it('syncs the directories that lead to a log once, with its first sync', async () => {
    const synced: string[] = [];
    const store = fileLogStore(home, { syncDirectory: async (path) => void synced.push(path.slice(home.length)) });
    const first = await store.create('s1', CREATED_AT_MS);
    const second = await store.create('s2', CREATED_AT_MS);
    await first.append(Buffer.from('one\n'));
    expect(synced).toEqual([]);
    for (const file of [first, first, second, second]) await file.sync();
    await Promise.all([first.close(), second.close()]);

    expect(synced).toEqual([
      '',
      '/sessions',
      '/sessions/2026',
      '/sessions/2026/03',
      '/sessions/2026/03/01',
      '/sessions/2026/03/01',
    ]);
  });

  it('calls nothing synced whose directory is not, and lets the next log try anew', async () => {
    let fails = true;
    const store = fileLogStore(home, {
      syncDirectory: async (path) => {
        if (fails && path === home) throw failure('EMFILE');
      },
    });
    const first = await store.create('s1', CREATED_AT_MS);
    await expect(first.sync()).rejects.toMatchObject({ code: 'EMFILE' });
    fails = false;
    await expect(first.sync()).rejects.toThrow('Expected a log that works');
    const second = await store.create('s2', CREATED_AT_MS);
    await second.sync();
    await Promise.all([first.close(), second.close()]);
  });

  it('tells a writer of a full disk, whose log stays whole', async () => {
    const failures: string[] = [];
    const writer = createLogWriter({
      sessionId: 's1',
      open: () => fileLogStore(home, { write: failingOnce('ENOSPC', 300) }).create('s1', CREATED_AT_MS),
      mode: 'durable',
      onFailure: (message) => failures.push(message),
    });
    const safe: boolean[] = [];
    for (let seq = 0; seq < 5; seq += 1) {
      writer.append(record(seq), { sync: true });
      safe.push(await writer.safe(seq));
    }
    await writer.close();
    const location = join(home, 'sessions/2026/03/01/s1.jsonl');

    expect(safe).toEqual([true, true, false, false, false]);
    expect(failures).toEqual([
      `The log of session s1 (${location}) is no longer written: ENOSPC: told to. Records from 2 on may be missing.`,
    ]);
    expect(recordsIn(await readFile(location))).toEqual({ records: [record(0), record(1)], tail: 0 });
  });

  it.skipIf(!canMount)('leaves whole records on a disk that is really full (needs root to mount one)', () => {
    const program = `
      import { readFile } from 'node:fs/promises';
      import { fileLogStore } from ${JSON.stringify(sourceUrl('here/file-log-store.ts'))};
      const file = await fileLogStore(process.argv[1] + '/home').create('s1', 0);
      const line = Buffer.from('x'.repeat(9_999) + '\\n');
      let code = null;
      let whole = 0;
      for (; code === null && whole < 1_000; whole += 1) await file.append(line).catch((error) => { code = error.code; });
      await file.sync();
      const size = (await readFile(file.location)).length;
      await file.append(Buffer.from('short\\n'));
      const end = (await readFile(file.location, 'utf8')).slice(-8);
      await file.close();
      console.log(JSON.stringify({ code, whole: whole - 1, size, end }));`;
    const mounted = 'mount -t tmpfs -o size=256k none "$1" && exec "$2" --input-type=module -e "$3" "$1"';
    const run = spawnSync('unshare', ['-m', 'sh', '-c', mounted, 'sh', parent, process.execPath, program], {
      encoding: 'utf8',
    });
    const { code, whole, size, end } = JSON.parse(run.stdout || JSON.stringify({ code: run.stderr }));

    expect({ code, size, end }).toEqual({ code: 'ENOSPC', size: whole * 10_000, end: 'x\nshort\n' });
    expect(whole).toBeGreaterThan(10);
  });
});

it('has every record that was called safe after the process is killed', async () => {
  const program = `
    import { createLogWriter } from ${JSON.stringify(sourceUrl('rollout/writer.ts'))};
    import { fileLogStore } from ${JSON.stringify(sourceUrl('here/file-log-store.ts'))};
    const store = fileLogStore(process.argv[1]);
    const writer = createLogWriter({ sessionId: 's1', open: () => store.create('s1', 0), mode: 'durable', onFailure: console.error });
    const record = (seq) => ({ seq, epoch: 0, time: '', type: 'x', payload: 'x'.repeat(seq % 7 * 20_000) });
    for (let seq = 0; ; seq += 1) {
      writer.append(record(seq), { sync: seq % 3 === 0 });
      if (seq % 5 === 4 && await writer.safe(seq)) console.log(seq);
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, home], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  let safe = -1;
  for await (const line of createInterface(child.stdout)) {
    safe = Number(line);
    if (safe >= 40) child.kill('SIGKILL');
  }
  await gone;
  const { records } = recordsIn(await readFile(join(home, 'sessions/1970/01/01/s1.jsonl')));

  expect(records.map((each) => each?.seq)).toEqual(Array.from(records.keys()));
  expect(records.length).toBeGreaterThan(safe);
});

/** A write that fails once, when it would write beyond the first `room` bytes: it writes those, then says why. */
function failingOnce(code: string, room: number): FileCalls['write'] {
  let left = room;
  return async (handle, bytes) => {
    if (left === 0) {
      left = Number.POSITIVE_INFINITY;
      throw failure(code);
    }
    const { bytesWritten } = await handle.write(bytes.subarray(0, Math.min(left, bytes.length)));
    left -= bytesWritten;
    return bytesWritten;
  };
}

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: told to`), { code });
}

function record(seq: number): LogRecord {
  return { seq, epoch: 0, time: '2026-03-01T12:00:00.000Z', type: 'step.started', payload: { step: seq } };
}

function recordsIn(bytes: Uint8Array): { records: (LogRecord | null)[]; tail: number } {
  const { lines, tail } = splitLines(bytes);
  const decoded = lines.map(decodeRecord);
  return { records: decoded.map((each) => (each.ok ? each.record : null)), tail: tail.length };
}

function sourceUrl(path: string): string {
  return new URL(`../../src/${path}`, import.meta.url).href;
}
