import { createHash } from 'node:crypto';
import type { Checkpoint, Kept } from './checkpoint.ts';
import { type RawPath, readablePath, type WorkTree } from './work-tree.ts';

/** What an undo does with one path. `restore` brings back what was there, `remove` takes away what was not. */
export type UndoStep =
  | Readonly<{ action: 'restore'; path: RawPath; to: Kept }>
  | Readonly<{ action: 'remove'; path: RawPath }>
  /** It is no longer as the task left it: somebody has changed it since. It stays as it is. */
  | Readonly<{ action: 'conflict'; path: RawPath; to: Kept | null }>;

export type UndoPlan = Readonly<{
  steps: readonly UndoStep[];
  /** Directories that the task has made, the deepest first: they go when they are empty. */
  made: readonly RawPath[];
  /** Directories that were there, with their modes: they are made again where they are missing. */
  former: ReadonlyMap<RawPath, number>;
}>;

/**
 * What takes a work tree from `after`, as a task left it, back to `before`, as it found it: path by path, three ways. What
 * the task has not changed is no concern of it, and what was changed since then is a conflict; so is what `after` has seen, but was
 * changed later than `endedAtMs`, ms since 1970.
 */
export async function planUndo(
  tree: WorkTree,
  before: Checkpoint,
  after: Checkpoint,
  endedAtMs: number | null,
): Promise<UndoPlan> {
  const steps: UndoStep[] = [];
  for (const path of [...new Set([...before.kept.keys(), ...after.kept.keys()])].toSorted()) {
    await tree.breathe();
    const to = before.kept.get(path) ?? null;
    const from = after.kept.get(path) ?? null;
    if (isSame(to, from)) continue;
    // What one of them did not look at was not changed by the task as far as anybody knows.
    if (isLeftOut(before, path) || isLeftOut(after, path)) continue;
    const now = stateOf(tree, path);
    if (isSame(now, to)) continue;
    if (!isSame(now, from) || isLater(from, endedAtMs)) steps.push({ action: 'conflict', path, to });
    else steps.push(to === null ? { action: 'remove', path } : { action: 'restore', path, to });
  }
  const made = [...after.directories.keys()].filter((path) => !before.directories.has(path));
  return { steps, made: made.toSorted().toReversed(), former: before.directories };
}

/** What can be compared of what is somewhere: null when there is nothing, 'other' for what no checkpoint keeps. */
type State = Kept | Readonly<{ type: 'other' }> | null;

function stateOf(tree: WorkTree, path: RawPath): State {
  try {
    return readableStateOf(tree, path);
  } catch {
    return { type: 'other' }; // What cannot be looked at is not as the task left it.
  }
}

function readableStateOf(tree: WorkTree, path: RawPath): State {
  const entry = tree.look(path);
  switch (entry?.type) {
    // A directory is nothing of its own: what is in it has paths of its own.
    case undefined:
    case 'directory':
      return null;
    case 'file': {
      const hash = createHash('sha256').update(tree.read(path)).digest('hex');
      return { type: 'file', mode: entry.mode, stored: { hash, pack: '', offset: 0, length: entry.size }, stamp: null };
    }
    case 'link':
      return { type: 'link', target: tree.target(path) };
    default:
      return { type: 'other' };
  }
}

function isSame(one: State, other: State): boolean {
  if (one === null || other === null) return one === other;
  if (one.type === 'file')
    return other.type === 'file' && one.mode === other.mode && one.stored.hash === other.stored.hash;
  return one.type === 'link' && other.type === 'link' && one.target === other.target;
}

function isLater(kept: Kept | null, ms: number | null): boolean {
  return kept?.type === 'file' && kept.stamp !== null && ms !== null && kept.stamp.changedMs > ms;
}

function isLeftOut({ leftOut }: Checkpoint, path: RawPath): boolean {
  return leftOut.some(
    (one) => one.path === path || (one.why === 'many-files' && path.startsWith(one.path === '' ? '' : `${one.path}/`)),
  );
}

/** A plan for people: what would come back, what would go, and what would stay because it was changed since. */
export function planLines({ steps }: UndoPlan): readonly string[] {
  const words = { restore: 'restore', remove: 'remove', conflict: 'keep (changed since)' };
  return steps.map(({ action, path }) => `${words[action]} ${readablePath(path)}`);
}
