import {
  assign,
  type DoneActorEvent,
  type ErrorActorEvent,
  enqueueActions,
  raise,
  sendTo,
  setup,
  stopChild,
} from 'xstate';
import {
  type KeptInput,
  NOTHING_TO_REPORT,
  type SessionInput,
  type SessionOp,
  type SessionSignal,
  type SettleReport,
  type StartOrder,
  type TaskCommand,
  type TaskEnd,
  type TaskInput,
} from '../src/protocol/messages.ts';
import type { AbortReason, Disposition } from '../src/protocol/outcomes.ts';
import type { SessionRequest } from '../src/protocol/requests.ts';
import { type Logic, provided, type TimerLogic, toParent } from './logic.ts';

export type TaskLogic = Logic<TaskInput, TaskCommand, TaskEnd>;

export type TaskSlot = Readonly<{ taskId: string; kind: string; steerable: boolean }>;

export type SessionMachineContext = SessionInput & {
  foreground: TaskSlot | null;
  beside: readonly TaskSlot[];
  queue: readonly StartOrder[];
  /** What the user said that no task has taken yet. */
  inputs: readonly KeptInput[];
  /** Open requests of this session and of all below it, oldest first. */
  requests: readonly SessionRequest[];
  /** Tasks that have decided their end, and whose terminal event no client has seen yet. */
  unreleased: readonly string[];
  /** How the last foreground task ended; what is left over goes on only after `completed`. */
  lastEnd: TaskEnd['end'] | null;
};

type Event = SessionOp | SessionSignal | DoneActorEvent<TaskEnd> | ErrorActorEvent;
type Ended = { end: TaskEnd };
type Order = { order: StartOrder };
type Named = { taskId: string };
type Abort = { reason: AbortReason; at: number; deadline: number };

