import { assign, type DoneActorEvent, type EventObject, enqueueActions, sendTo, setup, stopChild } from 'xstate';
import type { TaskError } from '../src/protocol/errors.ts';
import {
  addReports,
  type LeafEnd,
  NOTHING_TO_REPORT,
  type SettleReport,
  type TaskInput,
  type WorkCommand,
  type WorkEnd,
  type WorkSignal,
} from '../src/protocol/messages.ts';
import type { WaitingCause } from '../src/protocol/waiting.ts';
import { type DelegateEnd, type DelegateInput, type DelegateOp, delegate } from './delegate.machine.ts';
import { type Logic, provided, toParent } from './logic.ts';

/** What the function of a stage gives back: what the next stage begins with, and after the last the data of the outcome. */
export type BodyValue = Readonly<{ answer: string | null; data: unknown }>;
/** `before`: what the stage before came to; null for the first. */
export type StageInput = Readonly<{ task: TaskInput; stage: string; before: unknown }>;
export type BodyLogic = Logic<StageInput, WorkCommand, LeafEnd<BodyValue>>;

type Context = {
  task: TaskInput;
  delegates: { sessionId: string; childId: string }[];
  /** Sub-sessions that have not said that they are stopping. */
  unacknowledged: string[];
  /** How the stage that was the last to run has ended; null while one runs. */
  body: LeafEnd<BodyValue> | null;
  /** By when a kill must be answered, in ms since 1970; null while nobody kills. */
  killBy: number | null;
  at: number;
  report: SettleReport;
};
type Event =
  | WorkCommand
  | Extract<WorkSignal, { type: 'work.acknowledged' }>
  | { type: 'delegate.open'; input: DelegateInput }
  | { type: 'delegate.tell'; sessionId: string; op: DelegateOp }
  | DoneActorEvent<LeafEnd<BodyValue>, 'body'>;
type Ended = { body: LeafEnd<BodyValue> };
type DelegateDone = DoneActorEvent<DelegateEnd> & { actorId: string };

const stagedSetup = setup({
  types: {} as { context: Context; events: Event; input: TaskInput; output: WorkEnd },
  actors: { body: provided<BodyLogic>(), delegate },
  guards: {
    hasValue: (_, { body }: Ended) => !body.cancelled && body.value !== null,
    noneLeft: ({ context }) => context.delegates.length === 0,
    allAcknowledged: ({ context }) => context.unacknowledged.length === 0,
    allOver: ({ context }) => context.delegates.length === 0 && context.body !== null,
  },
  actions: {
    // Not invoked: it outlives its stage when it is told to stop.
    startStage: enqueueActions(({ context, enqueue }, { stage }: { stage: string }) => {
      const before = context.body?.value?.data ?? null;
      enqueue.assign({ body: null });
      enqueue.spawnChild('body', { id: 'body', input: { task: context.task, stage, before } });
    }),
    releaseStage: stopChild('body'),
    openDelegate: enqueueActions(({ context, enqueue }, { input }: { input: DelegateInput }) => {
      const { sessionId } = input.session;
      const childId = freeChildId(context.delegates);
      enqueue.assign({ delegates: [...context.delegates, { sessionId, childId }] });
      enqueue.spawnChild('delegate', { id: childId, input });
    }),
    tellDelegate: enqueueActions(({ context, enqueue }, { sessionId, op }: { sessionId: string; op: DelegateOp }) => {
      const told = context.delegates.find((one) => one.sessionId === sessionId);
      if (told !== undefined) enqueue.sendTo(told.childId, op);
    }),
    refuseDelegate: (_, _params: { input: DelegateInput }) => {},
    deliverDelegate: (_, _params: { event: DelegateDone }) => {},
    noteDelegate: assign(({ context }, { event }: { event: DelegateDone }) => ({
      delegates: context.delegates.filter(({ childId }) => childId !== event.actorId),
      unacknowledged: context.unacknowledged.filter((id) => id !== event.output.sessionId),
      at: Math.max(context.at, event.output.at),
      report: addReports(context.report, event.output.report),
    })),
    releaseDelegate: enqueueActions(({ enqueue }, { event }: { event: DelegateDone }) => {
      enqueue.stopChild(event.actorId);
    }),
    noteBody: assign(({ context }, { body }: Ended) => ({
      body,
      at: body.at,
      report: addReports(context.report, body.report),
    })),
    awaitAcknowledgements: assign({
      unacknowledged: ({ context }) => context.delegates.map(({ sessionId }) => sessionId),
    }),
    noteAcknowledged: assign({
      unacknowledged: ({ context }, { from }: { from?: string }) => context.unacknowledged.filter((id) => id !== from),
    }),
    passToBody: enqueueActions(({ context, event, enqueue }) => {
      if (context.body === null && isCommand(event)) enqueue.sendTo('body', event);
    }),
    noteKill: assign(({ context }, { at, deadline }: { at: number; deadline?: number }) => ({
      at: Math.max(context.at, at),
      killBy: deadline ?? null,
    })),
    killBody: enqueueActions(({ context, enqueue }) => {
      const { at, killBy, body } = context;
      if (body === null)
        enqueue.sendTo('body', { type: 'work.kill', at, ...(killBy === null ? {} : { deadline: killBy }) });
    }),
    passToDelegates: enqueueActions(({ context, event, enqueue }) => {
      for (const { childId } of context.delegates) enqueue.sendTo(childId, event);
    }),
    cancelLeftovers: enqueueActions(({ context, enqueue }) => {
      for (const { childId } of context.delegates)
        enqueue.sendTo(childId, { type: 'work.cancel', at: context.at, deadline: context.at });
    }),
    acknowledge: sendTo(toParent, ({ event, context }) => ({
      type: 'work.acknowledged',
      at: 'at' in event ? event.at : context.at,
    })),
  },
});

