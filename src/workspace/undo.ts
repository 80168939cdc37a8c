import { messageOf } from '../protocol/errors.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { UndoPlan, UndoStep } from './plan-undo.ts';
import { parentPath, type RawPath, type WorkTree } from './work-tree.ts';

/** What became of one path. `kept`: where the former state of a conflicting path was put, for a person to compare. */
export type Undone =
  | Readonly<{ path: RawPath; result: 'restored' | 'removed' }>
  | Readonly<{ path: RawPath; result: 'conflict'; former: Uint8Array | null }>
  | Readonly<{ path: RawPath; result: 'failed'; message: string }>;

/**
 * Carries out a plan, path by path: one that fails does not keep the others from it. What is to come back is read, and
 * found to be what it was, before anything at its place is touched. Stops between two paths when `signal` aborts.
 */
export async function carryOutUndo(
  tree: WorkTree,
  store: CheckpointStore,
  { steps, made, former }: UndoPlan,
  signal: AbortSignal,
): Promise<readonly Undone[]> {
  const done: Undone[] = [];
  // What is in the way of something else goes first.
  const inOrder = [
    ...steps.filter(({ action }) => action === 'remove'),
    ...steps.filter(({ action }) => action !== 'remove'),
  ];
  for (const step of inOrder) {
    if (signal.aborted) break;
    await tree.breathe();
    done.push(await carryOut(tree, store, step, former));
    if (step.action === 'remove') removeEmpty(tree, made, step.path);
  }
  for (const directory of made) if (!signal.aborted) tryTo(() => tree.removeDirectory(directory));
  for (const [directory, mode] of former)
    if (!signal.aborted && tree.look(directory) === null) tryTo(() => tree.makeDirectory(directory, mode));
  return done;
}

async function carryOut(
  tree: WorkTree,
  store: CheckpointStore,
  step: UndoStep,
  former: UndoPlan['former'],
): Promise<Undone> {
  const { path } = step;
  try {
    switch (step.action) {
      case 'remove':
        tree.remove(path);
        return { path, result: 'removed' };
      case 'restore': {
        const bytes = step.to.type === 'file' ? await store.bytes(step.to.stored) : null;
        makeParents(tree, path, former);
        if (step.to.type === 'link') {
          if (tree.look(path) !== null) tree.remove(path);
          tree.link(path, step.to.target);
        } else tree.write(path, bytes ?? new Uint8Array(), step.to.mode);
        return { path, result: 'restored' };
      }
      case 'conflict':
        return {
          path,
          result: 'conflict',
          former: step.to?.type === 'file' ? await store.bytes(step.to.stored) : null,
        };
      default:
        return step satisfies never;
    }
  } catch (error) {
    return { path, result: 'failed', message: messageOf(error) };
  }
}

const DIRECTORY_MODE = 0o777;

function makeParents(tree: WorkTree, path: RawPath, former: UndoPlan['former']): void {
  const missing: RawPath[] = [];
  for (let at = parentPath(path); at !== '' && tree.look(at) === null; at = parentPath(at)) missing.unshift(at);
  for (const directory of missing) tree.makeDirectory(directory, former.get(directory) ?? DIRECTORY_MODE);
}

/** Directories that the task made go as soon as they are empty: something that was there before may take their place. */
function removeEmpty(tree: WorkTree, made: readonly RawPath[], removed: RawPath): void {
  for (let at = parentPath(removed); at !== '' && made.includes(at); at = parentPath(at)) {
    if (!tryTo(() => tree.removeDirectory(at))) return;
  }
}

function tryTo(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false; // Something else is in it by now, and stays.
  }
}
