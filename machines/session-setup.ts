import {
  assertEvent,
  assign,
  type DoneActorEvent,
  type ErrorActorEvent,
  enqueueActions,
  raise,
  sendTo,
  setup,
  stopChild,
} from 'xstate';
import { messageOf } from '../src/protocol/errors.ts';
import { msOf } from '../src/protocol/iso-time.ts';
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
import type { AbortReason } from '../src/protocol/outcomes.ts';
import type { SessionRequest } from '../src/protocol/requests.ts';
import { type Logic, provided, type TimerLogic, type TurnLogic, toParent } from './logic.ts';
import { type OwnRequests, withoutTask } from './own-requests.ts';

export type TaskLogic = Logic<TaskInput, TaskCommand, TaskEnd>;

/** `childId` is the task's name among the session's actors: one of a few that are used again, because XState never forgets a name. */
export type TaskSlot = Readonly<{
  taskId: string;
  childId: string;
  kind: string;
  steerable: boolean;
  /** The task that started it, if it was one of this session. */
  owner?: string;
}>;

export type SessionMachineContext = SessionInput &
  OwnRequests & {
    foreground: TaskSlot | null;
    beside: readonly TaskSlot[];
    queue: readonly StartOrder[];
    /** What the user said that no task has taken yet. */
    inputs: readonly KeptInput[];
    /** Requests of this session and of all below it that are in front of people, oldest first. */
    requests: readonly SessionRequest[];
    /** Tasks that have decided their end, and whose terminal event no client has seen yet. */
    unreleased: readonly string[];
    /** How the last foreground task ended; what is left over goes on only after `completed`. */
    lastEnd: TaskEnd['end'] | null;
  };

export type SessionMachineEvent = SessionOp | SessionSignal | DoneActorEvent<TaskEnd> | ErrorActorEvent;
type Scope = { context: SessionMachineContext; event: SessionMachineEvent };

