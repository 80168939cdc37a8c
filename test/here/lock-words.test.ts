import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { folderTrust, TRUSTED_FOLDERS_MAX_BYTES } from '../../src/here/folder-trust.ts';
import { lock, writerOf, writerWords } from '../../src/here/log-lock.ts';

function place(): string {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-words-')));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  return base;
}
const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

it('tells who writes a log by its number, and that of another container as such', () => {
  expect([writerWords({ pid: 7, isForeign: false }), writerWords({ pid: 7, isForeign: true })]).toEqual([
    'process 7',
    'process 7 of another container',
  ]);
});

it.each(['null', '7', '{}', '{"pid":"7"}'])('takes over what is no lock of ours: %s', async (text) => {
  const path = join(place(), 'log');
  writeFileSync(`${path}.lock`, text);
  await (await lock(path))();
  expect(await writerOf(path)).toBeNull();
});

it('believes that a lock without a time of beginning is of a system without such times, and here of nobody', async () => {
  const path = join(place(), 'log');
  const held = async (pid: number) => {
    writeFileSync(`${path}.lock`, JSON.stringify({ pid, startTime: null, bootId }));
    return writerOf(path);
  };
  expect([await held(process.pid), await held(2 ** 22 + 1)]).toEqual([null, null]);
});

it('does not count trusted folders of a file that is too long, or is none', async () => {
  const [long, none] = [place(), place()];
  for (const [home, write] of [
    [long, (at: string) => writeFileSync(at, ' '.repeat(TRUSTED_FOLDERS_MAX_BYTES + 1), { mode: 0o600 })],
    [none, (at: string) => rmSync(at, { recursive: true, force: true })],
  ] as const)
    write(folderTrust(home).location);
  const { problem } = await folderTrust(long).of(long);
  expect([problem, (await folderTrust(none).of(none)).problem]).toEqual([
    expect.stringContaining(
      `Expected at most ${TRUSTED_FOLDERS_MAX_BYTES} bytes, got ${TRUSTED_FOLDERS_MAX_BYTES + 1}.`,
    ),
    null,
  ]);
});
