import { countIn, isTerminal, nameIn, numberIn, objectIn, type Rule, textIn } from './rule.ts';

/** What holds for the tasks of a session. */
export const TASK_RULES: readonly Rule[] = [
  {
    name: 'task-starts',
    invariants: [1, 11],
    law: 'Each task starts once, under a name that no other has.',
    watch() {
      const known = new Set<string>();
      return ({ type, taskId }) => {
        if (type !== 'task.started') return null;
        if (taskId === null) return 'it has no name';
        if (known.has(taskId)) return `the task ${taskId} has started before`;
        known.add(taskId);
        return null;
      };
    },
  },
  {
    name: 'task-ends',
    invariants: [2, 3],
    law: 'Nothing is told of a task before its start or after its one terminal.',
    watch() {
      const open = new Set<string>();
      return (record) => {
        const { type, taskId } = record;
        if (taskId === null) return null;
        if (type === 'task.started') {
          open.add(taskId);
          return null;
        }
        const wasOpen = open.has(taskId);
        if (isTerminal(record)) open.delete(taskId);
        return wasOpen ? null : `${type} of the task ${taskId}, which does not run`;
      };
    },
  },
  {
    name: 'foreground',
    invariants: [6, 7],
    law: 'At most one task runs in the foreground.',
    watch() {
      let running: string | null = null;
      return (record) => {
        const { type, taskId, payload } = record;
        if (type === 'task.started' && payload.placement !== 'beside') {
          const other = running;
          running = taskId;
          return other === null ? null : `the task ${taskId} starts while ${other} runs`;
        }
        if (isTerminal(record) && taskId === running) running = null;
        return null;
      };
    },
  },
  {
    name: 'aborts',
    invariants: [4, 13],
    law: 'A task is told to stop once, and then ends as aborted; only a crash, or what never answered, is found aborted.',
    watch() {
      const aborting = new Map<string, string | null>();
      return (record) => {
        const { type, taskId, payload } = record;
        if (taskId === null) return null;
        if (type === 'task.aborting') {
          const isSecond = aborting.has(taskId);
          aborting.set(taskId, textIn(payload, 'reason'));
          return isSecond ? `the task ${taskId} was told to stop before` : null;
        }
        if (isTerminal(record) && type !== 'task.aborted' && aborting.has(taskId))
          return `the task ${taskId} was told to stop, and ended otherwise`;
        if (type !== 'task.aborted') return null;
        const reason = textIn(payload, 'reason');
        const receipt = objectIn(payload, 'receipt');
        if (receipt.outcome !== 'aborted' || receipt.reason !== reason) return 'its receipt is of another end';
        if (reason === 'crashed' || countIn(receipt, 'unsettled') > 0) return null;
        if (!aborting.has(taskId)) return `the task ${taskId} was not told to stop`;
        const first = aborting.get(taskId) ?? null;
        return first === reason ? null : `expected the reason ${first}, got ${reason}`;
      };
    },
  },
  {
    name: 'steps',
    invariants: [3],
    law: 'The steps of a task are numbered from 1, one after the other.',
    watch() {
      const last = new Map<string | null, number>();
      return ({ type, taskId, payload }) => {
        const step = numberIn(payload, 'step');
        if (type === 'step.started') {
          const expected = (last.get(taskId) ?? 0) + 1;
          last.set(taskId, expected);
          return step === expected ? null : `expected step ${expected}, got ${step}`;
        }
        if (type !== 'step.completed') return null;
        const current = last.get(taskId) ?? 0;
        return step === current ? null : `expected step ${current} to be completed, got ${step}`;
      };
    },
  },
  {
    name: 'sub-sessions',
    invariants: [25],
    law: 'A sub-session is opened by a task that runs, and once.',
    watch() {
      const known = new Set<string>();
      return ({ type, taskId, payload }) => {
        if (type !== 'child.opened') return null;
        const id = nameIn(payload, 'childId');
        if (taskId === null) return `the sub-session ${id} was opened by no task`;
        if (known.has(id)) return `the sub-session ${id} was opened before`;
        known.add(id);
        return null;
      };
    },
  },
];
