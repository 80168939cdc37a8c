import { assign, type EventObject, sendTo, setup, spawnChild } from 'xstate';
import { messageOf, type TaskError } from '../src/protocol/errors.ts';
import {
  addReports,
  type DelegateSignal,
  NOTHING_TO_REPORT,
  type SessionInput,
  type SessionOp,
  type SettleReport,
  type StartOrder,
  type TaskEnd,
  type WorkCommand,
} from '../src/protocol/messages.ts';
import { type Logic, provided, toParent } from './logic.ts';

export type RelayInput = Readonly<{ parentId: string; childId: string }>;
export type RelayLogic = Logic<RelayInput, EventObject>;
export type SessionLogic = Logic<SessionInput, SessionOp>;

/** What a delegate is given: which session to open, on whose behalf, and what to start in it. */
export type DelegateInput = Readonly<{
  session: SessionInput;
  relay: RelayInput;
  relayId: string;
  order: StartOrder;
  at: number;
  /** It stays open between its tasks, until it is told that there are no more. */
  converses?: true;
}>;

/** What a delegate that converses is told between two tasks, and that there is none to come. */
export type DelegateOp =
  | Readonly<{ type: 'delegate.start'; order: StartOrder; at: number }>
  | Readonly<{ type: 'delegate.end'; at: number }>;

/** What became of the last task in the sub-session; null when it never ended by itself. */
export type DelegateEnd = Readonly<{
  sessionId: string;
  at: number;
  end: TaskEnd | null;
  error: TaskError | null;
  report: SettleReport;
}>;

type Context = {
  input: DelegateInput;
  /** What runs, or has run last. */
  order: StartOrder;
  converses: boolean;
  end: TaskEnd | null;
  error: TaskError | null;
  at: number;
  report: SettleReport;
};
type Event = WorkCommand | DelegateSignal | DelegateOp;

/**
 * Opens a sub-session, starts a task in it, and ends when that session has closed: after that task, or, when it converses, after as
 * many as it is given. What the sub-session tells and asks goes through the relay; what it decides comes here.
 */
export const delegate = setup({
  types: {} as { context: Context; events: Event; input: DelegateInput; output: DelegateEnd },
  actors: { session: provided<SessionLogic>(), relay: provided<RelayLogic>() },
  guards: {
    isOwnTask: ({ context }, { taskId }: { taskId: string }) => context.order.taskId === taskId,
    isOneOfMore: ({ context }, { taskId }: { taskId: string }) => context.converses && context.order.taskId === taskId,
  },
  actions: {
    joinChannels: spawnChild('relay', {
      id: ({ context }) => context.input.relayId,
      input: ({ context }) => context.input.relay,
    }),
    startTask: sendTo('session', ({ context }) => ({
      type: 'op.start' as const,
      order: context.order,
      at: context.at,
    })),
    noteOrder: assign((_, { order, at }: { order: StartOrder; at: number }) => ({ order, at })),
    noteLast: assign({ converses: false }),
    interrupt: sendTo('session', (_, { deadline, at }: { deadline: number; at: number }) => ({
      type: 'op.interrupt' as const,
      reason: 'parent-aborted' as const,
      deadline,
      at,
    })),
    kill: sendTo('session', (_, { at }: { at: number }) => ({ type: 'op.kill' as const, at })),
    windDown: sendTo('session', ({ context }) => ({ type: 'op.cancel' as const, taskId: context.order.taskId })),
    close: sendTo('session', ({ context }) => ({ type: 'op.close' as const, at: context.at, deadline: context.at })),
    noteEnd: assign(
      ({ context }, { type: _type, ...told }: Extract<DelegateSignal, { type: 'session.task-ended' }>) => ({
        end: told.end,
        at: told.at,
        report: addReports(context.report, told.report),
      }),
    ),
    noteCrash: assign({ error: (_, { error }: { error: unknown }) => crashOf(error) }),
    acknowledge: sendTo(toParent, ({ context }, { at }: { at: number }) => ({
      type: 'work.acknowledged',
      from: context.input.session.sessionId,
      at,
    })),
  },
}).createMachine({
  id: 'delegate',
  description: 'A task done by a sub-session.',
  context: ({ input }) => ({
    input,
    order: input.order,
    converses: input.converses === true,
    end: null,
    error: null,
    at: input.at,
    report: NOTHING_TO_REPORT,
  }),
  output: ({ context }) => ({
    sessionId: context.input.session.sessionId,
    at: context.at,
    end: context.end,
    error: context.error,
    report: context.report,
  }),
  entry: 'joinChannels',
  invoke: {
    id: 'session',
    src: 'session',
    input: ({ context }) => context.input.session,
    onError: { target: '.over', actions: { type: 'noteCrash', params: ({ event }) => ({ error: event.error }) } },
    onDone: { target: '.over' },
  },
  initial: 'running',
  states: {
    running: {
      description: 'The sub-session works.',
      meta: { waitsFor: 'sub-session' },
      entry: 'startTask',
      on: {
        'session.task-ended': [
          {
            guard: { type: 'isOneOfMore', params: ({ event }) => event },
            target: 'idle',
            actions: { type: 'noteEnd', params: ({ event }) => event },
          },
          {
            guard: { type: 'isOwnTask', params: ({ event }) => event },
            target: 'closing',
            actions: { type: 'noteEnd', params: ({ event }) => event },
          },
        ],
        'delegate.end': { actions: 'noteLast' },
        'work.cancel': { target: 'cancelling', actions: { type: 'interrupt', params: ({ event }) => event } },
        'work.wind-down': { actions: 'windDown' },
      },
    },
    idle: {
      description: 'Between two tasks: who has opened it says what comes next.',
      meta: { waitsFor: 'work' },
      on: {
        'delegate.start': { target: 'running', actions: { type: 'noteOrder', params: ({ event }) => event } },
        'delegate.end': { target: 'closing' },
        'work.cancel': { target: 'closing', actions: { type: 'acknowledge', params: ({ event }) => event } },
      },
    },
    cancelling: {
      description: 'The sub-session was told to abort; it decides and logs its own terminal.',
      meta: { waitsFor: 'abort' },
      on: {
        'session.acknowledged': { actions: { type: 'acknowledge', params: ({ event }) => event } },
        'session.task-ended': {
          guard: { type: 'isOwnTask', params: ({ event }) => event },
          target: 'closing',
          actions: { type: 'noteEnd', params: ({ event }) => event },
        },
        'work.kill': { actions: { type: 'kill', params: ({ event }) => event } },
      },
    },
    closing: {
      description: 'Its task has ended; the sub-session closes.',
      meta: { waitsFor: 'sub-session' },
      entry: 'close',
      on: { 'work.cancel': { actions: { type: 'acknowledge', params: ({ event }) => event } } },
    },
    over: { type: 'final' },
  },
  options: { maxIterations: 1_000 },
});

function crashOf(error: unknown): TaskError {
  return { code: 'sub-session-failed', message: `The sub-session crashed: ${messageOf(error)}`, retryable: false };
}
