import { regularWork } from '../../machines/regular.machine.ts';
import { NOTHING_TO_REPORT } from '../../src/protocol/messages.ts';
import { stageRegular } from '../machines/regular-stage.ts';
import { heardBy, modelOf, type Told, tell, walkModel } from './walk-model.ts';

type Event =
  | 'the model answers'
  | 'the model calls a and b, then C'
  | 'the model goes on'
  | 'the model waits for agents'
  | 'the history is too long'
  | 'the request fails'
  | 'the request is aborted'
  | 'the request gives up'
  | 'a settles'
  | 'b settles'
  | 'C settles'
  | 'the compaction completes'
  | 'the compaction fails'
  | 'the compaction stops'
  | 'the compaction acknowledges'
  | 'agents have news'
  | 'agents are over'
  | 'awaiting gives up'
  | 'cancel'
  | 'kill'
  | 'wind-down';
type Call = 'a' | 'b' | 'C';
type Context = Told & Readonly<{ running: readonly Call[]; last: boolean; waiting: boolean }>;

const words = modelOf<Event, Context>();
const ACKNOWLEDGED = tell('above work.acknowledged');
const LAST = { 'wind-down': { actions: words.assign({ last: true }) } } as const;
const completed = { target: 'over', actions: tell('end completed') } as const;
const failed = { target: 'over', actions: tell('end failed') } as const;
const stopped = { target: 'over', actions: tell('end stopped') } as const;
const isLast = ({ context }: { context: Context }) => context.last;
const settles = (call: Call) =>
  ({ actions: words.assign({ running: ({ context }) => context.running.filter((one) => one !== call) }) }) as const;
const SETTLES = { 'a settles': settles('a'), 'b settles': settles('b'), 'C settles': settles('C') };
const toEachCall = (what: string) =>
  words.enqueueActions(({ context, enqueue }) => {
    for (const call of context.running) enqueue(tell(`${call} ${what}`));
  });

/** One request or one batch of calls at a time; one who was asked to wrap up begins no other step; a cancelled one nothing. */
const model = words.createMachine({
  id: 'regular-model',
  context: { told: [], running: [], last: false, waiting: false },
  initial: 'sampling',
  states: {
    sampling: {
      entry: tell('sample begins'),
      on: {
        ...LAST,
        'the model answers': completed,
        'the model calls a and b, then C': {
          target: 'calling',
          actions: [words.assign({ running: ['a', 'b'], waiting: true }), tell('a begins'), tell('b begins')],
        },
        'the model goes on': [
          { guard: isLast, ...completed },
          { target: 'sampling', reenter: true },
        ],
        'the model waits for agents': [{ guard: isLast, ...completed }, { target: 'awaiting-agents' }],
        'the history is too long': 'compacting',
        'the request fails': failed,
        'the request is aborted': stopped,
        'the request gives up': stopped,
        cancel: { actions: [tell('sample work.cancel'), ACKNOWLEDGED] },
        kill: { actions: tell('sample work.kill') },
      },
    },
    calling: {
      always: [
        {
          guard: ({ context }) => context.running.length === 0 && context.waiting,
          actions: [words.assign({ running: ['C'], waiting: false }), tell('C begins')],
        },
        { guard: ({ context }) => context.running.length === 0 && context.last, ...completed },
        { guard: ({ context }) => context.running.length === 0, target: 'sampling' },
      ],
      on: { ...LAST, ...SETTLES, cancel: { target: 'stopping', actions: [toEachCall('work.cancel'), ACKNOWLEDGED] } },
    },
    compacting: {
      entry: tell('compaction begins'),
      on: {
        ...LAST,
        'the compaction completes': 'sampling',
        'the compaction fails': failed,
        'the compaction stops': stopped,
        'the compaction acknowledges': { actions: ACKNOWLEDGED },
        cancel: { actions: tell('compaction work.cancel') },
        kill: { actions: tell('compaction work.kill') },
      },
    },
    'awaiting-agents': {
      entry: tell('agents begins'),
      on: {
        'agents have news': [{ guard: isLast, ...completed }, { target: 'sampling' }],
        'agents are over': completed,
        'awaiting gives up': [{ guard: isLast, ...completed }, stopped],
        cancel: { actions: [tell('agents work.cancel'), ACKNOWLEDGED] },
        kill: { actions: tell('agents work.kill') },
        'wind-down': { actions: [words.assign({ last: true }), tell('agents work.cancel')] },
      },
    },
    stopping: {
      always: { guard: ({ context }) => context.running.length === 0, ...stopped },
      on: { ...LAST, ...SETTLES, kill: { actions: toEachCall('work.kill') } },
    },
    over: { type: 'final', entry: tell('above xstate.done.actor.work') },
  },
});

