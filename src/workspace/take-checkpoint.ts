import { createHash } from 'node:crypto';
import { messageOf } from '../protocol/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Checkpoint, Kept, Stored } from './checkpoint.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { type CheckpointLimits, type Found, type LeftOut, scan } from './scan.ts';
import { type ChangedAt, isSameStamp, type Stamp } from './stamp.ts';
import { type RawPath, readablePath, type WorkTree } from './work-tree.ts';

/** What making a checkpoint came to. Expected failures are values: none of them is a reason for a task to fail. */
export type Taken =
  | Readonly<{ ok: true; checkpoint: Checkpoint; bytesAdded: number }>
  | Readonly<{ ok: false; why: 'too-large' | 'too-slow' | 'too-many-files' | 'aborted' | 'not-kept'; message: string }>;

export type TakeOptions = Readonly<{
  id: string;
  tree: WorkTree;
  store: CheckpointStore;
  clock: Clock;
  time: string;
  /** What git tracks; null where there is no git. */
  tracked: ReadonlySet<RawPath> | null;
  limits: CheckpointLimits;
  signal: AbortSignal;
}>;

/**
 * Takes a checkpoint: what has not changed since the newest one (by its stamp) is not read again, and bytes that are kept
 * already are not kept twice. The work tree is only read.
 */
export async function takeCheckpoint(options: TakeOptions): Promise<Taken> {
  const { id, tree, store, clock, time, tracked, limits, signal } = options;
  const endsAt = clock.now() + limits.durationMaxMs;
  const found = await scan(tree, tracked, limits, signal);
  if (found === null) return STOPPED;
  if (found.files.length > limits.filesMax) {
    return failed(
      'too-many-files',
      `Expected at most ${limits.filesMax} files in ${tree.root}, got ${found.files.length}.`,
    );
  }
  const total = found.files.reduce((sum, { entry }) => sum + (entry.type === 'file' ? entry.size : 0), 0);
  if (total > limits.totalMaxBytes) {
    const words = `Expected at most ${limits.totalMaxBytes} bytes in ${tree.root}, got ${total}. Ignore what need not come back (.gitignore), or raise the limit.`;
    return failed('too-large', words);
  }
  const before = await store.newest();
  const kept = new Map<RawPath, Kept>();
  const changed: Found[] = [];
  for (const one of found.files) {
    const turn = tree.breathe();
    if (turn !== null) await turn;
    const unchanged = unchangedSince(one.entry, before?.kept.get(one.path));
    if (unchanged === null) changed.push(one);
    else kept.set(one.path, unchanged);
  }
  const leftOut: LeftOut[] = [...found.leftOut];
  const pack = newPack(id, before);
  const stopped = { why: null as Extract<Taken, { ok: false }> | null };

  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    for (const { path, entry } of changed) {
      await tree.breathe();
      if (signal.aborted) stopped.why = STOPPED;
      else if (clock.now() > endsAt) stopped.why = failed('too-slow', tooSlow(tree, limits));
      if (stopped.why !== null) return;
      try {
        if (entry.type === 'link') {
          kept.set(path, { type: 'link', target: tree.target(path) });
          continue;
        }
        const content = tree.read(path);
        const { stored, fresh } = pack.add(content);
        kept.set(path, { type: 'file', mode: entry.mode, stored, stamp: stampToKeep(entry) });
        if (fresh) yield content;
      } catch {
        leftOut.push({ path, why: 'unreadable' });
      }
    }
  };

  if (clock.now() > endsAt) return failed('too-slow', tooSlow(tree, limits));
  try {
    if (changed.length > 0) await store.addPack(id, bytes());
  } catch (error) {
    return failed('not-kept', `The checkpoint of ${readablePath(tree.root)} could not be kept: ${messageOf(error)}.`);
  }
  const bytesAdded = pack.length();
  if (stopped.why !== null || (changed.length > 0 && bytesAdded === 0)) await store.removePack(id);
  if (stopped.why !== null) return stopped.why;
  const checkpoint: Checkpoint = { id, time, root: tree.root, kept, directories: found.directories, leftOut };
  await store.add(checkpoint);
  return { ok: true, checkpoint, bytesAdded };
}

const STOPPED: Extract<Taken, { ok: false }> = {
  ok: false,
  why: 'aborted',
  message: 'The checkpoint was stopped.',
};

function stampToKeep({ warm, stamp }: Extract<Found['entry'], { type: 'file' }>): Stamp | ChangedAt {
  return warm ? { changedMs: stamp.changedMs } : stamp;
}

function unchangedSince(entry: Found['entry'], known: Kept | undefined): Kept | null {
  if (entry.type !== 'file' || known?.type !== 'file' || known.stamp === null) return null;
  if (!('inode' in known.stamp) || !isSameStamp(known.stamp, entry.stamp)) return null;
  return known.mode === entry.mode ? known : { ...known, mode: entry.mode };
}

/** The pack that is being written, and what is in others already, by hash. */
function newPack(id: string, before: Checkpoint | null) {
  let known: Map<string, Stored> | null = null;
  let offset = 0;
  return {
    add(content: Uint8Array): { stored: Stored; fresh: boolean } {
      const hash = createHash('sha256').update(content).digest('hex');
      known ??= storedIn(before);
      const there = known.get(hash);
      if (there !== undefined) return { stored: there, fresh: false };
      const stored = { hash, pack: id, offset, length: content.length };
      known.set(hash, stored);
      offset += content.length;
      return { stored, fresh: content.length > 0 };
    },
    length: () => offset,
  };
}

function storedIn(checkpoint: Checkpoint | null): Map<string, Stored> {
  const known = new Map<string, Stored>();
  for (const one of checkpoint?.kept.values() ?? []) if (one.type === 'file') known.set(one.stored.hash, one.stored);
  return known;
}

function tooSlow({ root }: WorkTree, { durationMaxMs }: CheckpointLimits): string {
  return `Expected a checkpoint of ${root} within ${durationMaxMs} ms, and it was not done by then. Ignore what need not come back (.gitignore), or raise the limit.`;
}

function failed(why: Extract<Taken, { ok: false }>['why'], message: string): Extract<Taken, { ok: false }> {
  return { ok: false, why, message };
}
