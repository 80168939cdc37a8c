import { createActor } from 'xstate';
import type { DelegateEnd, DelegateInput, DelegateOp, delegate } from '../../machines/delegate.machine.ts';
import type { BodyValue, StagedChart, StageInput } from '../../machines/staged-work.ts';
import { type LeafEnd, NOTHING_TO_REPORT, type WorkCommand } from '../../src/protocol/messages.ts';
import { endOf, inputOf, TASK } from '../machines/defined-stage.ts';
import { audience, puppets } from '../machines/puppet.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';
import { heardBy, modelOf, type Told, tell, walkModel } from './walk-model.ts';

type Event =
  | 'the stage returns'
  | 'the stage fails'
  | 'the stage gives up'
  | 'the stage opens a sub-session'
  | 'the stage tells the sub-session'
  | 'the sub-session acknowledges'
  | 'the sub-session ends'
  | 'cancel'
  | 'kill'
  | 'wind-down';
type Context = Told & Readonly<{ open: boolean; runs: boolean }>;

const words = modelOf<Event, Context>();
const isOpen = ({ context }: { context: Context }) => context.open;
const isOver = ({ context }: { context: Context }) => !context.open && !context.runs;

const opened = words.assign({ open: true });
const closed = words.assign({ open: false });
const ended = words.assign({ runs: false });
const ENDS = {
  'the stage returns': { actions: ended },
  'the stage fails': { actions: ended },
  'the stage gives up': { actions: ended },
};
const REFUSED = { 'the stage opens a sub-session': { actions: tell('refused') } } as const;
const PASSED_ON = {
  'wind-down': { guard: isOpen, actions: tell('delegate work.wind-down') },
  'the stage tells the sub-session': { guard: isOpen, actions: tell('delegate delegate.end') },
} as const;
const ACKNOWLEDGED = tell('above work.acknowledged');

const stage = (next: string) =>
  ({
    entry: [words.assign({ runs: true }), tell('body begins')],
    on: {
      ...PASSED_ON,
      'the stage opens a sub-session': { actions: [opened, tell('delegate begins')] },
      'the sub-session ends': { actions: closed },
      'the stage returns': { target: next, actions: ended },
      'the stage fails': { target: 'joining', actions: ended },
      'the stage gives up': { target: 'joining', actions: ended },
      cancel: [
        {
          guard: isOpen,
          target: 'acknowledging',
          actions: [tell('body work.cancel'), tell('delegate work.cancel')],
        },
        { target: 'settling', actions: [tell('body work.cancel'), ACKNOWLEDGED] },
      ],
    },
  }) as const;

/**
 * Stages follow each other, a failed one is the last, no sub-session outlives the work, and no stage and no sub-session
 * begins after a cancel. What is killed is killed from below: sub-sessions first, then the function that may wait for them.
 */
function modelOfStages(stages: readonly string[]) {
  return words.createMachine({
    id: 'staged-model',
    context: { told: [], open: false, runs: true },
    initial: stages[0] ?? 'over',
    states: {
      ...Object.fromEntries(stages.map((name, at) => [name, stage(stages[at + 1] ?? 'joining')])),
      ...AFTER_THE_STAGES,
    },
  });
}

const AFTER_THE_STAGES = {
  joining: {
    entry: words.enqueueActions(({ context, enqueue }) => {
      if (context.open) enqueue(tell('delegate work.cancel'));
    }),
    always: { guard: ({ context }: { context: Context }) => !context.open, target: 'over' },
    on: {
      ...REFUSED,
      ...PASSED_ON,
      'the sub-session ends': { actions: closed },
      cancel: { actions: [tell('delegate work.cancel'), ACKNOWLEDGED] },
      kill: { actions: tell('delegate work.kill') },
    },
  },
  acknowledging: {
    on: {
      ...ENDS,
      ...REFUSED,
      ...PASSED_ON,
      'the sub-session acknowledges': { target: 'settling', actions: ACKNOWLEDGED },
      'the sub-session ends': { target: 'settling', actions: [closed, ACKNOWLEDGED] },
      kill: 'killing',
    },
  },
  settling: {
    always: { guard: isOver, target: 'over' },
    on: { ...ENDS, ...REFUSED, ...PASSED_ON, 'the sub-session ends': { actions: closed }, kill: 'killing' },
  },
  killing: {
    always: [
      { guard: isOpen, target: 'killing the sub-session', actions: tell('delegate work.kill') },
      { target: 'killing the stage' },
    ],
  },
  'killing the sub-session': {
    on: {
      ...ENDS,
      ...REFUSED,
      ...PASSED_ON,
      kill: 'killing',
      'the sub-session ends': { target: 'killing the stage', actions: closed },
    },
  },
  'killing the stage': {
    entry: words.enqueueActions(({ context, enqueue }) => {
      if (context.runs) enqueue(tell('body work.kill'));
    }),
    always: { guard: isOver, target: 'over' },
    on: { ...ENDS, ...REFUSED, kill: 'killing' },
  },
  over: { type: 'final', entry: tell('above xstate.done.actor.work') },
} as const;

