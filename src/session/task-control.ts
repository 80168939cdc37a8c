import type { Receipt } from '../protocol/outcomes.ts';
import type { Book } from './book.ts';
import { mergedReceipt, receiptOf } from './receipts.ts';
import { tell } from './telling.ts';

/** A task that runs, for who does not have the handle that its start gave. */
export interface TaskControl {
  readonly id: string;
  readonly kind: string;
  /** Asks it to finish the step that runs, and to complete. */
  cancel(): void;
  /** Stops it now. Answers with what that did; `not-running` when it had ended. */
  abort(): Promise<Receipt>;
}

/** The control of a task of this session that runs; null when there is none of this id. */
export function taskControl(book: Book, taskId: string): TaskControl | null {
  const record = book.tasks.get(taskId);
  if (record === undefined || record.revoked) return null;
  return {
    id: taskId,
    kind: record.order.kind,
    cancel() {
      tell(book, { type: 'op.cancel', taskId });
    },
    async abort() {
      const at = book.world.clock.now();
      const running = [...book.tasks].filter(
        ([id, { order, revoked }]) => !revoked && (id === taskId || order.owner === taskId),
      );
      const receipts = running.map(([id]) => receiptOf(book, id));
      tell(book, { type: 'op.abort', taskId, reason: 'interrupted', at, deadline: at + book.settings.limits.graceMs });
      return mergedReceipt(await Promise.all(receipts));
    },
  };
}
