import { NOT_RUNNING, type Receipt } from '../protocol/outcomes.ts';
import type { Book } from './book.ts';

/** What the abort of a running task does, once it is done. */
export function receiptOf(book: Book, taskId: string): Promise<Receipt> {
  const { listeners } = book.world;
  const inner = listeners.get(taskId);
  return new Promise((resolve) => {
    listeners.set(taskId, {
      disposed: (told) => inner?.disposed(told),
      decided: (outcome) => inner?.decided(outcome),
      ended(outcome) {
        inner?.ended(outcome);
        resolve(outcome.status === 'aborted' ? outcome.receipt : NOT_RUNNING);
      },
    });
  });
}

/** One receipt for what was stopped together. */
export function mergedReceipt(receipts: readonly Receipt[]): Receipt {
  const aborted = receipts.filter(({ outcome }) => outcome === 'aborted');
  const [first] = aborted;
  if (first === undefined) return NOT_RUNNING;
  const sum = (of: (receipt: Receipt) => number) => aborted.reduce((total, receipt) => total + of(receipt), 0);
  return {
    ...first,
    sessions: aborted.flatMap(({ sessions }) => sessions),
    processes: {
      killed: sum(({ processes }) => processes.killed),
      survivors: sum(({ processes }) => processes.survivors),
    },
    unsettled: sum(({ unsettled }) => unsettled),
    requests: { withdrawn: aborted.flatMap(({ requests }) => requests.withdrawn) },
    partial: {
      text: aborted.map(({ partial }) => partial.text).join(''),
      outputs: sum(({ partial }) => partial.outputs),
    },
  };
}
