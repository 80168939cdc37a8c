import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { journalStore, journalsOf } from '../../src/here/journal-store.ts';

const CONTENT = { files: [], directories: ['/work/d'], roots: ['/work'] };
/** Of a process that is gone, and its number was given to nobody. */
const GONE = `${2 ** 22 + 1}-7`;
const ID = '0123456789abcdef0123456789abcdef';

function stage() {
  const state = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-journals-')));
  onTestFinished(() => rmSync(state, { recursive: true, force: true }));
  const directory = journalsOf(state, 'k');
  const names = () => readdirSync(directory);
  const put = (name: string, bytes: Uint8Array | string) => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, name), bytes);
  };
  return { state, directory, names, put, store: journalStore(state, 'k'), other: journalStore(state, 'k') };
}

describe('a journal', () => {
  it('is there until its patch is done, and its directory with it', async () => {
    const { store, other, names, directory } = stage();
    const [first, second] = [await store.open(CONTENT), await other.open(CONTENT)];
    expect(names().length).toBe(2);
    await store.close(first);
    expect(names().length).toBe(1);
    await store.close(second);
    await store.close(second);
    expect([readdirSync(dirname(directory)), await store.cut()]).toEqual([[], []]);
  });

  it('that this process works on is not cut; one that it has let go of is, once', async () => {
    const { store } = stage();
    const stored = await store.open(CONTENT);
    const worked = await store.cut();
    store.release(stored);
    const [found, again] = [await store.cut(), await store.cut()];
    expect([worked, found.map(({ journal }) => journal), again]).toEqual([[], [{ ...stored.journal }], []]);
  });

  it('of a process that is gone is found, taken over, and kept for a person when it can be neither done nor undone', async () => {
    const { store, names, put } = stage();
    const { bytes, journal, path } = await store.open(CONTENT);
    put(`${GONE}-${journal.id}.journal`, bytes);
    rmSync(path);
    store.release({ bytes, journal, path });
    const [found] = await store.cut();
    expect(found?.journal).toEqual(journal);
    const kept = found && (await store.keep(found));
    expect([names(), kept?.endsWith('.kept'), await store.cut()]).toEqual([[kept?.split('/').at(-1)], true, []]);
  });

  it('that is not whole was never acted on, and goes', async () => {
    const { store, names, put } = stage();
    put(`${GONE}-${ID}.journal`, 'half');
    put(`${GONE}-${ID}.journal.new`, 'half');
    put('notes', 'x');
    expect([await store.cut(), names()]).toEqual([[], ['notes']]);
  });

  it('fails where it cannot be written, and where its directory is something else', async () => {
    const { state, store } = stage();
    mkdirSync(join(state, 'patches'), { mode: 0o700 });
    writeFileSync(journalsOf(state, 'k'), '');
    await expect(store.open(CONTENT)).rejects.toThrow('to be a directory, got something else');
    await expect(store.cut()).rejects.toThrow('ENOTDIR');
  });
});
