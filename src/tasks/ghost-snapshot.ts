import * as z from 'zod';
import { ghostSnapshotWork } from '../../machines/ghost-snapshot.machine.ts';
import type { Item } from '../protocol/items.ts';
import type { LeftOut } from '../workspace/scan.ts';
import type { Taken } from '../workspace/take-checkpoint.ts';
import { readablePath } from '../workspace/work-tree.ts';
import { defineTask } from './define-task.ts';
import { inStages } from './in-stages.ts';
import type { SessionPorts } from './ports.ts';

const snapshotInput = z.union([
  /** A checkpoint that somebody has asked for. */
  z.object({ moment: z.literal('now') }),
  /**
   * Before the first change of a task, and after its last one: the change goes by the id of the first checkpoint. What files say has
   * changed in them after `endedAtMs`, ms since 1970, is not of the task.
   */
  z.object({ moment: z.literal('before'), taskId: z.string() }),
  z.object({ moment: z.literal('after'), changeId: z.string(), endedAtMs: z.number() }),
]);

type SnapshotInput = z.infer<typeof snapshotInput>;
type CheckpointItem = Extract<Item, { type: 'checkpoint' }>;
type Kept = {
  /** Nothing is ever kept here, which is no news for somebody who has not asked. */
  isUsual: boolean;

  item: CheckpointItem;
  why: string | null;
  files: number;
  bytesAdded: number;
  leftOut: readonly LeftOut[];
};
/** `checkpointId` is null when none was kept; then `why` says why. */
export type SnapshotData = { checkpointId: string | null; why: string | null; files: number; bytesAdded: number };

/** How many paths that were left out are named. */
const NAMED_MAX = 3;

/** The kind that keeps the state of the work tree. It never fails a task: what could not be kept is said. */
export const ghostSnapshot = defineTask<typeof snapshotInput, SnapshotData>({
  input: snapshotInput,
  description: 'Keeps the state of the work tree outside of it, beside whatever runs.',
  placement: 'beside',
  work: inStages(
    ghostSnapshotWork,
    async (input: SnapshotInput, ports, scope): Promise<Kept> => {
      const id = ports.nextItemId();
      const item: CheckpointItem = { id, type: 'checkpoint', status: 'in_progress' };
      ports.commit({ type: 'item.started', item });
      const nothing = { item, files: 0, bytesAdded: 0, leftOut: [], isUsual: false };
      const history = await ports.workHistory();
      if (!history.ok) return { ...nothing, why: history.why, isUsual: input.moment !== 'now' };
      const { sessionId } = scope.input.task;
      const taken =
        input.moment === 'after'
          ? await history.value.end(input, id, scope.signal)
          : await history.value.begin({ id, sessionId, ...ofTask(input, ports) }, scope.signal);
      if (taken === null) return { ...nothing, why: 'the change that it belongs to is not kept any more' };
      return keptOf(item, taken);
    },
    ({ item, why, files, bytesAdded, leftOut, isUsual }, ports): SnapshotData => {
      if (why === null) {
        ports.commit({ type: 'item.completed', item: { ...item, status: 'completed', checkpointId: item.id } });
        if (leftOut.length > 0)
          ports.commit({ type: 'warning.raised', code: 'checkpoint-left-out', message: leftOutWords(leftOut) });
        return { checkpointId: item.id, why, files, bytesAdded };
      }
      ports.commit({ type: 'item.completed', item: { ...item, status: 'failed' } });
      const message = `There is no checkpoint to go back to: ${why}`;
      if (!isUsual) ports.commit({ type: 'warning.raised', code: 'checkpoint-failed', message });
      return { checkpointId: null, why, files: 0, bytesAdded: 0 };
    },
  ),
});

function ofTask(input: Exclude<SnapshotInput, { moment: 'after' }>, { taskId }: SessionPorts) {
  return input.moment === 'now' ? ({ taskId, by: 'asked' } as const) : ({ taskId: input.taskId, by: 'task' } as const);
}

function keptOf(item: CheckpointItem, taken: Taken): Kept {
  if (!taken.ok) return { item, why: taken.message, files: 0, bytesAdded: 0, leftOut: [], isUsual: false };
  const { checkpoint, bytesAdded } = taken;
  return {
    item,
    why: null,
    files: checkpoint.kept.size,
    bytesAdded,
    leftOut: checkpoint.leftOut.slice(0, NAMED_MAX + 1),
    isUsual: false,
  };
}

function leftOutWords(leftOut: readonly LeftOut[]): string {
  const named = leftOut.slice(0, NAMED_MAX).map(({ path, why }) => `${readablePath(path) || '.'} (${WORDS[why]})`);
  const more = leftOut.length > NAMED_MAX ? ', and more' : '';
  return `Not part of the checkpoint, and not brought back by an undo: ${named.join(', ')}${more}.`;
}

const WORDS: Readonly<Record<LeftOut['why'], string>> = {
  'large-file': 'a large file that git does not follow',
  'many-files': 'very many files that git does not follow',
  'not-a-file': 'no regular file',
  unreadable: 'it cannot be read',
};
