import type { HistoryEntry } from '../protocol/history.ts';
import type { Item, ItemDraft } from '../protocol/items.ts';
import type { CallRecord, CallTable } from '../tasks/ports.ts';

/** The calls of a task, as the session sees them. */
export interface CallLedger extends CallTable {
  /** Settles what nothing has settled, in the order of the calls, and empties the ledger. Gives the number of partial outputs. */
  close(synthetic: (call: CallRecord) => { output: string; item: ItemDraft; partial: boolean }): number;
}

/** Outputs enter the history in the order of the calls, each in one record with its item. */
export function createCallLedger(
  commit: (item: Item, output: HistoryEntry) => void,
  nextItemId: () => string,
): CallLedger {
  const calls = new Map<string, CallRecord>();
  let partial = 0;

  const flush = () => {
    for (const [callId, call] of calls) {
      if (call.settled === null) return;
      calls.delete(callId);
      const { output, item, partial: cut } = call.settled;
      if (cut) partial += 1;
      const id = call.itemId ?? nextItemId();
      const custom = call.custom === true ? { custom: true as const } : {};
      commit(
        { id, ...(cut ? { partial: true as const } : {}), ...item },
        { type: 'output', callId, output, ...custom },
      );
    }
  };

  return {
    add(call) {
      const record: CallRecord = {
        ...call,
        refusal: null,
        tool: null,
        input: null,
        itemId: null,
        draft: null,
        subject: null,
        approved: null,
        isEdited: false,
        reason: undefined,
        key: '',
        startedAt: 0,
        settled: null,
      };
      calls.set(call.callId, record);
      return record;
    },
    get(callId) {
      const call = calls.get(callId);
      if (call === undefined) throw new Error(`Expected an open call, got "${callId}", which has its output already.`);
      return call;
    },
    settle(callId, settled) {
      const call = calls.get(callId);
      if (call === undefined || call.settled !== null) return;
      call.settled = settled;
      flush();
    },
    get open() {
      return [...calls.values()].filter((call) => call.settled === null);
    },
    close(synthetic) {
      for (const call of calls.values()) call.settled ??= synthetic(call);
      flush();
      return partial;
    },
  };
}
