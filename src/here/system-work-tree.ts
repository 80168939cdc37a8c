import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hasCode } from '../protocol/errors.ts';
import type { Entry, RawPath, WorkTree } from '../workspace/work-tree.ts';
import { parentPath } from '../workspace/work-tree.ts';

/** What changed so shortly before it was looked at may change again within the same tick of the file system's clock, in ms. */
const WARM_MS = 2_000;
/** How long the others may wait, in ms. */
const SLICE_MS = 8;

const MODE_BITS = 0o7777;
/** A FIFO would wait for a writer, a link would be followed. */
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The work tree at a directory of this machine. */
export function systemWorkTree(directory: string): WorkTree {
  const root = realpathSync(directory);
  const { dev, ino } = lstatSync(root, { bigint: true });
  let sliceBegan = performance.now();
  let written = 0;
  let lookedAtMs = 0;
  /** What was cold a moment ago is so now: the time is asked for again only where that does not decide it. */
  const isWarm = (changedMs: number): boolean => changedMs > lookedAtMs - WARM_MS && changedMs > Date.now() - WARM_MS;
  /** The path for the system; throws when a directory on the way is a link by now. */
  const at = (path: RawPath): Buffer => {
    const parent = parentPath(path);
    const above = placeOf(root, parent);
    if (parent !== '' && !realpathSync.native(above, { encoding: 'buffer' }).equals(above)) {
      throw Object.assign(new Error('a directory above it has become a link'), { code: 'ELOOP' });
    }
    return placeOf(root, path);
  };
  return {
    root,
    identity: `${dev}:${ino}`,
    names(path) {
      lookedAtMs = Date.now();
      return readdirSync(textOf(root, path), { encoding: 'latin1' });
    },
    look(path) {
      const stats = statsOf(textOf(root, path));
      return stats === null ? null : entryOf(stats, isWarm);
    },
    read(path) {
      const file = openSync(at(path), READ);
      try {
        if (!fstatSync(file).isFile()) throw Object.assign(new Error('it is no file'), { code: 'EINVAL' });
        return readFileSync(file);
      } finally {
        closeSync(file);
      }
    },
    target: (path) => readlinkSync(at(path), { encoding: 'buffer' }).toString('latin1'),
    write(path, bytes, mode) {
      const place = at(path);
      written += 1;
      const beside = Buffer.concat([place, Buffer.from(`.troupe-${process.pid}-${written}`)]);
      try {
        writeFileSync(beside, bytes, { flag: 'wx', mode: 0o600, flush: true });
        chmodSync(beside, mode);
        renameSync(beside, place);
      } catch (error) {
        unlinkIfThere(beside);
        throw error;
      }
    },
    link: (path, target) => symlinkSync(Buffer.from(target, 'latin1'), at(path)),
    setMode: (path, mode) => chmodSync(at(path), mode),
    remove: (path) => unlinkSync(at(path)),
    makeDirectory: (path, mode) => mkdirSync(at(path), { mode }),
    removeDirectory: (path) => rmdirSync(at(path)),
    breathe() {
      if (performance.now() - sliceBegan < SLICE_MS) return null;
      return new Promise((resolve) =>
        setImmediate(() => {
          sliceBegan = performance.now();
          resolve();
        }),
      );
    },
  };
}

function placeOf(root: string, path: RawPath): Buffer {
  return path === '' ? Buffer.from(root) : Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
}

/** The same as text where it is plain: there are very many paths, and text is quicker. */
function textOf(root: string, path: RawPath): Buffer | string {
  return PLAIN.test(path) ? (path === '' ? root : `${root}/${path}`) : placeOf(root, path);
}

/** Without a character that is another byte, or several, in a name of the system. */
const PLAIN = /^[ -~]*$/;

function statsOf(path: Buffer | string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    // Where a part of the path is a file or a circle of links, there is nothing.
    if (hasCode(error, 'ENOTDIR', 'ELOOP')) return null;
    throw error;
  }
}

function entryOf({ mode, ino, size, mtimeMs, ctimeMs }: Stats, isWarm: (changedMs: number) => boolean): Entry {
  const type = mode & constants.S_IFMT;
  if (type === constants.S_IFLNK) return { type: 'link' };
  if (type === constants.S_IFDIR) return { type: 'directory', mode: mode & MODE_BITS };
  if (type !== constants.S_IFREG) return { type: 'other' };
  const stamp = { inode: ino, size, modifiedMs: mtimeMs, changedMs: ctimeMs, text: null };
  return { type: 'file', mode: mode & MODE_BITS, size, stamp, warm: isWarm(Math.max(mtimeMs, ctimeMs)) };
}

function unlinkIfThere(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch {
    // It was not made.
  }
}
