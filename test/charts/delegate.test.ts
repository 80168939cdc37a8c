import { delegate } from '../../machines/delegate.machine.ts';
import { ORDER, stageDelegate, TASK_ENDED } from '../machines/delegate-stage.ts';
import { heardBy, modelOf, type Told, tell, walkModel } from './walk-model.ts';

type Event =
  | 'one more task'
  | 'no more tasks'
  | 'its task ends'
  | 'another task ends'
  | 'the session acknowledges'
  | 'the session closes'
  | 'the session crashes'
  | 'cancel'
  | 'kill'
  | 'wind-down';
type Delegate = ReturnType<typeof stageDelegate>;

const RUNNING = {
  cancel: { target: 'cancelling', actions: tell('session op.interrupt') },
  'wind-down': { actions: tell('session op.cancel') },
} as const;
const OVER = { 'the session closes': 'over', 'the session crashes': 'over' } as const;

/** A sub-session has one task at a time until there are no more, is told once to stop, and is closed before the delegate ends. */
const model = modelOf<Event, Told>().createMachine({
  id: 'delegate-model',
  context: { told: [] },
  initial: 'running',
  states: {
    running: {
      entry: tell('session op.start'),
      on: { ...OVER, ...RUNNING, 'its task ends': 'idle', 'no more tasks': 'running, the last' },
    },
    'running, the last': { on: { ...OVER, ...RUNNING, 'its task ends': 'closing' } },
    idle: {
      on: {
        ...OVER,
        'one more task': 'running',
        'no more tasks': 'closing',
        cancel: { target: 'closing', actions: tell('above work.acknowledged') },
      },
    },
    cancelling: {
      on: {
        ...OVER,
        'its task ends': 'closing',
        'the session acknowledges': { actions: tell('above work.acknowledged') },
        kill: { actions: tell('session op.kill') },
      },
    },
    closing: {
      entry: tell('session op.close'),
      on: { ...OVER, cancel: { actions: tell('above work.acknowledged') } },
    },
    over: { type: 'final', entry: tell('above xstate.done.actor.delegate/s2') },
  },
});

walkModel<Delegate, Event, Told>('a delegate', {
  chart: delegate,
  model,
  stage: () => stageDelegate(undefined, { converses: true }),
  actor: ({ actor }) => actor,
  act: {
    'one more task': ({ actor, clock }) => actor.send({ type: 'delegate.start', order: ORDER, at: clock.now() }),
    'no more tasks': ({ actor, clock }) => actor.send({ type: 'delegate.end', at: clock.now() }),
    'its task ends': ({ session }) => session.say(TASK_ENDED),
    'another task ends': ({ session }) => session.say({ ...TASK_ENDED, taskId: 'regular/8' }),
    'the session acknowledges': ({ session, clock }) => session.say({ type: 'session.acknowledged', at: clock.now() }),
    'the session closes': ({ session }) => session.finish(undefined),
    'the session crashes': ({ session }) => session.crash('It broke.'),
    cancel: ({ actor, clock }) => actor.send({ type: 'work.cancel', at: clock.now(), deadline: clock.now() }),
    kill: ({ actor, clock }) => actor.send({ type: 'work.kill', at: clock.now() }),
    'wind-down': ({ actor }) => actor.send({ type: 'work.wind-down' }),
  },
  seen: ({ actor, state, session, above }) => ({
    // That there are no more tasks is not a state of the chart: it is known when the task ends.
    value: state() === 'running' && !actor.getSnapshot().context.converses ? 'running, the last' : String(state()),
    told: [...heardBy('above', above), ...heardBy('session', session.heard)],
  }),
});
