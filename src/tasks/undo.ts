import * as z from 'zod';
import { undoWork } from '../../machines/undo.machine.ts';
import { TroupeError } from '../protocol/errors.ts';
import type { Item } from '../protocol/items.ts';
import type { UndonePath, UndoReport } from '../workspace/work-history.ts';
import { defineTask } from './define-task.ts';
import { inStages } from './in-stages.ts';
import type { SessionPorts } from './ports.ts';

const undoInput = z
  .object({
    /** The id of a change (of an undo, to undo that), or how many changes; the newest one when left out. */
    to: z.union([z.string().min(1), z.number().int().min(1)]).optional(),
    /** Only says what would be done. */
    dryRun: z.boolean().optional(),
    /** What is taken back. Default: the files. */
    what: z.enum(['files', 'conversation', 'both']).optional(),
  })
  .optional();

export type UndoInput = z.infer<typeof undoInput>;
type UndoItem = Extract<Item, { type: 'undo' }>;
type Restored = { item: UndoItem; report: UndoReport | null };
/** `changes` are the ids of what was taken back, `undo` that of the undo itself; `entries` how much of the conversation is gone. */
export type UndoData = {
  changes: readonly string[];
  paths: readonly UndonePath[];
  conflicts: readonly UndonePath[];
  plan: readonly string[];
  isExact: boolean;
  undo: string | null;
  entries: number;
};

/** The kind that takes back what tasks have done: to files, to the conversation, or to both. */
export const undo = defineTask<typeof undoInput, UndoData>({
  input: undoInput,
  description: 'Goes back to a checkpoint, path by path, and leaves alone what was changed since.',
  work: inStages(
    undoWork,
    async (input: UndoInput, ports, scope): Promise<Restored> => {
      const { to, dryRun = false, what = 'files' } = input ?? {};
      const item: UndoItem = { id: ports.nextItemId(), type: 'undo', status: 'in_progress' };
      ports.commit({ type: 'item.started', item });
      if (what !== 'files' && typeof to === 'string')
        throw failed(
          ports,
          item,
          'Expected a number of tasks to take back of the conversation, got the id of a change.',
        );
      if (what === 'conversation') return { item, report: null };
      const history = await ports.workHistory();
      if (!history.ok) throw failed(ports, item, `Nothing can be undone: ${history.why}`);
      await ports.changesKept(scope.signal);
      const { sessionId } = scope.input.task;
      const { taskId } = ports;
      const order = { id: item.id, sessionId, taskId, dryRun, signal: scope.signal };
      const done = await history.value.undo(to === undefined ? order : { ...order, to });
      if (!done.ok) throw failed(ports, item, done.why);
      // What was stopped half-way is said at once: the next stage does not begin.
      if (ports.isStopping && !scope.revoked) record(ports, { ...item, partial: true }, done.value, 'aborted');
      return { item, report: done.value };
    },
    ({ item, report }, ports): UndoData => {
      const { to, dryRun = false, what = 'files' } = (ports.input as UndoInput) ?? {}; // The schema has validated it.
      let entries = 0;
      if (what !== 'files' && !dryRun) {
        const cut = ports.cutConversation(typeof to === 'number' ? to : 1);
        if (!cut.ok) throw failed(ports, item, cut.why);
        entries = cut.value;
      }
      record(
        ports,
        item,
        report,
        report?.paths.some(({ result }) => result === 'failed') === true ? 'failed' : 'completed',
      );
      const { changes = [], paths = [], plan = [], isExact = true, undo: own = null } = report ?? {};
      const conflicts = paths.filter(({ result }) => result === 'conflict');
      return { changes, paths, conflicts, plan, isExact, undo: own, entries };
    },
  ),
});

function record(ports: SessionPorts, item: UndoItem, report: UndoReport | null, status: UndoItem['status']): void {
  const paths = (report?.paths ?? []).map(({ path, result }) => `${result} ${path}`);
  ports.commit({ type: 'item.completed', item: { ...item, status, paths } });
  if (report?.isExact !== false) return;
  const message =
    'The end of a change was not kept, so what came after it was taken back as well. Undo this undo if that was not wanted.';
  ports.commit({ type: 'warning.raised', code: 'undo-not-exact', message });
}

function failed(ports: SessionPorts, item: UndoItem, message: string): TroupeError {
  if (!ports.isStopping) ports.commit({ type: 'item.completed', item: { ...item, status: 'failed' } });
  return new TroupeError('rejected', message);
}
