import { entriesIn, isTerminal, nameIn, objectIn, type Rule, type Seen, textIn } from './rule.ts';

/** What holds for items, calls and requests. */
export const CONTENT_RULES: readonly Rule[] = [
  {
    name: 'items',
    invariants: [26],
    law: 'An item starts and completes at most once, as the same type, and what has started completes before its task ends.',
    watch() {
      const open = new Map<string, { type: string | null; taskId: string | null }>();
      const done = new Set<string>();
      return (record) => {
        const { type, taskId, payload } = record;
        const item = objectIn(payload, 'item');
        const id = nameIn(item, 'id');
        if (type === 'item.started') {
          if (open.has(id) || done.has(id)) return `the item ${id} has started before`;
          open.set(id, { type: textIn(item, 'type'), taskId });
          return null;
        }
        if (type === 'item.completed') {
          const begun = open.get(id);
          open.delete(id);
          if (done.has(id)) return `the item ${id} was complete before`;
          done.add(id);
          const isSame = begun === undefined || begun.type === textIn(item, 'type');
          return isSame
            ? null
            : `the item ${id} has started as ${begun?.type}, and completes as ${textIn(item, 'type')}`;
        }
        if (!isTerminal(record)) return null;
        const left = [...open].find(([, one]) => one.taskId === taskId)?.[0];
        return left === undefined ? null : `the task ends while its item ${left} is open`;
      };
    },
  },
  {
    name: 'calls',
    invariants: [45, 46],
    law: 'Each call has one output, in the order of the calls, before its task ends; no two have one id.',
    watch() {
      let waiting: { callId: string; taskId: string | null }[] = [];
      let known = new Set<string>();
      return (record) => {
        const isReplaced = objectIn(record.payload, 'history').op === 'replace';
        for (const entry of isReplaced ? [] : entriesIn(record)) {
          const callId = nameIn(entry, 'callId');
          if (entry.type === 'call') {
            if (known.has(callId)) return `two calls have the id ${callId}`;
            known.add(callId);
            waiting.push({ callId, taskId: record.taskId });
          } else if (entry.type === 'output') {
            const wrong = outputWrong(callId, waiting, known);
            if (wrong !== null) return wrong;
            waiting = waiting.filter((one) => one.callId !== callId);
          }
        }
        if (isReplaced) {
          known = new Set(callIdsIn(record));
          waiting = [];
        }
        if (!isTerminal(record)) return null;
        const left = waiting.find(({ taskId }) => taskId === record.taskId);
        return left === undefined ? null : `the task ends, and its call ${left.callId} has no output`;
      };
    },
  },
  {
    name: 'requests',
    invariants: [32, 33, 35],
    law: 'A request is opened once and ends once, before its task does.',
    watch() {
      const open = new Map<string, string | null>();
      const known = new Set<string>();
      return (record) => {
        const { type, taskId, payload } = record;
        if (type === 'request.opened') {
          const id = nameIn(objectIn(payload, 'request'), 'id');
          if (known.has(id)) return `the request ${id} was opened before`;
          known.add(id);
          open.set(id, taskId);
          return null;
        }
        if (type === 'request.resolved') {
          const id = nameIn(payload, 'requestId');
          return open.delete(id) ? null : `the request ${id} is not open`;
        }
        if (!isTerminal(record)) return null;
        const left = [...open].find(([, opener]) => opener === taskId)?.[0];
        return left === undefined ? null : `the task ends while its request ${left} is open`;
      };
    },
  },
];

function outputWrong(
  callId: string,
  waiting: readonly { callId: string }[],
  known: ReadonlySet<string>,
): string | null {
  if (!known.has(callId)) return `an output for ${callId}, and no such call`;
  if (waiting.every((one) => one.callId !== callId)) return `a second output for the call ${callId}`;
  return waiting[0]?.callId === callId ? null : `an output for ${callId} before that of ${waiting[0]?.callId}`;
}

function callIdsIn(record: Seen): readonly string[] {
  return entriesIn(record).flatMap((entry) => (entry.type === 'call' ? [nameIn(entry, 'callId')] : []));
}
