import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { fileLogStore } from '../../src/here/file-log-store.ts';
import { lock, writerOf } from '../../src/here/log-lock.ts';
import { encodeRecord } from '../../src/rollout/record.ts';

const AT_MS = Date.UTC(2026, 10, 26);
let base: string;
let path: string;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-lock-')));
  onTestFinished(() => rmSync(base, { recursive: true }));
  path = join(base, 'log');
});

const line = (seq: number) =>
  encodeRecord({ seq, epoch: 0, time: '2026-11-26T00:00:00.000Z', type: 'x', payload: { type: 'x' } });
const wholeOf = async (pieces: AsyncIterable<Uint8Array>) => {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return Buffer.concat(parts).lastIndexOf(0x0a) + 1;
};

describe('the lock of a log', () => {
  it('is had by one, and by the next one once it is let go of', async () => {
    const unlock = await lock(path);
    expect([await writerOf(path), readdirSync(base)]).toEqual([{ pid: process.pid, isForeign: false }, ['log.lock']]);
    await expect(lock(path)).rejects.toThrow(`process ${process.pid} has this session open`);
    await unlock();
    expect([await writerOf(path), readdirSync(base)]).toEqual([null, []]);
    await (await lock(path))();
  });

  it.each([
    ['another boot of the machine', { pid: process.pid, startTime: 1, bootId: 'another' }],
    [
      'a process that is dead',
      { pid: 2 ** 22 + 1, startTime: 1, bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() },
    ],
    [
      'a number that another process has by now',
      { pid: process.pid, startTime: 1, bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() },
    ],
  ])('that is left by %s is taken over', async (_, holder) => {
    writeFileSync(`${path}.lock`, JSON.stringify(holder));
    expect(await writerOf(path)).toBe(null);
    const unlock = await lock(path);
    expect(await writerOf(path)).toEqual({ pid: process.pid, isForeign: false });
    await unlock();
  });

  it('that is no lock of ours is taken over, and of many who want it one gets it', async () => {
    writeFileSync(`${path}.lock`, 'rubbish');
    const ends = await Promise.allSettled(Array.from({ length: 20 }, () => lock(path)));
    expect(ends.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    expect(readdirSync(base)).toEqual(['log.lock']);
  });

  it('is a live one in another process until that is killed', async () => {
    const { child, ended } = await locked([]);
    await expect(lock(path)).rejects.toThrow(`process ${child.pid} has this session open`);
    child.kill('SIGKILL');
    await ended;
    await (await lock(path))();
  });

  it('is nobody’s when its process has ended and nobody has asked how', async () => {
    // The parent becomes another program, which waits for no child.
    const parent = spawn('sh', ['-c', '"$@" & exec sleep 60', 'sh', ...lockingWords()]);
    onTestFinished(() => void parent.kill('SIGKILL'));
    await new Promise((resolve) => parent.stdout.once('data', resolve));
    const { pid } = JSON.parse(readFileSync(`${path}.lock`, 'utf8'));
    await expect(lock(path)).rejects.toThrow(`process ${pid} has this session open`);
    process.kill(pid, 'SIGKILL');
    // The first thread is a zombie before the others have gone.
    const isAlive = () =>
      !/ Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')) || readdirSync(`/proc/${pid}/task`).length > 1;
    while (isAlive()) await new Promise(setImmediate);
    await (await lock(path))();
  });

  it.skipIf(!canUnshare)(
    'that is had in another namespace of processes is never taken for a dead one’s (needs bubblewrap)',
    async () => {
      const { child, ended } = await locked(IN_A_CONTAINER);
      const { pid } = JSON.parse(readFileSync(`${path}.lock`, 'utf8'));
      const refused = `process ${pid} of another container (or of the machine around this one) has opened this session`;
      expect(await writerOf(path)).toEqual({ pid, isForeign: true });
      await expect(lock(path)).rejects.toThrow(refused);
      child.kill('SIGKILL');
      await ended;
      await expect(lock(path)).rejects.toThrow(`when you know that it is gone, remove ${path}.lock.`);
      rmSync(`${path}.lock`);
      await (await lock(path))();
    },
  );

  it.skipIf(!canUnshare)(
    'that is had outside is not taken over from inside of a container (needs bubblewrap)',
    async () => {
      const unlock = await lock(path);
      const [program, ...words] = [...IN_A_CONTAINER, ...lockingWords()];
      const { stdout, stderr } = spawnSync(program ?? '', words, { encoding: 'utf8', timeout: 20_000 });
      expect([stdout, stderr]).toEqual(['', expect.stringContaining(`process ${process.pid} of another container`)]);
      await unlock();
    },
  );
});

const IN_A_CONTAINER = ['bwrap', '--dev-bind', '/', '/', '--proc', '/proc', '--unshare-pid', '--die-with-parent'];
const canUnshare = spawnSync('bwrap', [...IN_A_CONTAINER.slice(1), 'true']).status === 0;

/** A program that takes the lock, says so, and keeps it. */
function lockingWords(): [string, ...string[]] {
  const script = `import { lock } from ${JSON.stringify(new URL('../../src/here/log-lock.ts', import.meta.url).href)};
    await lock(process.argv[1]); process.stdout.write('locked'); setInterval(() => {}, 60_000);`;
  return [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', `--eval=${script}`, path];
}

async function locked(before: readonly string[]) {
  const [program = '', ...words] = [...before, ...lockingWords()];
  const child = spawn(program, words);
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return { child, ended };
}

describe('a log that is opened again', () => {
  it('goes on where it was whole; what was never finished lies beside it', async () => {
    const store = fileLogStore(base);
    const file = await store.create('s1', AT_MS);
    await file.append(line(0));
    await file.append(Buffer.from('{"v":1,"torn'));
    await file.close();
    const again = await store.reopen('s1', wholeOf);
    await again.append(line(1));
    await again.sync();
    await again.close();
    expect(readFileSync(file.location)).toEqual(Buffer.concat([line(0), line(1)]));
    expect(readFileSync(`${file.location}.torn-1`, 'utf8')).toBe('{"v":1,"torn');
    expect(existsSync(`${file.location}.lock`)).toBe(false);
  });

  it('is refused while it is open, when there is none, and when it cannot be read; then it is as it was', async () => {
    const store = fileLogStore(base);
    const file = await store.create('s1', AT_MS);
    await file.append(Buffer.from('torn'));
    await expect(store.reopen('s1', wholeOf)).rejects.toThrow('has this session open');
    await file.close();
    await expect(store.reopen('s1', () => Promise.reject(new Error('newer')))).rejects.toThrow('newer');
    await expect(store.reopen('s2', wholeOf)).rejects.toThrow('got none');
    expect([readFileSync(file.location, 'utf8'), existsSync(`${file.location}.lock`)]).toEqual(['torn', false]);
    expect([await store.pieces('../../etc/passwd'), await store.pieces('s2')]).toEqual([null, null]);
  });
});