/**
 * The chart of a work that goes through stages, one after the other: each is a function, a promise that may open
 * sub-sessions. `stages` has what each of them is for, in their order. A stage that fails ends the work.
 */
export function stagedWork({ id, description, stages }: Plan) {
  const names = Object.keys(stages);
  const running = names.map((name, at) => [name, stageOf(name, stages[name] ?? '', names[at + 1])] as const);
  return stagedSetup.createMachine({
    id,
    description,
    context: ({ input }) => ({
      task: input,
      delegates: [],
      unacknowledged: [],
      body: null,
      killBy: null,
      at: 0,
      report: NOTHING_TO_REPORT,
    }),
    output: ({ context }) => workEndOf(context),
    initial: names[0] ?? 'over',
    on: {
      'xstate.done.actor.*': {
        actions: [
          { type: 'noteDelegate', params: delegateOf },
          { type: 'deliverDelegate', params: delegateOf },
          { type: 'releaseDelegate', params: delegateOf },
        ],
      },
      'delegate.open': { actions: { type: 'refuseDelegate', params: ({ event }) => event } },
      'delegate.tell': { actions: { type: 'tellDelegate', params: ({ event }) => event } },
      'work.wind-down': { actions: 'passToDelegates' },
    },
    states: {
      ...Object.fromEntries(running),
      joining: {
        description: 'The last function has returned; sub-sessions that it did not wait for are told to stop.',
        meta: { waitsFor: 'sub-session' },
        entry: 'cancelLeftovers',
        always: { guard: 'noneLeft', target: 'over' },
        on: {
          'work.cancel': { actions: ['passToDelegates', 'acknowledge'] },
          'work.kill': { actions: 'passToDelegates' },
        },
      },
      stopping: {
        description: 'All were told to stop.',
        meta: { waitsFor: 'abort' },
        initial: 'acknowledging',
        always: { guard: 'allOver', target: 'over' },
        on: {
          'work.kill': { target: '.killing-delegates', actions: { type: 'noteKill', params: ({ event }) => event } },
          'xstate.done.actor.body': { actions: { type: 'noteBody', params: ({ event }) => ({ body: event.output }) } },
        },
        states: {
          acknowledging: {
            always: { guard: 'allAcknowledged', target: 'settling', actions: 'acknowledge' },
            on: { 'work.acknowledged': { actions: { type: 'noteAcknowledged', params: ({ event }) => event } } },
          },
          settling: {},
          'killing-delegates': {
            description: 'The function may be waiting for them, so it is killed after them.',
            entry: 'passToDelegates',
            always: { guard: 'noneLeft', target: 'killing-body' },
          },
          'killing-body': { entry: 'killBody' },
        },
      },
      over: { type: 'final' },
    },
    options: { maxIterations: 1_000 },
  });
}

export type StagedChart = ReturnType<typeof stagedWork>;

/** Of the names of a chart's states, those of its stages. */
export function stagesOf(states: readonly string[]): readonly string[] {
  return states.slice(0, states.indexOf('joining'));
}

/** What a stage is for; and what it waits for, when that is not its own work. */
type PlannedStage = string | Readonly<{ description: string; waitsFor: WaitingCause }>;
type Plan = Readonly<{ id: string; description: string; stages: Readonly<Record<string, PlannedStage>> }>;

function stageOf(stage: string, planned: PlannedStage, next: string | undefined) {
  const { description, waitsFor } =
    typeof planned === 'string' ? { description: planned, waitsFor: 'work' as const } : planned;
  const noteBody = { type: 'noteBody', params: ({ event }: { event: StageDone }) => ({ body: event.output }) } as const;
  const join = { target: 'joining', actions: noteBody } as const;
  const hasValue = { type: 'hasValue', params: ({ event }: { event: StageDone }) => ({ body: event.output }) } as const;
  return {
    description,
    meta: { waitsFor },
    entry: { type: 'startStage', params: { stage } },
    on: {
      'delegate.open': {
        actions: {
          type: 'openDelegate',
          params: ({ event }: { event: Extract<Event, { type: 'delegate.open' }> }) => event,
        },
      },
      'xstate.done.actor.body':
        next === undefined
          ? join
          : [{ guard: hasValue, target: next, actions: [noteBody, 'releaseStage' as const] }, join],
      'work.cancel': {
        target: 'stopping',
        actions: ['passToBody', 'passToDelegates', 'awaitAcknowledgements'] as const,
      },
    },
  } as const;
}

type StageDone = DoneActorEvent<LeafEnd<BodyValue>, 'body'>;

function isCommand(event: Event): event is WorkCommand {
  return event.type === 'work.cancel' || event.type === 'work.kill' || event.type === 'work.wind-down';
}

/** A name that no delegate has at this moment. Names are used again, because XState never forgets one. */
function freeChildId(delegates: Context['delegates']): string {
  for (let place = 0; ; place += 1) {
    if (delegates.every(({ childId }) => childId !== `delegate/${place}`)) return `delegate/${place}`;
  }
}

function delegateOf({ event }: { event: EventObject }): { event: DelegateDone } {
  return { event: event as DelegateDone }; // XState types a wildcard event as any event; only delegates are spawned here.
}

function workEndOf({ at, report, body }: Context): WorkEnd {
  if (body === null || body.cancelled) return { end: 'stopped', at, report };
  if (body.value === null) return { end: 'failed', error: body.error ?? NO_VALUE, at, report };
  return { end: 'completed', ...body.value, at, report };
}

const NO_VALUE: TaskError = { code: 'internal', message: 'The work ended without a result.', retryable: false };
