import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { hasCode, messageOf } from '../protocol/errors.ts';
import { effectiveUser } from './effective-user.ts';

/** How many bytes the file may have, and how many folders it remembers; the oldest are forgotten, and asked about again. */
export const TRUSTED_FOLDERS_MAX_BYTES = 1_048_576;
export const TRUSTED_FOLDERS_MAX = 1_000;

/** A folder as the system knows it: where it really is, and which one it is. */
export type Folder = Readonly<{ path: string; device: string; inode: string }>;
/** What a person has said of a folder; `unknown` when that is nothing, or nothing that can be read. */
export type Trust = 'trusted' | 'not-trusted' | 'unknown';
export type FolderAnswer = Readonly<{ folder: Folder; trust: Trust; problem: string | null }>;

/** Which folders a person trusts. What a folder holds has no say in it. */
export interface FolderTrust {
  readonly location: string;
  /** Looks a folder up. A file that is broken counts as none, and says so. Rejects only where there is no such folder. */
  of(directory: string): Promise<FolderAnswer>;
  /** Remembers what was said; gives in words for people why not, or null. Never rejects. */
  remember(folder: Folder, isTrusted: boolean): Promise<string | null>;
}

/**
 * Folders in `<home>/trusted-folders.json`, for nobody but their owner. A folder is known if its real path, device and
 * inode are those that were remembered: one in its place is another one, and so is one that took its inode.
 */
export function folderTrust(home: string, now: () => string = () => new Date().toISOString()): FolderTrust {
  const location = join(home, 'trusted-folders.json');
  return {
    location,
    async of(directory) {
      const folder = await folderAt(directory);
      const file = await readTrustFile(home, location);
      if (file.status === 'broken') return { folder, trust: 'unknown', problem: file.why };
      const known = file.content.folders.findLast((one) => isSame(one, folder));
      const trust = known === undefined ? 'unknown' : known.trusted ? 'trusted' : 'not-trusted';
      return { folder, trust, problem: null };
    },
    async remember(folder, isTrusted) {
      const file = await readTrustFile(home, location);
      if (file.status === 'broken') return file.why;
      const others = file.content.folders.filter((one) => one.path !== folder.path && !isSameInode(one, folder));
      const entry = { ...folder, trusted: isTrusted, decidedAt: now() };
      const folders = [...others, entry].slice(-TRUSTED_FOLDERS_MAX);
      try {
        await mkdir(home, { recursive: true, mode: DIRECTORY_MODE });
        await replace(home, location, `${JSON.stringify({ ...file.content, folders }, null, 2)}\n`);
        return null;
      } catch (error) {
        return `It could not be written to ${location}, so it is asked again next time: ${messageOf(error)}`;
      }
    },
  };
}

/**
 * The work tree that a directory is in: the nearest one above or at it that holds `.git`, which is not read. It goes no
 * further up than below the user's home, so that nobody trusts all of that by trusting one thing in it.
 */
export async function workTreeOf(directory: string): Promise<string> {
  const start = await realpath(directory);
  const home = await realpath(homedir()).catch(() => homedir());
  for (let at = start; at !== home && dirname(at) !== at; at = dirname(at)) {
    const holdsGit = await lstat(join(at, '.git')).then(
      () => true,
      () => false,
    );
    if (holdsGit) return at;
  }
  return start;
}

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const WRITABLE_BY_OTHERS = 0o022;

const trustFile = z.looseObject({
  folders: z
    .array(z.looseObject({ path: z.string(), device: z.string(), inode: z.string(), trusted: z.boolean() }))
    .default([]),
});

type TrustFile =
  | Readonly<{ status: 'read'; content: z.infer<typeof trustFile> }>
  | Readonly<{ status: 'broken'; why: string }>;

async function folderAt(directory: string): Promise<Folder> {
  const path = await realpath(directory);
  const { dev, ino } = await stat(path, { bigint: true });
  return { path, device: String(dev), inode: String(ino) };
}

function isSame(one: Folder, other: Folder): boolean {
  return one.path === other.path && isSameInode(one, other);
}

function isSameInode(one: Folder, other: Folder): boolean {
  return one.device === other.device && one.inode === other.inode;
}

async function readTrustFile(home: string, location: string): Promise<TrustFile> {
  try {
    const text = await textOf(home, location);
    const parsed = trustFile.safeParse(text === null ? {} : JSON.parse(text));
    if (parsed.success) return { status: 'read', content: parsed.data };
    const [first] = parsed.error.issues;
    return broken(location, `${first?.path.join('.')}: ${first?.message}.`);
  } catch (error) {
    return broken(location, messageOf(error));
  }
}

function broken(location: string, what: string): TrustFile {
  const mend = 'Mend the file, or remove it; it is not written over.';
  return { status: 'broken', why: `What ${location} says of trusted folders does not count: ${what} ${mend}` };
}

/** Null when there is none. Refuses a file, and a place, that somebody else could have written to. */
async function textOf(home: string, location: string): Promise<string | null> {
  const place = await stat(home).catch(absent);
  if (place === null) return null;
  if (!place.isDirectory()) throw new Error(`Expected ${home} to be a directory, got something else.`);
  refuseOthers(place, home);
  const file = await open(location, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(absent);
  if (file === null) return null;
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error('Expected a file, got something else.');
    refuseOthers(stats, location);
    const { size } = stats;
    if (size > TRUSTED_FOLDERS_MAX_BYTES)
      throw new Error(`Expected at most ${TRUSTED_FOLDERS_MAX_BYTES} bytes, got ${size}.`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function refuseOthers({ uid, mode }: Readonly<{ uid: number; mode: number }>, path: string): void {
  const user = effectiveUser(uid);
  if (uid !== user) throw new Error(`Expected ${path} to belong to who runs this (${user}), got user ${uid}.`);
  if ((mode & WRITABLE_BY_OTHERS) === 0) return;
  throw new Error(`Expected that only its owner may write to ${path}. Try: chmod go-w '${path}'.`);
}

/** All of it or nothing, whenever the process is cut. */
async function replace(home: string, location: string, text: string): Promise<void> {
  const beside = join(home, `.trusted-folders-${randomBytes(8).toString('hex')}.tmp`);
  try {
    const file = await open(beside, 'wx', FILE_MODE);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(beside, location);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

function absent(error: unknown): null {
  if (hasCode(error, 'ENOENT')) return null;
  throw error;
}
