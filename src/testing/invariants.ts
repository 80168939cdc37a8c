import { isTerminal, type SessionEvent } from '../protocol/events.ts';
import type { LogRecord } from '../rollout/record.ts';
import { FURTHER_INVARIANTS } from './invariants/all.ts';
import { isCall } from './invariants/calls.ts';
import type { Broken, Invariant, ProcessChange } from './invariants/invariant.ts';

export type { Broken, Invariant, ProcessChange, Watch } from './invariants/invariant.ts';

const ended = (events: Iterable<string>, what: string) => {
  const open = [...events];
  return open.length === 0 ? null : `${open.length} ${what} never ended: ${open.slice(0, 3).join(', ')}`;
};

/** The invariants that can be seen from outside: in the events alone, or with the logs and the process table. */
export const invariants: readonly Invariant[] = [
  ...FURTHER_INVARIANTS,
  {
    id: 'A2',
    promise: 'a task that has started ends once',
    watch() {
      const open = new Map<string, number>();
      return {
        event(event) {
          const { taskId } = event;
          if (taskId === undefined) return null;
          if (event.type === 'task.started') open.set(taskId, (open.get(taskId) ?? 0) + 1);
          if (!isTerminal(event)) return open.get(taskId) === 2 ? `${taskId} has started twice` : null;
          if (!open.delete(taskId)) return `${taskId} has ended twice, or without a start`;
          return null;
        },
        end: () => ended(open.keys(), 'tasks'),
      };
    },
  },
  {
    id: 'A3',
    promise: 'nothing of a task is told before its start or after its end',
    watch() {
      const running = new Set<string>();
      return {
        event(event) {
          const { taskId, type } = event;
          if (taskId === undefined) return null;
          if (type === 'task.started') running.add(taskId);
          const isWrong = !running.has(taskId);
          if (isTerminal(event)) running.delete(taskId);
          return isWrong ? `${type} of ${taskId}, which does not run` : null;
        },
      };
    },
  },
  {
    id: 'A6',
    promise: 'a session has one foreground task at a time',
    watch() {
      const foreground = new Map<string, string>();
      return {
        event(event) {
          const { sessionId, taskId = '' } = event;
          if (event.type === 'task.started' && event.placement !== 'beside') {
            const other = foreground.get(sessionId);
            foreground.set(sessionId, taskId);
            return other === undefined ? null : `${taskId} has started while ${other} runs`;
          }
          if (isTerminal(event) && foreground.get(sessionId) === taskId) foreground.delete(sessionId);
          return null;
        },
      };
    },
  },
  {
    id: 'A11',
    promise: 'ids of tasks, items and requests are used once',
    watch() {
      const used = new Set<string>();
      return {
        event(event) {
          const id =
            event.type === 'task.started'
              ? event.taskId
              : event.type === 'item.started'
                ? event.item.id
                : event.type === 'request.opened'
                  ? event.request.id
                  : undefined;
          if (id === undefined) return null;
          if (used.has(id)) return `${id} is used again`;
          used.add(id);
          return null;
        },
      };
    },
  },
  {
    id: 'B13',
    promise: 'an abort is told once, with one reason (unless the program ends before the task), and is the end',
    watch() {
      const reasons = new Map<string, string>();
      return {
        event(event) {
          const { taskId = '' } = event;
          if (event.type === 'task.aborting') {
            if (reasons.has(taskId)) return `${taskId} is aborting twice`;
            reasons.set(taskId, event.reason);
          }
          if (isTerminal(event) && event.type !== 'task.aborted' && reasons.has(taskId))
            return `${taskId} was aborting, and then came ${event.type}`;
          if (event.type !== 'task.aborted') return null;
          const told = reasons.get(taskId);
          return told === undefined || told === event.reason || event.reason === 'crashed'
            ? null
            : `${taskId} was aborting because ${told}, and was aborted because ${event.reason}`;
        },
      };
    },
  },
  {
    id: 'B17',
    promise: 'no step, no call and no sub-session begins in a task that is aborting',
    watch() {
      const aborting = new Set<string>();
      return {
        event(event) {
          const { taskId = '' } = event;
          if (event.type === 'task.aborting') aborting.add(taskId);
          const begins =
            event.type === 'step.started' ||
            event.type === 'child.opened' ||
            event.type === 'request.opened' ||
            (event.type === 'item.started' && isCall(event.item));
          return begins && aborting.has(taskId) ? `${event.type} in ${taskId}, which is aborting` : null;
        },
      };
    },
  },
  {
    id: 'B19',
    promise: 'a task ends after all that is below it',
    watch() {
      const over = new Set<string>();
      return {
        event(event) {
          const late = event.path.find(({ taskId }) => taskId !== undefined && over.has(taskId));
          if (isTerminal(event) && event.taskId !== undefined) over.add(event.taskId);
          return late === undefined ? null : `${event.type} below ${late.taskId}, which has ended`;
        },
      };
    },
  },
  {
    id: 'C24',
    promise: 'the numbers of a session have no gap',
    watch() {
      const next = new Map<string, number>();
      return {
        event({ sessionId, seq, type }) {
          if (seq === null) return null;
          const expected = next.get(sessionId) ?? seq;
          next.set(sessionId, seq + 1);
          return seq === expected ? null : `${type} of ${sessionId} has the number ${seq}, expected ${expected}`;
        },
      };
    },
  },
  {
    id: 'C26',
    promise: 'an item that has started is completed once, before its task ends',
    watch() {
      const open = new Map<string, string>();
      const done = new Set<string>();
      return {
        event(event) {
          const { taskId = '' } = event;
          if (event.type === 'item.started') open.set(event.item.id, taskId);
          if (event.type === 'item.completed') {
            open.delete(event.item.id);
            if (done.has(event.item.id)) return `${event.item.id} is completed twice`;
            done.add(event.item.id);
          }
          if (!isTerminal(event)) return null;
          const left = [...open].filter(([, owner]) => owner === taskId).map(([id]) => id);
          return left.length === 0 ? null : `${taskId} has ended with open items: ${left.join(', ')}`;
        },
      };
    },
  },
  {
    id: 'C27',
    promise:
      'what was streamed of a message is what it says in the end, or its beginning where it says that it is partial',
    watch() {
      const streamed = new Map<string, string>();
      const owners = new Map<string, string | undefined>();
      return {
        event(event) {
          if (event.type === 'item.started') {
            streamed.set(event.item.id, '');
            owners.set(event.item.id, event.taskId);
          }
          // What was streamed before a retry is void.
          if (event.type === 'stream.retrying')
            for (const id of streamed.keys()) if (owners.get(id) === event.taskId) streamed.set(id, '');
          const known = event.type === 'item.delta' ? streamed.get(event.itemId) : undefined;
          if (event.type === 'item.delta' && known !== undefined) streamed.set(event.itemId, known + event.delta);
          if (event.type !== 'item.completed' || event.item.type !== 'agent_message') return null;
          const text = streamed.get(event.item.id) ?? '';
          streamed.delete(event.item.id);
          owners.delete(event.item.id);
          const isKept = event.item.partial
            ? event.item.text.startsWith(text) || text.startsWith(event.item.text)
            : text === '' || event.item.text === text;
          return isKept
            ? null
            : `${event.item.id} was streamed as ${JSON.stringify(text)}, and says ${JSON.stringify(event.item.text)}`;
        },
      };
    },
  },
  {
    id: 'C31',
    promise: 'what is told has the path of who says it',
    watch: () => ({
      event: ({ path, sessionId, type }) =>
        path.at(-1)?.sessionId === sessionId ? null : `${type} of ${sessionId} comes under another path`,
    }),
  },
  {
    id: 'D32',
    promise: 'a request ends once',
    watch() {
      const open = new Set<string>();
      return {
        event(event) {
          if (event.type === 'request.opened') open.add(event.request.id);
          if (event.type !== 'request.resolved') return null;
          return open.delete(event.requestId) ? null : `${event.requestId} has ended twice, or was never asked`;
        },
        end: () => ended(open, 'requests'),
      };
    },
  },
  {
    id: 'D33',
    promise: 'the requests of a task have ended when it ends',
    watch() {
      const open = new Map<string, string>();
      return {
        event(event) {
          const { taskId = '' } = event;
          if (event.type === 'request.opened') open.set(event.request.id, taskId);
          if (event.type === 'request.resolved') open.delete(event.requestId);
          if (!isTerminal(event)) return null;
          const left = [...open].filter(([, owner]) => owner === taskId).map(([id]) => id);
          return left.length === 0 ? null : `${taskId} has ended with open requests: ${left.join(', ')}`;
        },
      };
    },
  },
  {
    id: 'E46',
    promise: 'each call has an id of its own in its session, and is shown once',
    watch() {
      const started = new Set<string>();
      return {
        event(event) {
          if (event.type !== 'item.started' || !isCall(event.item)) return null;
          const key = `${event.sessionId} ${'callId' in event.item ? event.item.callId : ''}`;
          if (started.has(key)) return `the call ${key} has started twice`;
          started.add(key);
          return null;
        },
      };
    },
  },
  {
    id: 'J96',
    promise: 'a session that has closed tells nothing more, and no task of it runs',
    watch() {
      const closed = new Set<string>();
      const tasks = new Map<string, string>();
      return {
        event(event) {
          const { sessionId, type, taskId = '' } = event;
          if (closed.has(sessionId)) return `${type} of ${sessionId}, which has closed`;
          if (type === 'task.started') tasks.set(taskId, sessionId);
          if (isTerminal(event)) tasks.delete(taskId);
          if (type !== 'session.closed') return null;
          closed.add(sessionId);
          const left = [...tasks].filter(([, owner]) => owner === sessionId).map(([id]) => id);
          return left.length === 0 ? null : `${sessionId} has closed while ${left.join(', ')} runs`;
        },
      };
    },
  },
];