const base = setup({
  types: {} as { context: SessionMachineContext; events: SessionMachineEvent; input: SessionInput },
  actors: { task: provided<TaskLogic>(), timer: provided<TimerLogic>(), turn: provided<TurnLogic>() },
  guards: {
    isBeside: (scope) => orderIn(scope).placement === 'beside',
    isCrowded: ({ event }) => event.type === 'op.start' && event.crowded === true,
    isQueueEmpty: ({ context }) => context.queue.length === 0,
    isRefusing: (scope) => orderIn(scope).whenBusy === 'reject',
    isReplacing: (scope) => orderIn(scope).whenBusy === 'replace',
    isForeground: (scope) => scope.context.foreground?.childId === childIn(scope.event),
    isQueued: ({ context, event }) =>
      event.type === 'op.abort' && context.queue.some(({ taskId }) => taskId === event.taskId),
    isLastReleased: ({ context, event }) => isLastRelease(context, event),
    isNextQueued: ({ context, event }) => isLastRelease(context, event) && context.queue.length > 0,
    isNextLeftover: ({ context, event }) =>
      isLastRelease(context, event) && context.inputs.length > 0 && context.lastEnd === 'completed',
    isSuperseded: ({ context }) => context.queue[0]?.whenBusy === 'replace',
    isAtRest: ({ context }) =>
      running(context).length === 0 && (context.unreleased.length === 0 || context.path.length > 1),
    isLastRequest: ({ context, event }) =>
      'requestId' in event && context.requests.every(({ id }) => id === event.requestId),
  },
  actions: {
    // Provided by the runtime: it commits, tells and answers. It decides nothing.
    announceOpened: () => {},
    announceClosed: () => {},
    announceStart: () => {},
    announceInput: () => {},
    announceEnd: () => {},
    announceAborting: (_, _params: Abort) => {},
    answerOrder: (
      _,
      _params: { disposition: 'started' | 'queued' } | { disposition: 'rejected'; reason: string },
    ) => {},
    answerInput: () => {},
    dropOrders: (_, _params: { orders: readonly StartOrder[]; reason: AbortReason }) => {},
    settleRequest: () => {},
    passDecision: () => {},
    expireDue: () => {},

    takeSlot: assign((scope) => {
      const { taskId, kind, steerable, placement, owner } = orderIn(scope);
      const place = placement === 'beside' ? freePlace(scope.context.beside, kind) : 'foreground';
      const slot: TaskSlot = {
        taskId,
        childId: `${kind}/${place}`,
        kind,
        steerable,
        ...(owner === undefined ? {} : { owner }),
      };
      return placement === 'beside' ? { beside: [...scope.context.beside, slot] } : { foreground: slot };
    }),
    addToQueue: assign((scope) => ({ queue: [...scope.context.queue, orderIn(scope)] })),
    shiftQueue: assign(({ context }) => ({ queue: context.queue.slice(1) })),
    removeFromQueue: assign((scope) => ({
      queue: scope.context.queue.filter((order) => !namedIn(scope).includes(order)),
    })),
    emptyQueue: assign({ queue: [] }),
    addInput: assign(({ context, event }) => {
      assertEvent(event, 'op.steer');
      return { inputs: [...context.inputs, event.kept] };
    }),
    shiftInputs: assign(({ context }) => ({ inputs: context.inputs.slice(1) })),
    dropInputs: assign(({ context, event }) => {
      assertEvent(event, 'inputs.taken');
      const { inputIds } = event;
      return { inputs: context.inputs.filter(({ inputId }) => !inputIds.includes(inputId)) };
    }),
    releaseTask: stopChild(({ event }) => childIn(event)),
    noteEnd: assign(({ context, event }) => {
      const { taskId, end } = endIn({ context, event });
      const isForeground = context.foreground?.taskId === taskId;
      return {
        foreground: isForeground ? null : context.foreground,
        beside: context.beside.filter((slot) => slot.taskId !== taskId),
        unreleased: [...context.unreleased, taskId],
        lastEnd: isForeground ? end : context.lastEnd,
        ...withoutTask(context, taskId),
      };
    }),
    noteReleased: assign(({ context, event }) => {
      assertEvent(event, 'terminal.released');
      const { taskId } = event;
      return { unreleased: context.unreleased.filter((id) => id !== taskId) };
    }),
    tellEnded: sendTo(toParent, ({ context, event }) => {
      const end = endIn({ context, event });
      return { type: 'session.task-ended', taskId: end.taskId, at: end.at, end, report: reportOf(context, end) };
    }),
    tellAcknowledged: sendTo(toParent, ({ event }) => ({ type: 'session.acknowledged', at: atIn(event) })),
    addRequest: assign(({ context, event }) => {
      assertEvent(event, 'request.opened');
      return { requests: [...context.requests, event.request] };
    }),
    removeRequest: assign(({ context, event }) =>
      'requestId' in event ? { requests: context.requests.filter(({ id }) => id !== event.requestId) } : {},
    ),
    endAttention: raise({ type: 'attention.over' }),
  },
});

/** What the session chart says of tasks and starts: guards and actions. */
export const taskSetup = base.extend({
  actions: {
    spawnTask: enqueueActions(({ context, event, enqueue }) => {
      const { taskId, kind } = orderIn({ context, event });
      const input: TaskInput = { taskId, sessionId: context.sessionId, kind, killMs: context.killMs };
      enqueue.spawnChild(kind as 'task', { id: slotOf(context, taskId).childId, input }); // Kinds are provided by name; the handle has checked it.
    }),
    sendAbort: enqueueActions(({ context, enqueue }, { taskIds, ...abort }: Abort) => {
      for (const taskId of taskIds) enqueue.sendTo(slotOf(context, taskId).childId, { type: 'task.abort', ...abort });
    }),
    sendKill: enqueueActions(({ context, event, enqueue }) => {
      for (const { childId } of running(context)) enqueue.sendTo(childId, { type: 'task.kill', at: atIn(event) });
    }),
    sendCancel: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'op.cancel' || running(context).every(({ taskId }) => taskId !== event.taskId)) return;
      enqueue.sendTo(slotOf(context, event.taskId).childId, { type: 'task.cancel' });
    }),
  },
});

/** Which tasks are aborted, and why. */
export type Abort = Readonly<{ taskIds: readonly string[]; reason: AbortReason; at: number; deadline: number }>;

/** All that runs, for the reason that the event gives; a close gives `shutdown`. */
export function abortAll({
  context,
  event,
}: {
  context: SessionMachineContext;
  event: { at: number; deadline: number; reason?: AbortReason };
}): Abort {
  const { at, deadline, reason = 'shutdown' } = event;
  return { at, deadline, reason, taskIds: running(context).map(({ taskId }) => taskId) };
}