const NAMES: Readonly<Record<string, string>> = {
  '{"stopping":"acknowledging"}': 'acknowledging',
  '{"stopping":"settling"}': 'settling',
  '{"stopping":"killing-delegates"}': 'killing the sub-session',
  '{"stopping":"killing-body"}': 'killing the stage',
};

function stageWork(chart: StagedChart) {
  const clock = createSteppedClock();
  const above = audience(clock);
  const bodies = puppets<StageInput, WorkCommand, LeafEnd<BodyValue>>();
  const delegates = puppets<DelegateInput, WorkCommand | DelegateOp, DelegateEnd>();
  const refused: string[] = [];
  const machine = chart.provide({
    actors: { body: bodies.logic, delegate: delegates.logic as unknown as typeof delegate }, // XState wants equal types.
    actions: { deliverDelegate: () => {}, refuseDelegate: () => void refused.push('refused') },
  });
  const actor = createActor(machine, { id: 'work', parent: above.ref, input: TASK }).start();
  const returns = (end: Partial<LeafEnd<BodyValue>>) =>
    bodies.last().finish({ at: 50, value: null, error: null, cancelled: false, report: NOTHING_TO_REPORT, ...end });
  const open = () => actor.send({ type: 'delegate.open', input: inputOf('s2') });
  return { actor, clock, above: above.heard, bodies, delegates, refused, returns, open };
}

const VALUE = { answer: null, data: {} };
type Work = ReturnType<typeof stageWork>;

/** Goes with a work through its stages, and compares it with the model of any such work. */
export function walkStagedWork(chart: StagedChart, stages: readonly string[]): void {
  walkModel<Work, Event, Context>('a work in stages', {
    chart,
    model: modelOfStages(stages),
    cannot(event, { open, runs }, value) {
      if (event.startsWith('the sub-session') || event === 'the stage tells the sub-session') return !open;
      if (event === 'the stage opens a sub-session') return !runs || (open && stages.includes(value));
      return event.startsWith('the stage') && !runs;
    },
    stage: () => stageWork(chart),
    actor: ({ actor }) => actor,
    act: {
      'the stage returns': ({ returns }) => returns({ value: VALUE }),
      'the stage fails': ({ returns }) => returns({}),
      'the stage gives up': ({ returns }) => returns({ value: VALUE, cancelled: true }),
      'the stage opens a sub-session': ({ open }) => open(),
      'the stage tells the sub-session': ({ actor, clock }) =>
        actor.send({ type: 'delegate.tell', sessionId: 's2', op: { type: 'delegate.end', at: clock.now() } }),
      'the sub-session acknowledges': ({ delegates, clock }) =>
        delegates.last().say({ type: 'work.acknowledged', at: clock.now(), from: 's2' }),
      'the sub-session ends': ({ delegates }) => delegates.last().finish(endOf('s2')),
      cancel: ({ actor, clock }) => actor.send({ type: 'work.cancel', at: clock.now(), deadline: clock.now() }),
      kill: ({ actor, clock }) => actor.send({ type: 'work.kill', at: clock.now() }),
      'wind-down': ({ actor }) => actor.send({ type: 'work.wind-down' }),
    },
    seen({ actor, above, bodies, delegates, refused }) {
      const { value } = actor.getSnapshot();
      return {
        value: typeof value === 'string' ? value : (NAMES[JSON.stringify(value)] ?? JSON.stringify(value)),
        told: [
          ...heardBy('above', above),
          ...bodies.all.flatMap(({ heard }) => ['body begins', ...heardBy('body', heard)]),
          ...delegates.all.flatMap(({ heard }) => ['delegate begins', ...heardBy('delegate', heard)]),
          ...refused,
        ],
      };
    },
  });
}