const base = setup({
  types: {} as { context: SessionMachineContext; events: Event; input: SessionInput },
  actors: { task: provided<TaskLogic>(), timer: provided<TimerLogic>() },
  guards: {
    isBeside: (_, { order }: Order) => order.placement === 'beside',
    isRefusing: (_, { order }: Order) => order.whenBusy === 'reject',
    isReplacing: (_, { order }: Order) => order.whenBusy === 'replace',
    isForeground: ({ context }, { taskId }: Named) => context.foreground?.taskId === taskId,
    isQueued: ({ context }, { taskId }: Named) => context.queue.some((order) => order.taskId === taskId),
    isLastReleased: ({ context }, { taskId }: Named) => context.unreleased.every((id) => id === taskId),
    isNextQueued: ({ context }, { taskId }: Named) =>
      context.queue.length > 0 && context.unreleased.every((id) => id === taskId),
    isNextLeftover: ({ context }, { taskId }: Named) =>
      context.inputs.length > 0 && context.lastEnd === 'completed' && context.unreleased.every((id) => id === taskId),
    isSuperseded: ({ context }) => context.queue[0]?.whenBusy === 'replace',
    isAtRest: ({ context }) =>
      running(context).length === 0 && (context.unreleased.length === 0 || context.path.length > 1),
    isLastRequest: ({ context }, { requestId }: { requestId: string }) =>
      context.requests.every(({ id }) => id === requestId),
  },
  actions: {
    announceOpened: () => {},
    announceClosed: () => {},
    announceStart: (_, _params: Order) => {},
    announceInput: (_, _params: { kept: KeptInput }) => {},
    announceAborting: (_, _params: { taskIds: readonly string[]; reason: AbortReason }) => {},
    announceEnd: (_, _params: Ended) => {},
    answerOrder: (_, _params: { taskId: string; disposition: Disposition }) => {},
    dropOrders: (_, _params: { orders: readonly StartOrder[]; reason: AbortReason }) => {},
    settleRequest: (_, _params: Extract<SessionSignal, { type: 'request.settled' }>) => {},
    passDecision: (_, _params: Extract<SessionOp, { type: 'op.answer' }>) => {},
    expireDue: (_, _params: { at: number }) => {},

    takeSlot: assign(({ context }, { order }: Order) => {
      const slot: TaskSlot = { taskId: order.taskId, kind: order.kind, steerable: order.steerable };
      return order.placement === 'beside' ? { beside: [...context.beside, slot] } : { foreground: slot };
    }),
    addToQueue: assign(({ context }, { order }: Order) => ({ queue: [...context.queue, order] })),
    shiftQueue: assign({ queue: ({ context }) => context.queue.slice(1) }),
    removeFromQueue: assign(({ context }, { taskId }: Named) => ({
      queue: context.queue.filter((order) => order.taskId !== taskId),
    })),
    emptyQueue: assign({ queue: [] }),
    addInput: assign(({ context }, { kept }: { kept: KeptInput }) => ({ inputs: [...context.inputs, kept] })),
    shiftInputs: assign({ inputs: ({ context }) => context.inputs.slice(1) }),
    dropInputs: assign(({ context }, { inputIds }: { inputIds: readonly string[] }) => ({
      inputs: context.inputs.filter(({ inputId }) => !inputIds.includes(inputId)),
    })),
    releaseTask: stopChild((_, { end }: Ended) => end.taskId),
    noteEnd: assign(({ context }, { end }: Ended) => {
      const isForeground = context.foreground?.taskId === end.taskId;
      return {
        foreground: isForeground ? null : context.foreground,
        beside: context.beside.filter((slot) => slot.taskId !== end.taskId),
        unreleased: [...context.unreleased, end.taskId],
        lastEnd: isForeground ? end.end : context.lastEnd,
      };
    }),
    noteReleased: assign(({ context }, { taskId }: Named) => ({
      unreleased: context.unreleased.filter((id) => id !== taskId),
    })),
    tellEnded: sendTo(toParent, ({ context }, { end }: Ended) => ({
      type: 'session.task-ended',
      taskId: end.taskId,
      at: end.at,
      end,
      report: reportOf(context, end),
    })),
    tellAcknowledged: sendTo(toParent, (_, { at }: { at: number }) => ({ type: 'session.acknowledged', at })),
    addRequest: assign(({ context }, { request }: { request: SessionRequest }) => ({
      requests: [...context.requests, request],
    })),
    removeRequest: assign(({ context }, { requestId }: { requestId: string }) => ({
      requests: context.requests.filter(({ id }) => id !== requestId),
    })),
    endAttention: raise({ type: 'attention.over' }),
  },
});

/** The words of the session chart: its guards, and its actions. Those with an empty body are provided by the runtime. */
export const sessionSetup = base.extend({
  actions: {
    spawnTask: enqueueActions(({ context, enqueue }, { order: { taskId, kind } }: Order) => {
      const input: TaskInput = { taskId, sessionId: context.sessionId, kind, killMs: context.killMs };
      enqueue.spawnChild(kind as 'task', { id: taskId, input }); // Kinds are provided by name; the handle has checked it.
    }),
    sendAbort: enqueueActions(
      ({ enqueue }, { taskIds, reason, at, deadline }: Abort & { taskIds: readonly string[] }) => {
        for (const taskId of taskIds) enqueue.sendTo(taskId, { type: 'task.abort', reason, at, deadline });
      },
    ),
    sendKill: enqueueActions(({ context, enqueue }, { at }: { at: number }) => {
      for (const { taskId } of running(context)) enqueue.sendTo(taskId, { type: 'task.kill', at });
    }),
    sendCancel: enqueueActions(({ context, enqueue }, { taskId }: Named) => {
      if (running(context).some((slot) => slot.taskId === taskId)) enqueue.sendTo(taskId, { type: 'task.cancel' });
    }),
  },
});

/** What runs: the foreground task, and those beside it. */
export function running({ foreground, beside }: SessionMachineContext): readonly TaskSlot[] {
  return foreground === null ? beside : [foreground, ...beside];
}

function reportOf({ path }: SessionMachineContext, end: TaskEnd): SettleReport {
  if (end.end !== 'aborted') return NOTHING_TO_REPORT;
  return { ...end.report, sessions: [path, ...end.report.sessions] };
}