/** The one task that the event names, if it runs, and those that it owns. */
export function abortNamed(scope: {
  context: SessionMachineContext;
  event: { at: number; deadline: number; reason: AbortReason; taskId: string };
}): Abort {
  return { ...abortAll(scope), taskIds: withOwned(scope.context, scope.event.taskId) };
}

/** The foreground task, which makes room for the next one, and those that it owns. */
export function abortReplaced({ context, event }: { context: SessionMachineContext; event: { type: string } }): Abort {
  const at = atIn(event);
  const taskIds = context.foreground === null ? [] : withOwned(context, context.foreground.taskId);
  return { taskIds, reason: 'replaced', at, deadline: at + context.graceMs };
}

/** Of the tasks that run, the one of this id and those that it owns. */
function withOwned(context: SessionMachineContext, taskId: string): readonly string[] {
  return running(context).flatMap((slot) => (slot.taskId === taskId || slot.owner === taskId ? [slot.taskId] : []));
}

/** The start that an event is about: the one it brings, or the next one whose turn it makes. */
export function orderIn({ context, event }: Scope): StartOrder {
  if (event.type === 'op.start') return event.order;
  if (event.type === 'op.steer') return event.kept.order;
  const next = context.queue[0] ?? context.inputs[0]?.order;
  if (next === undefined) throw new Error(`Expected a start to be waiting, got none at "${event.type}".`);
  return next;
}

/** Queued starts that an event names. */
export function namedIn({ context, event }: Scope): readonly StartOrder[] {
  return event.type === 'op.abort' ? context.queue.filter(({ taskId }) => taskId === event.taskId) : [];
}

/** How the task that an event tells of has ended; one that crashed has failed. */
export function endIn({ context, event }: Scope): TaskEnd {
  if ('output' in event) return event.output;
  const childId = childIn(event);
  const { taskId, kind } = running(context).find((slot) => slot.childId === childId) ?? { taskId: childId, kind: '' };
  const cause = 'error' in event ? messageOf(event.error) : event.type;
  const message = `The task crashed: ${cause}. This is a defect of the task's machine.`;
  return { taskId, kind, at: 0, end: 'failed', error: { code: 'internal', message, retryable: false } };
}

/** In ms since 1970; null when no request of this session's own expires. */
export function earliestExpiry({ sessionId, requests }: SessionMachineContext): number | null {
  const times = requests.flatMap((request) =>
    request.sessionId === sessionId && request.expiresAt !== undefined ? [msOf(request.expiresAt)] : [],
  );
  return times.length === 0 ? null : Math.min(...times);
}

/** The first place beside the foreground that no task of this kind holds. */
function freePlace(beside: readonly TaskSlot[], kind: string): string {
  for (let place = 0; ; place += 1) {
    if (beside.every(({ childId }) => childId !== `${kind}/beside-${place}`)) return `beside-${place}`;
  }
}

function slotOf(context: SessionMachineContext, taskId: string): TaskSlot {
  const slot = running(context).find((candidate) => candidate.taskId === taskId);
  if (slot === undefined) throw new Error(`Expected the task "${taskId}" to be running, got none of that name.`);
  return slot;
}

function childIn(event: SessionMachineEvent): string {
  return 'actorId' in event ? event.actorId : '';
}

/** When an event has happened, in ms since 1970. */
export function atIn(event: { type: string }): number {
  const { at } = 'output' in event ? Object(event.output) : { at: 0, ...event };
  return typeof at === 'number' ? at : 0;
}

function isLastRelease({ unreleased }: SessionMachineContext, event: SessionMachineEvent): boolean {
  return event.type === 'terminal.released' && unreleased.every((taskId) => taskId === event.taskId);
}

export function running({ foreground, beside }: SessionMachineContext): readonly TaskSlot[] {
  return foreground === null ? beside : [foreground, ...beside];
}

function reportOf({ path }: SessionMachineContext, end: TaskEnd): SettleReport {
  if (end.end !== 'aborted') return NOTHING_TO_REPORT;
  return { ...end.report, sessions: [path, ...end.report.sessions] };
}