/**
 * Watches a run by all of these, from the opening of a root to its close: a session that is resumed is another run. What it gives takes the
 * events, and records and processes as far as somebody has them, and in the end gives what was broken.
 */
export function watchRun(watched: readonly Invariant[] = invariants): Readonly<{
  event(event: SessionEvent): void;
  record(sessionId: string, record: LogRecord): void;
  process(change: ProcessChange): void;
  end(): readonly Broken[];
}> {
  const broken: Broken[] = [];
  const watches = watched.map(({ id, promise, watch }) => ({ id, promise, watch: watch() }));
  const ofRecords = watches.filter(({ watch }) => watch.record !== undefined);
  const ofProcesses = watches.filter(({ watch }) => watch.process !== undefined);
  const note = (id: string, promise: string, why: string | null) => {
    if (why !== null) broken.push({ id, promise, why });
  };
  return {
    event(event) {
      for (const { id, promise, watch } of watches) note(id, promise, watch.event(event));
    },
    record(sessionId, record) {
      for (const { id, promise, watch } of ofRecords) note(id, promise, watch.record?.(sessionId, record) ?? null);
    },
    process(change) {
      for (const { id, promise, watch } of ofProcesses) note(id, promise, watch.process?.(change) ?? null);
    },
    end() {
      for (const { id, promise, watch } of watches) note(id, promise, watch.end?.() ?? null);
      return broken;
    },
  };
}
