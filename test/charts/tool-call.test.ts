import { toolCall } from '../../machines/tool-call.machine.ts';
import { NOTHING_TO_REPORT } from '../../src/protocol/messages.ts';
import { stageCall } from '../machines/tool-call-stage.ts';
import { heardBy, modelOf, type Told, tell, walkModel } from './walk-model.ts';

type Event =
  | 'leaf: run'
  | 'leaf: ask'
  | 'leaf: settled'
  | 'leaf: run, but cancelled'
  | 'leaf fails'
  | 'cancel'
  | 'kill';
type Call = ReturnType<typeof stageCall>;

const SETTLED = {
  'leaf: settled': 'settled',
  'leaf: run, but cancelled': 'settled',
  'leaf fails': 'settled',
} as const;

/** A call runs nothing before a check, and a decision where one is needed; whatever is cancelled runs no further. */
const model = modelOf<Event, Told>().createMachine({
  id: 'call-model',
  context: { told: [] },
  initial: 'checking',
  states: {
    checking: {
      on: {
        ...SETTLED,
        'leaf: run': 'executing',
        'leaf: ask': 'asking',
        cancel: { actions: tell('check work.cancel') },
        kill: { actions: tell('check work.kill') },
      },
    },
    asking: {
      on: {
        ...SETTLED,
        'leaf: run': 'executing',
        'leaf: ask': 'settled',
        cancel: { actions: tell('ask work.cancel') },
        kill: { actions: tell('ask work.kill') },
      },
    },
    executing: {
      on: {
        ...SETTLED,
        'leaf: run': 'settled',
        'leaf: ask': 'settled',
        cancel: { actions: tell('execute work.cancel') },
        kill: { actions: tell('execute work.kill') },
      },
    },
    settled: { type: 'final', entry: tell('above xstate.done.actor.call/call_1') },
  },
});

const ends = (value: 'run' | 'ask' | 'settled' | null, cancelled = false) => {
  const end = { at: 10, error: null, cancelled, report: NOTHING_TO_REPORT };
  return ({ checks, asks, executions }: Call) => {
    if (executions.all.length > 0) return executions.last().finish({ ...end, value: value === null ? null : true });
    if (asks.all.length > 0) return asks.last().finish({ ...end, value: value === 'run' ? 'run' : value && 'settled' });
    checks.last().finish({ ...end, value });
  };
};

walkModel<Call, Event, Told>('a call', {
  chart: toolCall,
  model,
  stage: stageCall,
  actor: ({ actor }) => actor,
  act: {
    'leaf: run': ends('run'),
    'leaf: ask': ends('ask'),
    'leaf: settled': ends('settled'),
    'leaf: run, but cancelled': ends('run', true),
    'leaf fails': ends(null),
    cancel: ({ actor, clock }) => actor.send({ type: 'work.cancel', at: clock.now(), deadline: clock.now() }),
    kill: ({ actor, clock }) => actor.send({ type: 'work.kill', at: clock.now() }),
  },
  seen: ({ state, checks, asks, executions, above }) => ({
    value: String(state()),
    told: [
      ...heardBy('above', above),
      ...checks.all.flatMap(({ heard }) => heardBy('check', heard)),
      ...asks.all.flatMap(({ heard }) => heardBy('ask', heard)),
      ...executions.all.flatMap(({ heard }) => heardBy('execute', heard)),
    ],
  }),
});
