import { countIn, nameIn, numberIn, objectIn, type Rule, type Seen, textIn } from './rule.ts';

/** What holds for a session as a whole. */
export const SESSION_RULES: readonly Rule[] = [
  {
    name: 'numbers',
    invariants: [24],
    law: 'Records are numbered from 0, without a gap.',
    watch() {
      let next = 0;
      return ({ seq }) => {
        const expected = next;
        next = seq + 1;
        return seq === expected ? null : `expected record ${expected}, got ${seq}`;
      };
    },
  },
  {
    name: 'epochs',
    invariants: [24],
    law: 'The epoch is 0 at first, and grows by one with each session.resumed, and with nothing else.',
    watch() {
      let epoch = 0;
      return (record) => {
        const expected = record.type === 'session.resumed' ? epoch + 1 : epoch;
        epoch = record.epoch;
        return record.epoch === expected ? null : `expected the epoch ${expected}, got ${record.epoch}`;
      };
    },
  },
  {
    name: 'opening',
    invariants: [25],
    law: 'The first record opens the session, and no other one does.',
    watch() {
      let isFirst = true;
      return ({ type }) => {
        const wasFirst = isFirst;
        isFirst = false;
        if (wasFirst === (type === 'session.opened')) return null;
        return wasFirst ? `expected session.opened first, got ${type}` : 'the session is opened a second time';
      };
    },
  },
  {
    name: 'closing',
    invariants: [1, 3],
    law: 'After session.closed nothing follows, but what another opening brings.',
    watch() {
      let isClosed = false;
      return ({ type }) => {
        const wasClosed = isClosed;
        isClosed = type === 'session.closed';
        return wasClosed && type !== 'session.resumed' ? `${type} comes after session.closed` : null;
      };
    },
  },
  {
    name: 'payload',
    invariants: [24],
    law: 'The payload of a record is an event of the type of the record.',
    watch: () => (record) => {
      const type = textIn(record.payload, 'type');
      return type === record.type ? null : `expected an event of type ${record.type}, got ${type ?? 'none'}`;
    },
  },
  {
    name: 'usage',
    invariants: [],
    law: 'The total of tokens never falls, and grows by at least what was used.',
    watch() {
      let total = 0;
      return ({ type, payload }) => {
        if (type !== 'usage.updated') return null;
        const before = total;
        const used = countIn(objectIn(payload, 'usage'), 'totalTokens');
        total = countIn(objectIn(payload, 'total'), 'totalTokens');
        return total >= before + used ? null : `expected a total of at least ${before + used} tokens, got ${total}`;
      };
    },
  },
  {
    name: 'inputs',
    invariants: [1],
    law: 'What was said while something ran has a number of its own, and is taken once.',
    watch() {
      const waiting = new Set<string>();
      const known = new Set<string>();
      return (record) => inputWrong(record, waiting, known);
    },
  },
  {
    name: 'replacement',
    invariants: [53],
    law: 'A history is replaced by as many entries as are said, and a compaction is complete only after that.',
    watch() {
      const replaced = new Set<string | null>();
      return (record) => {
        const { op, entries } = objectIn(record.payload, 'history');
        if (record.type === 'history.replaced') {
          replaced.add(record.taskId);
          const count = Array.isArray(entries) ? entries.length : null;
          const said = numberIn(record.payload, 'entries');
          if (op !== 'replace') return 'it replaces nothing';
          return count === said ? null : `expected ${said} entries, got ${count ?? 'none'}`;
        }
        const item = objectIn(record.payload, 'item');
        const isDone = record.type === 'item.completed' && item.type === 'compaction' && item.status === 'completed';
        return isDone && !replaced.has(record.taskId)
          ? 'a compaction is complete, and the history was not replaced'
          : null;
      };
    },
  },
];

function inputWrong({ type, payload }: Seen, waiting: Set<string>, known: Set<string>): string | null {
  if (type === 'input.queued') {
    const id = nameIn(payload, 'inputId');
    if (known.has(id)) return `the input ${id} was queued before`;
    known.add(id);
    waiting.add(id);
    return null;
  }
  if (type !== 'item.completed') return null;
  const id = textIn(objectIn(payload, 'item'), 'inputId');
  return id === null || waiting.delete(id) ? null : `the input ${id} was taken before, or never queued`;
}
