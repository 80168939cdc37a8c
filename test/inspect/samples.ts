import { fromCallback, setup } from 'xstate';

/** A lifecycle: an actor at the root, a box with states in it, a way into that box from outside. */
export const lifecycleSample = setup({
  types: {
    events: {} as { type: 'task.abort' | 'task.kill' | 'work.done' | 'work.settled' | 'deadline.passed' | 'note' },
  },
  actors: { work: fromCallback(() => {}), timer: fromCallback(() => {}) },
  actions: {
    keepReason: () => {},
    cancelWork: () => {},
    killWork: () => {},
    count: (_, _params: { by: number }) => {},
  },
  guards: { isLate: () => true },
}).createMachine({
  id: 'sample-task',
  description: 'Runs once, and {stops} within a bound.',
  options: { maxIterations: 100 },
  context: () => ({}),
  invoke: { id: 'work', src: 'work', input: () => ({ deadline: 1 }) },
  initial: 'running',
  on: { note: { actions: { type: 'count', params: () => ({ by: 1 }) } } },
  states: {
    running: {
      meta: { waitsFor: 'work' },
      tags: ['live'],
      on: {
        'task.abort': { target: 'grace-wait', guard: 'isLate', actions: ['keepReason', 'cancelWork'] },
        'task.kill': 'grace-wait.killing',
        'work.done': 'completed',
      },
    },
    'grace-wait': {
      initial: 'settling',
      onDone: 'aborted',
      on: { 'work.settled': '.over' },
      states: {
        settling: {
          invoke: { src: 'timer', onDone: 'killing', onError: 'killing' },
          on: { 'task.abort': {}, 'deadline.passed': '#sample-task.completed' },
        },
        killing: { entry: 'killWork', exit: 'keepReason' },
        over: { type: 'final' },
      },
    },
    aborted: { type: 'final', description: 'Nothing of the task is alive.' },
    completed: { type: 'final' },
  },
});

/** Two regions, one of which moves the other; delays, `always`, a way back up. */
export const regionsSample = setup({
  types: { events: {} as { type: 'op.start' | 'op.close' | 'request.opened' } },
  actions: { announce: () => {} },
  guards: { isAtRest: () => true },
  delays: { pause: 5 },
}).createMachine({
  id: 'sample-session',
  type: 'parallel',
  entry: 'announce',
  states: {
    activity: {
      initial: 'idle',
      states: {
        idle: { on: { 'op.start': { target: 'busy', actions: 'announce' } } },
        busy: {
          always: { guard: 'isAtRest', target: 'idle' },
          after: { pause: 'idle', 20: { target: 'busy', reenter: true } },
          on: { 'request.opened': '#sample-session.attention.awaiting', 'op.close': '#sample-session' },
        },
      },
    },
    attention: { initial: 'clear', states: { clear: {}, awaiting: {} } },
  },
});
