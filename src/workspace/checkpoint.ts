import * as z from 'zod';
import type { LeftOut } from './scan.ts';
import { type ChangedAt, type Stamp, stampOf, stampText } from './stamp.ts';
import type { RawPath } from './work-tree.ts';

/** Where the bytes of a file are kept: part of a pack. `hash` is their SHA-256, in hex. */
export type Stored = Readonly<{ hash: string; pack: string; offset: number; length: number }>;

/**
 * What was at a path. A file that had changed just before has no stamp, because it may have changed again under the same one, but the
 * time of its change.
 */
export type Kept =
  | Readonly<{ type: 'file'; mode: number; stored: Stored; stamp: Stamp | ChangedAt | null }>
  | Readonly<{ type: 'link'; target: string }>;

/** The state of a work tree at one moment. Paths are raw (see `RawPath`). */
export type Checkpoint = Readonly<{
  id: string;
  /** ISO 8601, UTC. */
  time: string;
  root: string;
  kept: ReadonlyMap<RawPath, Kept>;
  directories: ReadonlyMap<RawPath, number>;
  leftOut: readonly LeftOut[];
}>;

export const CHECKPOINT_VERSION = 1;

const file = z.tuple([
  z.string(),
  z.literal('f'),
  z.int(),
  z.string(),
  z.string(),
  z.int(),
  z.int(),
  z.union([z.string(), z.number()]).nullable(),
]);
const link = z.tuple([z.string(), z.literal('l'), z.string()]);
const manifest = z.object({
  v: z.literal(CHECKPOINT_VERSION),
  id: z.string(),
  time: z.string(),
  root: z.string(),
  kept: z.array(z.union([file, link])),
  directories: z.array(z.tuple([z.string(), z.int()])),
  leftOut: z.array(
    z.object({ path: z.string(), why: z.enum(['large-file', 'many-files', 'not-a-file', 'unreadable']) }),
  ),
});

/** Rows that are put into words at once: others have their turn in between, as far as what is given is written meanwhile. */
const ROWS_AT_ONCE = 1_000;

/** A checkpoint as it is written, in pieces: JSON, an entry a row. */
export function* encodeCheckpoint(checkpoint: Checkpoint): Generator<Uint8Array> {
  const { id, time, root, kept, directories, leftOut } = checkpoint;
  yield Buffer.from(`${JSON.stringify({ v: CHECKPOINT_VERSION, id, time, root }).slice(0, -1)},"kept":[`);
  let rows: unknown[] = [];
  let comma = '';
  for (const [path, one] of kept) {
    rows.push(rowOf(path, one));
    if (rows.length < ROWS_AT_ONCE) continue;
    yield Buffer.from(`${comma}${JSON.stringify(rows).slice(1, -1)}`);
    rows = [];
    comma = ',';
  }
  if (rows.length > 0) yield Buffer.from(`${comma}${JSON.stringify(rows).slice(1, -1)}`);
  yield Buffer.from(`],${JSON.stringify({ directories: [...directories], leftOut }).slice(1)}`);
}

function rowOf(path: RawPath, one: Kept): readonly unknown[] {
  if (one.type === 'link') return [path, 'l', one.target];
  const { mode, stored, stamp } = one;
  const { hash, pack, offset, length } = stored;
  return [path, 'f', mode, hash, pack, offset, length, stamp === null ? null : writtenStamp(stamp)];
}

/** The checkpoint that was written; null when that is none, or one of another version. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint | null {
  const parsed = manifest.safeParse(json(bytes));
  if (!parsed.success) return null;
  const { id, time, root, kept, directories, leftOut } = parsed.data;
  return {
    id,
    time,
    root,
    kept: new Map(kept.map((row): [RawPath, Kept] => [row[0], keptOf(row)])),
    directories: new Map(directories),
    leftOut,
  };
}

function keptOf(row: z.infer<typeof file> | z.infer<typeof link>): Kept {
  if (row[1] === 'l') return { type: 'link', target: row[2] };
  const [, , mode, hash, pack, offset, length, stamp] = row;
  return { type: 'file', mode, stored: { hash, pack, offset, length }, stamp: readStamp(stamp) };
}

function writtenStamp(stamp: Stamp | ChangedAt): string | number {
  return 'inode' in stamp ? stampText(stamp) : stamp.changedMs;
}

function readStamp(written: string | number | null): Stamp | ChangedAt | null {
  if (typeof written === 'number') return { changedMs: written };
  return written === null ? null : stampOf(written);
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return null;
  }
}