type Work = ReturnType<typeof stageRegular>;
const ERROR = { code: 'model-error', message: 'No.', retryable: false } as const;
const COMPACTED = { at: 25, report: NOTHING_TO_REPORT };

const STATE_OF: readonly (readonly [prefix: string, state: string])[] = [
  ['the model', 'sampling'],
  ['the history', 'sampling'],
  ['the request', 'sampling'],
  ['the compaction', 'compacting'],
  ['agents', 'awaiting-agents'],
  ['awaiting', 'awaiting-agents'],
];

walkModel<Work, Event, Context>('a regular work', {
  chart: regularWork,
  model,
  cannot(event, { running }, value) {
    const [call, verb] = event.split(' ');
    if (verb === 'settles') return running.every((one) => one !== call);
    const only = STATE_OF.find(([prefix]) => event.startsWith(prefix));
    return only !== undefined && only[1] !== value;
  },
  stage: stageRegular,
  actor: ({ actor }) => actor,
  act: {
    'the model answers': ({ says }) => says('Done.'),
    'the model calls a and b, then C': ({ says }) => says(null, ['a', 'b', 'C']),
    'the model goes on': ({ says }) => says('Then.', [], true),
    'the model waits for agents': ({ awaits }) => awaits('Wait.'),
    'the history is too long': ({ full }) => full(),
    'the request fails': ({ answer }) => answer({ value: { status: 'failed', error: ERROR } }),
    'the request is aborted': ({ answer }) => answer({ value: { status: 'aborted' } }),
    'the request gives up': ({ answer }) =>
      answer({ cancelled: true, value: { status: 'completed', answer: null, calls: [], more: true } }),
    'a settles': (work) => settle(work, 'a'),
    'b settles': (work) => settle(work, 'b'),
    'C settles': (work) => settle(work, 'C'),
    'the compaction completes': ({ compacted }) =>
      compacted({ ...COMPACTED, end: 'completed', answer: null, data: null }),
    'the compaction fails': ({ compacted }) => compacted({ ...COMPACTED, end: 'failed', error: ERROR }),
    'the compaction stops': ({ compacted }) => compacted({ ...COMPACTED, end: 'stopped' }),
    'the compaction acknowledges': ({ compactions }) => compactions.last().say({ type: 'work.acknowledged', at: 25 }),
    'agents have news': ({ awaited }) => awaited({ value: true }),
    'agents are over': ({ awaited }) => awaited({ value: false }),
    'awaiting gives up': ({ awaited }) => awaited({ cancelled: true }),
    cancel: ({ actor, clock }) => actor.send({ type: 'work.cancel', at: clock.now(), deadline: clock.now() }),
    kill: ({ actor, clock }) => actor.send({ type: 'work.kill', at: clock.now() }),
    'wind-down': ({ actor }) => actor.send({ type: 'work.wind-down' }),
  },
  seen: ({ state, end, above, samples, calls, compactions, agents }) => ({
    value: String(state()),
    told: [
      ...(end() === undefined ? [] : [`end ${end()?.end}`]),
      ...heardBy('above', above),
      ...samples.all.flatMap(({ heard }) => ['sample begins', ...heardBy('sample', heard)]),
      ...calls.all.flatMap(({ input, heard }) => [`${input.call.callId} begins`, ...heardBy(input.call.callId, heard)]),
      ...compactions.all.flatMap(({ heard }) => ['compaction begins', ...heardBy('compaction', heard)]),
      ...agents.all.flatMap(({ heard }) => ['agents begins', ...heardBy('agents', heard)]),
    ],
  }),
});

function settle({ calls }: Work, callId: Call) {
  const call = calls.all.findLast(({ input }) => input.call.callId === callId);
  call?.finish({ callId, at: 20, report: NOTHING_TO_REPORT });
}
