import type { TaskOutcome } from '../protocol/outcomes.ts';
import type { Book, TaskRecord } from './book.ts';
import { orderOf } from './ordering.ts';
import { tell } from './telling.ts';

/** What keeps the state of work trees before tasks change them, and after. One for each tree of sessions. */
export type Protection = {
  /** By the task of the root and the directory: the checkpoint before its first change. */
  readonly before: Map<string, Promise<string | null>>;
  /** Checkpoints that are being taken after tasks: the next change waits for them, and so does a close. */
  after: Promise<unknown>;
};

export function createProtection(): Protection {
  return { before: new Map(), after: Promise.resolve() };
}

/** Resolves when the state before the first change of a task is kept, or cannot be; at once for its later ones. */
export async function protect(book: Book, { order }: TaskRecord, signal: AbortSignal): Promise<void> {
  const { protection } = book.world;
  if (protection === null || signal.aborted) return;
  const root = rootOf(book);
  const taskId = taskOfRoot(book, root, order.taskId);
  const key = keyOf(taskId, order.context.cwd);
  const known = protection.before.get(key);
  const before = known ?? protection.after.then(() => snapshot(root, order.context.cwd, { moment: 'before', taskId }));
  if (known === undefined) protection.before.set(key, before);
  await Promise.race([before, aborted(signal)]);
}

/** Resolves when what tasks have left is kept. */
export async function changesKept({ world }: Book, signal: AbortSignal): Promise<void> {
  if (world.protection !== null && !signal.aborted) await Promise.race([world.protection.after, aborted(signal)]);
}

/**
 * How far the time of change of a file may lie behind the clock, in ms: kernels stamp files with the time of their last tick, of which
 * there are 100 a second or more.
 */
const FILE_TIME_LAG_MS = 10;

/** Resolves when what a task has changed can be told by its time from what is changed after its end; null when it has changed nothing. */
export function lastChangePast(book: Book, { order }: TaskRecord): Promise<void> | null {
  const { protection, clock } = book.world;
  if (protection === null || book.parent !== null) return null;
  const hasChanged = [...protection.before.keys()].some((key) => partsOf(key)[0] === order.taskId);
  return hasChanged ? new Promise((resolve) => clock.setTimeout(resolve, FILE_TIME_LAG_MS)) : null;
}

/** A task of the root has ended: if it has changed something, the state that it has left is kept. */
export function afterTask(book: Book, { order }: TaskRecord): void {
  const { protection } = book.world;
  if (protection === null || protection.before.size === 0 || book.parent !== null) return;
  for (const [key, before] of protection.before) {
    const [taskId, cwd] = partsOf(key);
    if (taskId !== order.taskId) continue;
    protection.before.delete(key);
    const endedAtMs = book.world.clock.now() - FILE_TIME_LAG_MS;
    const taken = before.then((changeId) =>
      changeId === null ? null : snapshot(book, cwd, { moment: 'after', changeId, endedAtMs }),
    );
    protection.after = Promise.all([protection.after, taken]);
  }
}

type Moment = { moment: 'before'; taskId: string } | { moment: 'after'; changeId: string; endedAtMs: number };

/** Takes a checkpoint by a task beside the others; gives its id, or null when none was kept. */
function snapshot(book: Book, cwd: string, input: Moment): Promise<string | null> {
  const { world } = book;
  const order = orderOf(world, 'ghost-snapshot', input, { ...book.settings.context, cwd });
  return new Promise((resolve) => {
    world.listeners.set(order.taskId, {
      disposed({ disposition }) {
        if (disposition === 'rejected') resolve(null);
      },
      decided: (outcome) => resolve(checkpointIn(outcome)),
      ended: () => {},
    });
    if (!tell(book, { type: 'op.start', order, at: world.clock.now() })) resolve(null);
  });
}

function checkpointIn(outcome: TaskOutcome): string | null {
  const { checkpointId = null } = { ...outcome } as { checkpointId?: string | null }; // What the kind gives.
  return checkpointId;
}

/** The task of the root on whose behalf a task works: the one that has opened its session, or started its agent. */
function taskOfRoot(book: Book, root: Book, taskId: string): string {
  const own = book === root ? taskId : (book.path[root.path.length]?.taskId ?? taskId);
  const owner = root.tasks.get(own)?.order.owner;
  return owner !== undefined && root.tasks.get(owner)?.revoked === false ? owner : own;
}

function rootOf(book: Book): Book {
  let root = book;
  while (root.parent !== null) root = root.parent;
  return root;
}

function keyOf(taskId: string, cwd: string): string {
  return `${taskId}\0${cwd}`;
}

function partsOf(key: string): [string, string] {
  const at = key.indexOf('\0');
  return [key.slice(0, at), key.slice(at + 1)];
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
