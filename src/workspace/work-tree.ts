import type { Stamp } from './stamp.ts';

/** A path relative to the root of a work tree, each character one byte (latin1), so that names that are no UTF-8 survive. '' is the root. */
export type RawPath = string;

/** What is at a path. `stamp` differs when what is there may have changed; a file that changed just now is `warm`: it may change again under the same stamp. */
export type Entry =
  | Readonly<{ type: 'file'; mode: number; size: number; stamp: Stamp; warm: boolean }>
  | Readonly<{ type: 'link' }>
  | Readonly<{ type: 'directory'; mode: number }>
  /** A FIFO, a socket, a device: never opened. */
  | Readonly<{ type: 'other' }>;

/**
 * A work tree as checkpoints need it. No link is followed, not in the middle of a path either, and nothing but regular files is
 * opened. Calls are synchronous because there are very many; whoever makes them lets others go on with `breathe`. Failures
 * are thrown with a `code` as Node's have.
 */
export interface WorkTree {
  /** The real path of the root. */
  readonly root: string;
  /** Which directory that is, whatever it is called. */
  readonly identity: string;
  names(directory: RawPath): readonly string[];
  look(path: RawPath): Entry | null;
  read(path: RawPath): Uint8Array;
  target(link: RawPath): string;
  /** Writes beside and renames. */
  write(path: RawPath, bytes: Uint8Array, mode: number): void;
  link(path: RawPath, target: string): void;
  setMode(path: RawPath, mode: number): void;
  remove(path: RawPath): void;
  makeDirectory(path: RawPath, mode: number): void;
  removeDirectory(path: RawPath): void;
  /** Null, or, when others have waited for long, what resolves after they had their turn. */
  breathe(): Promise<void> | null;
}

/** A raw path as people read it. */
export function readablePath(path: RawPath): string {
  return Buffer.from(path, 'latin1').toString('utf8').toWellFormed();
}

export function childPath(directory: RawPath, name: string): RawPath {
  return directory === '' ? name : `${directory}/${name}`;
}

export function parentPath(path: RawPath): RawPath {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
}
