import { setup } from 'xstate';

/** What can happen to a task: to it, by its work, by its abort hook, and by time. */
export type TaskModelEvent = Readonly<{
  type:
    | 'abort'
    | 'kill'
    | 'cancel'
    | 'work acknowledges'
    | 'work settles'
    | 'work says done'
    | 'work says failed'
    | 'work ends completed'
    | 'work ends failed'
    | 'work ends stopped'
    | 'work crashes'
    | 'hook ends'
    | 'hook crashes'
    | 'time passes';
}>;

export type TaskModelContext = Readonly<{
  /** What the work was told, in order. */
  told: readonly ('wind-down' | 'cancel' | 'kill')[];
  /** Somebody above was told that the task is stopping. */
  acknowledged: boolean;
  /** Nothing of the work will be heard any more. */
  workIsOver: boolean;
  unanswered: boolean;
  end: 'completed' | 'failed' | 'aborted' | null;
}>;

const words = setup({ types: {} as { context: TaskModelContext; events: TaskModelEvent } });
const told = (what: TaskModelContext['told'][number]) =>
  words.assign({ told: ({ context }) => [...context.told, what] });
const ended = (end: NonNullable<TaskModelContext['end']>) => words.assign({ end });
const OVER = { target: 'cleaning up', actions: words.assign({ workIsOver: true }) } as const;
/** Whatever the work comes to while it is stopped is of no interest. */
const WORK_IS_OVER = {
  'work settles': 'cleaning up',
  'work says done': 'cleaning up',
  'work says failed': 'cleaning up',
  'work ends completed': OVER,
  'work ends failed': OVER,
  'work ends stopped': OVER,
  'work crashes': OVER,
} as const;

const SILENT = { actions: words.assign({ workIsOver: true }) } as const;
const WORK_IS_SILENT = {
  'work ends completed': SILENT,
  'work ends failed': SILENT,
  'work ends stopped': SILENT,
  'work crashes': SILENT,
} as const;

/**
 * What every task promises, whatever its kind: one end; once it is aborted, no other end than that; and an end within
 * grace, kill bound and backstop. Written for tests and apart from the machines: it has no actors, no clock and no data.
 */
export const taskModel = words.createMachine({
  id: 'task-model',
  context: { told: [], acknowledged: false, workIsOver: false, unanswered: false, end: null },
  initial: 'running',
  states: {
    running: {
      on: {
        abort: 'aborting',
        cancel: { actions: told('wind-down') },
        'work says done': 'completed',
        'work says failed': 'failed',
        'work ends completed': 'completed',
        'work ends failed': 'failed',
        'work ends stopped': 'failed',
        'work crashes': 'failed',
      },
    },
    aborting: {
      entry: told('cancel'),
      on: {
        ...WORK_IS_OVER,
        'work acknowledges': { target: 'settling', actions: words.assign({ acknowledged: true }) },
        kill: 'killing',
        'time passes': 'killing',
      },
    },
    settling: { on: { ...WORK_IS_OVER, kill: 'killing', 'time passes': 'killing' } },
    // Once the backstop has passed, no time is left for the hook.
    killing: {
      entry: told('kill'),
      on: { ...WORK_IS_OVER, 'time passes': { target: 'aborted', actions: words.assign({ unanswered: true }) } },
    },
    'cleaning up': {
      on: {
        ...WORK_IS_SILENT,
        'hook ends': 'aborted',
        'hook crashes': 'aborted',
        'time passes': 'aborted',
      },
    },
    completed: { type: 'final', entry: ended('completed') },
    failed: { type: 'final', entry: ended('failed') },
    aborted: { type: 'final', entry: ended('aborted') },
  },
});

const EVENTS = taskModel.events as readonly TaskModelEvent['type'][]; // XState lists what the model names, and no more.

/** What can happen to a task that stands there, for `everyEdge`: a work that has ended does nothing, and one is asked to wrap up once. */
export function taskModelEvents({ context }: { context: TaskModelContext }): readonly TaskModelEvent[] {
  const cannot = (type: string) =>
    (context.workIsOver && type.startsWith('work ')) || (context.told.includes('wind-down') && type === 'cancel');
  return EVENTS.filter((type) => !cannot(type)).map((type) => ({ type }));
}
