import { createHash } from 'node:crypto';
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, type Stored } from './checkpoint.ts';
import type { StoreFiles } from './store-files.ts';

/** Bytes, and how many checkpoints, that one work tree may have; the oldest go first. */
export type StoreLimits = Readonly<{ bytesMax: number; checkpointsMax: number }>;

export const STORE_LIMITS: StoreLimits = Object.freeze({ bytesMax: 5_000_000_000, checkpointsMax: 200 });

/** The checkpoints of one work tree, outside of it. Ids sort by time. */
export interface CheckpointStore {
  /** The ids, oldest first. */
  ids(): Promise<readonly string[]>;
  get(id: string): Promise<Checkpoint | null>;
  newest(): Promise<Checkpoint | null>;
  addPack(id: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  removePack(id: string): Promise<void>;
  /** Keeps a checkpoint whose packs are there, and lets go of the oldest when there is too much. */
  add(checkpoint: Checkpoint): Promise<void>;
  /** The bytes of a file. Throws when they are not what they were. */
  bytes(stored: Stored): Promise<Uint8Array>;
}

const CHECKPOINTS = 'checkpoints';
const PACKS = 'packs';
/** Which packs a checkpoint needs, as JSON, so that tidying does not read checkpoints. */
const NEEDS = 'needs';
const EMPTY = new Uint8Array();

export function checkpointStore(files: StoreFiles, limits: StoreLimits = STORE_LIMITS): CheckpointStore {
  let newest: Checkpoint | null = null;
  const ids = async () => (await files.names(CHECKPOINTS)).map((name) => name.replace(/\.json$/, '')).toSorted();
  const get = async (id: string) => {
    if (newest?.id === id) return newest;
    const bytes = await files.read(CHECKPOINTS, `${id}.json`);
    return bytes === null ? null : decodeCheckpoint(bytes);
  };
  return {
    ids,
    get,
    async newest() {
      const id = (await ids()).at(-1);
      if (id === undefined) return null;
      newest = await get(id);
      return newest;
    },
    addPack: (id, content) => files.create(PACKS, id, content),
    removePack: (id) => files.remove(PACKS, id),
    async add(checkpoint) {
      const needs = Buffer.from(JSON.stringify(packsOf(checkpoint)));
      await files.create(NEEDS, `${checkpoint.id}.json`, [needs]);
      await files.create(CHECKPOINTS, `${checkpoint.id}.json`, encodeCheckpoint(checkpoint));
      newest = checkpoint;
      await tidy(files, limits, await ids());
    },
    async bytes({ hash, pack, offset, length }) {
      const bytes = length === 0 ? EMPTY : await files.readPart(PACKS, pack, offset, length);
      const found = createHash('sha256').update(bytes).digest('hex');
      if (found === hash) return bytes;
      throw new Error(`Expected the kept bytes ${hash}, got ${found}: the store of checkpoints is damaged`);
    },
  };
}

/** Drops the oldest checkpoints while there are too many or too much, and packs that none needs any more. The newest stays. */
async function tidy(files: StoreFiles, limits: StoreLimits, ids: readonly string[]): Promise<void> {
  const needs = new Map<string, readonly string[]>();
  for (const id of ids) needs.set(id, needsIn(await files.read(NEEDS, `${id}.json`)));
  const sizes = new Map<string, number>();
  for (const pack of new Set([...needs.values()].flat())) sizes.set(pack, await files.size(PACKS, pack));
  const left = [...ids];
  const bytes = () =>
    [...new Set(left.flatMap((id) => needs.get(id) ?? []))].reduce((sum, pack) => sum + (sizes.get(pack) ?? 0), 0);
  while (left.length > 1 && (left.length > limits.checkpointsMax || bytes() > limits.bytesMax)) {
    const oldest = left.shift();
    await files.remove(CHECKPOINTS, `${oldest}.json`);
    await files.remove(NEEDS, `${oldest}.json`);
  }
  const needed = new Set(left.flatMap((id) => needs.get(id) ?? []));
  const newest = left.at(-1) ?? '';
  // A pack that is younger than the newest checkpoint belongs to one that is being made.
  for (const pack of await files.names(PACKS)) if (!needed.has(pack) && pack <= newest) await files.remove(PACKS, pack);
}

function packsOf({ kept }: Checkpoint): readonly string[] {
  const packs = new Set<string>();
  for (const one of kept.values()) if (one.type === 'file' && one.stored.length > 0) packs.add(one.stored.pack);
  return [...packs];
}

function needsIn(bytes: Uint8Array | null): readonly string[] {
  try {
    const packs: unknown = JSON.parse(Buffer.from(bytes ?? EMPTY).toString('utf8'));
    return Array.isArray(packs) ? packs.filter((pack) => typeof pack === 'string') : [];
  } catch {
    return [];
  }
}
