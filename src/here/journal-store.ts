import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startTimeOf } from '../process/process-table.ts';
import { hasCode } from '../protocol/errors.ts';
import { decodeJournal, encodeJournal, type Journal } from '../tools/apply-patch/journal.ts';
import { type PrivateDirectory, privateDirectory, syncDirectory } from './private-directory.ts';

/** A journal on the disk. `bytes` is what it says, encoded. */
export type StoredJournal = Readonly<{ journal: Journal; bytes: Uint8Array; path: string }>;

/** The journals of the patches of one workspace, below our state, where no command of a task reads or writes. */
export interface JournalStore {
  /** Notes what is about to be done. When this has resolved, the disk has it. */
  open(content: Omit<Journal, 'id'>): Promise<StoredJournal>;
  /** Forgets a patch that was done, or undone. */
  close(stored: StoredJournal): Promise<void>;
  /** Lets go of a patch that may be cut: whoever is next tries to undo it. */
  release(stored: StoredJournal): void;
  /** Keeps the contents of a patch that could be neither, for a person; gives the path. Nobody tries it again. */
  keep(stored: StoredJournal): Promise<string>;
  /** The patches that were cut: of processes that are gone, and those of this one that nobody works on. */
  cut(): Promise<readonly StoredJournal[]>;
}

const FILE_MODE = 0o600;
const NEW_FILE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
const NAME = /^(?<pid>\d+)-(?<began>\d+)-(?<id>[0-9a-f]{32})\.journal(?<unfinished>\.new)?$/;

/** The journals that this process works on. */
const live = new Set<string>();

/** Where the journals of a workspace are. */
export function journalsOf(state: string, key: string): string {
  return join(state, 'patches', key);
}

/** `key` names the workspace: letters and digits. */
export function journalStore(state: string, key: string): JournalStore {
  return {
    async open(content) {
      const journal = { ...content, id: randomBytes(16).toString('hex') };
      const path = join(journalsOf(state, key), `${ownerName()}-${journal.id}.journal`);
      const bytes = encodeJournal(journal);
      live.add(path);
      const write = async () => writeDurably(await privateDirectory(state, ['patches', key]), path, bytes);
      try {
        // Whoever closes the last journal there takes the directory away, perhaps just now.
        await write().catch((error: unknown) => (hasCode(error, 'ENOENT') ? write() : Promise.reject(error)));
      } catch (error) {
        live.delete(path);
        throw error;
      }
      return { journal, bytes, path };
    },
    async close({ path }) {
      await rm(path, { force: true });
      live.delete(path);
      await rmdir(dirname(path)).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
      });
    },
    release: ({ path }) => void live.delete(path),
    async keep({ path }) {
      const kept = path.replace(/\.journal$/, '.kept');
      await rename(path, kept);
      live.delete(path);
      return kept;
    },
    async cut() {
      const directory = journalsOf(state, key);
      const found: StoredJournal[] = [];
      const names = await namesIn(directory);
      // Where somebody else may write, what is found is not to be believed.
      if (names.length > 0) await privateDirectory(state, ['patches', key]);
      for (const name of names) {
        const owner = NAME.exec(name)?.groups;
        if (owner === undefined || livesElsewhere(owner)) continue;
        if (live.has(join(directory, name.replace(/\.new$/, '')))) continue;
        // Taken by its new name: of several who find it, one has it.
        const path = join(directory, `${ownerName()}-${owner.id}.journal`);
        live.add(path);
        const bytes = owner.unfinished === undefined ? await taken(join(directory, name), path) : null;
        const journal = bytes === null ? null : decodeJournal(bytes);
        if (bytes !== null && journal !== null) {
          found.push({ journal, bytes, path });
          continue;
        }
        live.delete(path);
        // One that is not whole was never acted on.
        if (owner.unfinished !== undefined) await rm(join(directory, name), { force: true });
        else if (bytes !== null) await rm(path, { force: true });
      }
      return found;
    },
  };
}

/** Which process this is: its number may be given again. */
function ownerName(): string {
  return `${process.pid}-${startTimeOf(process.pid) ?? 0}`;
}

/** What is in a journal that is ours from now on; null when somebody else was quicker. */
async function taken(from: string, to: string): Promise<Uint8Array | null> {
  try {
    await rename(from, to);
    return await readFile(to);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/** All of it or none, so that what has the name is whole. */
async function writeDurably({ directory, parents }: PrivateDirectory, path: string, bytes: Uint8Array): Promise<void> {
  const beside = `${path}.new`;
  const file = await open(beside, NEW_FILE, FILE_MODE);
  try {
    await file.writeFile(bytes);
    await file.sync();
    await rename(beside, path);
    for (const changed of [directory, ...parents.toReversed()]) await syncDirectory(changed);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

function livesElsewhere({ pid, began }: Readonly<Record<string, string>>): boolean {
  return Number(pid) !== process.pid && String(startTimeOf(Number(pid)) ?? 0) === began;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
