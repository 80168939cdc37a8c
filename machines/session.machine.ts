import type { DoneActorEvent, ErrorActorEvent, EventObject } from 'xstate';
import { messageOf } from '../src/protocol/errors.ts';
import type { StartOrder, TaskEnd } from '../src/protocol/messages.ts';
import type { AbortReason, Disposition } from '../src/protocol/outcomes.ts';
import { running, type SessionMachineContext, sessionSetup } from './session-setup.ts';

type Answer = { taskId: string; disposition: Disposition };
type Abort = { reason: AbortReason; at: number; deadline: number };

/** A session: one history, at most one foreground task at a time. Every op gets an answer. */
export const sessionMachine = sessionSetup.createMachine({
  id: 'session',
  description: 'One history; at most one foreground task at a time.',
  context: ({ input }) => ({
    ...input,
    foreground: null,
    beside: [],
    queue: [],
    inputs: [],
    requests: [],
    unreleased: [],
    lastEnd: null,
  }),
  type: 'parallel',
  entry: 'announceOpened',
  on: {
    'op.answer': { actions: { type: 'passDecision', params: ({ event }) => event } },
    'op.kill': { actions: { type: 'sendKill', params: ({ event }) => event } },
    'op.cancel': { actions: { type: 'sendCancel', params: ({ event }) => event } },
    'op.interrupt': {
      actions: [
        { type: 'dropOrders', params: ({ context, event }) => ({ orders: context.queue, reason: event.reason }) },
        'emptyQueue',
        { type: 'announceAborting', params: ({ context, event }) => all(context, event) },
        { type: 'sendAbort', params: ({ context, event }) => all(context, event) },
      ],
    },
    'op.abort': [
      {
        guard: { type: 'isQueued', params: ({ event }) => event },
        actions: [
          {
            type: 'dropOrders',
            params: ({ context, event }) => ({ orders: named(context, event), reason: event.reason }),
          },
          { type: 'removeFromQueue', params: ({ event }) => event },
        ],
      },
      {
        actions: [
          { type: 'announceAborting', params: ({ context, event }) => one(context, event) },
          { type: 'sendAbort', params: ({ context, event }) => one(context, event) },
        ],
      },
    ],
    'inputs.taken': { actions: { type: 'dropInputs', params: ({ event }) => event } },
    'task.acknowledged': { actions: { type: 'tellAcknowledged', params: ({ event }) => event } },
  },
  states: {
    activity: {
      description: 'What runs.',
      initial: 'idle',
      on: {
        'op.steer': {
          actions: [
            { type: 'addInput', params: ({ event }) => event },
            { type: 'announceInput', params: ({ event }) => event },
            { type: 'answerOrder', params: ({ context, event }) => steering(context, event.kept) },
          ],
        },
        'terminal.released': { actions: { type: 'noteReleased', params: ({ event }) => event } },
        'xstate.done.actor.*': {
          actions: [
            { type: 'announceEnd', params: endOf },
            { type: 'noteEnd', params: endOf },
            { type: 'releaseTask', params: endOf },
            { type: 'tellEnded', params: endOf },
          ],
        },
        'xstate.error.actor.*': {
          actions: [
            { type: 'announceEnd', params: crashOf },
            { type: 'noteEnd', params: crashOf },
            { type: 'releaseTask', params: crashOf },
            { type: 'tellEnded', params: crashOf },
          ],
        },
        'op.close': {
          target: '.closing',
          actions: [
            { type: 'dropOrders', params: ({ context }) => ({ orders: context.queue, reason: 'shutdown' }) },
            'emptyQueue',
            {
              type: 'announceAborting',
              params: ({ context, event }) => all(context, { ...event, reason: 'shutdown' }),
            },
            { type: 'sendAbort', params: ({ context, event }) => all(context, { ...event, reason: 'shutdown' }) },
          ],
        },
      },
      states: {
        idle: {
          description: 'Nothing runs in the foreground.',
          on: {
            'op.start': [
              {
                guard: { type: 'isBeside', params: ({ event }) => event },
                actions: [
                  { type: 'answerOrder', params: ({ event }) => answer(event, 'started') },
                  { type: 'takeSlot', params: ({ event }) => event },
                  { type: 'announceStart', params: ({ event }) => event },
                  { type: 'spawnTask', params: ({ event }) => event },
                ],
              },
              {
                target: 'busy',
                actions: [
                  { type: 'answerOrder', params: ({ event }) => answer(event, 'started') },
                  { type: 'takeSlot', params: ({ event }) => event },
                  { type: 'announceStart', params: ({ event }) => event },
                  { type: 'spawnTask', params: ({ event }) => event },
                ],
              },
            ],
            'op.steer': {
              target: 'busy',
              actions: [
                { type: 'answerOrder', params: ({ event }) => answer(event.kept, 'started') },
                { type: 'takeSlot', params: ({ event }) => event.kept },
                { type: 'announceStart', params: ({ event }) => event.kept },
                { type: 'spawnTask', params: ({ event }) => event.kept },
              ],
            },
          },
        },
        busy: {
          description: 'A foreground task runs.',
          always: {
            guard: 'isSuperseded',
            target: 'replacing',
            actions: [
              { type: 'announceAborting', params: ({ context }) => replaced(context) },
              { type: 'sendAbort', params: ({ context, event }) => replaced(context, event) },
            ],
          },
          on: {
            'op.start': [
              {
                guard: { type: 'isBeside', params: ({ event }) => event },
                actions: [
                  { type: 'answerOrder', params: ({ event }) => answer(event, 'started') },
                  { type: 'takeSlot', params: ({ event }) => event },
                  { type: 'announceStart', params: ({ event }) => event },
                  { type: 'spawnTask', params: ({ event }) => event },
                ],
              },
              {
                guard: { type: 'isRefusing', params: ({ event }) => event },
                actions: { type: 'answerOrder', params: ({ event }) => refusal(event, 'busy') },
              },
              {
                guard: { type: 'isReplacing', params: ({ event }) => event },
                target: 'replacing',
                actions: [
                  { type: 'addToQueue', params: ({ event }) => event },
                  { type: 'answerOrder', params: ({ event }) => answer(event, 'queued') },
                  { type: 'announceAborting', params: ({ context }) => replaced(context) },
                  { type: 'sendAbort', params: ({ context, event }) => replaced(context, event) },
                ],
              },
              {
                actions: [
                  { type: 'addToQueue', params: ({ event }) => event },
                  { type: 'answerOrder', params: ({ event }) => answer(event, 'queued') },
                ],
              },
            ],
            'xstate.done.actor.*': [
              {
                guard: { type: 'isForeground', params: childOf },
                target: 'settling',
                actions: [
                  { type: 'announceEnd', params: endOf },
                  { type: 'noteEnd', params: endOf },
                  { type: 'releaseTask', params: endOf },
                  { type: 'tellEnded', params: endOf },
                ],
              },
              {
                actions: [
                  { type: 'announceEnd', params: endOf },
                  { type: 'noteEnd', params: endOf },
                  { type: 'releaseTask', params: endOf },
                  { type: 'tellEnded', params: endOf },
                ],
              },
            ],
            'xstate.error.actor.*': [
              {
                guard: { type: 'isForeground', params: childOf },
                target: 'settling',
                actions: [
                  { type: 'announceEnd', params: crashOf },
                  { type: 'noteEnd', params: crashOf },
                  { type: 'releaseTask', params: crashOf },
                  { type: 'tellEnded', params: crashOf },
                ],
              },
              {
                actions: [
                  { type: 'announceEnd', params: crashOf },
                  { type: 'noteEnd', params: crashOf },
                  { type: 'releaseTask', params: crashOf },
                  { type: 'tellEnded', params: crashOf },
                ],
              },
            ],
          },
        },
        replacing: {
          description: 'The foreground task was told to make room; what replaces it waits for its terminal.',
          on: {
            'op.start': [
              {
                guard: { type: 'isBeside', params: ({ event }) => event },
                actions: [
                  { type: 'answerOrder', params: ({ event }) => answer(event, 'started') },
                  { type: 'takeSlot', params: ({ event }) => event },
                  { type: 'announceStart', params: ({ event }) => event },
                  { type: 'spawnTask', params: ({ event }) => event },
                ],
              },
              {
                guard: { type: 'isRefusing', params: ({ event }) => event },
                actions: { type: 'answerOrder', params: ({ event }) => refusal(event, 'busy') },
              },
              {
                actions: [
                  { type: 'addToQueue', params: ({ event }) => event },
                  { type: 'answerOrder', params: ({ event }) => answer(event, 'queued') },
                ],
              },
            ],
            'xstate.done.actor.*': [
              {
                guard: { type: 'isForeground', params: childOf },
                target: 'settling',
                actions: [
                  { type: 'announceEnd', params: endOf },
                  { type: 'noteEnd', params: endOf },
                  { type: 'releaseTask', params: endOf },
                  { type: 'tellEnded', params: endOf },
                ],
              },
              {
                actions: [
                  { type: 'announceEnd', params: endOf },
                  { type: 'noteEnd', params: endOf },
                  { type: 'releaseTask', params: endOf },
                  { type: 'tellEnded', params: endOf },
                ],
              },
            ],
            'xstate.error.actor.*': [
              {
                guard: { type: 'isForeground', params: childOf },
                target: 'settling',
                actions: [
                  { type: 'announceEnd', params: crashOf },
                  { type: 'noteEnd', params: crashOf },
                  { type: 'releaseTask', params: crashOf },
                  { type: 'tellEnded', params: crashOf },
                ],
              },
              {
                actions: [
                  { type: 'announceEnd', params: crashOf },
                  { type: 'noteEnd', params: crashOf },
                  { type: 'releaseTask', params: crashOf },
                  { type: 'tellEnded', params: crashOf },
                ],
              },
            ],
          },
        },
        settling: {
          description: 'A terminal is decided and on its way to the disk; nothing starts before it is seen.',
          meta: { waitsFor: 'disk' },
          on: {
            'op.start': [
              {
                guard: { type: 'isRefusing', params: ({ event }) => event },
                actions: { type: 'answerOrder', params: ({ event }) => refusal(event, 'busy') },
              },
              {
                actions: [
                  { type: 'addToQueue', params: ({ event }) => event },
                  { type: 'answerOrder', params: ({ event }) => answer(event, 'queued') },
                ],
              },
            ],
            'terminal.released': [
              {
                guard: { type: 'isNextQueued', params: ({ event }) => event },
                target: 'busy',
                actions: [
                  { type: 'noteReleased', params: ({ event }) => event },
                  { type: 'takeSlot', params: ({ context }) => queued(context) },
                  { type: 'announceStart', params: ({ context }) => queued(context) },
                  { type: 'spawnTask', params: ({ context }) => queued(context) },
                  'shiftQueue',
                ],
              },
              {
                guard: { type: 'isNextLeftover', params: ({ event }) => event },
                target: 'busy',
                actions: [
                  { type: 'noteReleased', params: ({ event }) => event },
                  { type: 'takeSlot', params: ({ context }) => leftover(context) },
                  { type: 'announceStart', params: ({ context }) => leftover(context) },
                  { type: 'spawnTask', params: ({ context }) => leftover(context) },
                  'shiftInputs',
                ],
              },
              {
                guard: { type: 'isLastReleased', params: ({ event }) => event },
                target: 'idle',
                actions: { type: 'noteReleased', params: ({ event }) => event },
              },
              { actions: { type: 'noteReleased', params: ({ event }) => event } },
            ],
          },
        },
        closing: {
          description: 'What runs is told to stop; nothing starts any more.',
          meta: { waitsFor: 'abort' },
          always: { guard: 'isAtRest', target: 'closed' },
          on: {
            'op.start': { actions: { type: 'answerOrder', params: ({ event }) => refusal(event, 'closed') } },
            'op.steer': { actions: { type: 'answerOrder', params: ({ event }) => refusal(event.kept, 'closed') } },
            'op.close': {},
          },
        },
        closed: { type: 'final', entry: ['announceClosed', 'endAttention'] },
      },
    },
    attention: {
      description: 'What it is asked for.',
      initial: 'clear',
      on: { 'attention.over': '.over' },
      states: {
        clear: {
          description: 'No request is open, here or below.',
          on: {
            'request.opened': {
              target: 'awaiting-decision',
              actions: { type: 'addRequest', params: ({ event }) => event },
            },
          },
        },
        'awaiting-decision': {
          description: 'Somebody has to decide.',
          meta: { waitsFor: 'decision' },
          invoke: {
            id: 'expiry',
            src: 'timer',
            input: ({ context }) => ({ deadline: earliestExpiry(context.requests) }),
          },
          on: {
            'request.opened': {
              target: 'awaiting-decision',
              reenter: true,
              actions: { type: 'addRequest', params: ({ event }) => event },
            },
            'request.settled': [
              {
                guard: { type: 'isLastRequest', params: ({ event }) => event },
                target: 'clear',
                actions: [
                  { type: 'removeRequest', params: ({ event }) => event },
                  { type: 'settleRequest', params: ({ event }) => event },
                ],
              },
              {
                actions: [
                  { type: 'removeRequest', params: ({ event }) => event },
                  { type: 'settleRequest', params: ({ event }) => event },
                ],
              },
            ],
            'request.closed': [
              {
                guard: { type: 'isLastRequest', params: ({ event }) => event },
                target: 'clear',
                actions: { type: 'removeRequest', params: ({ event }) => event },
              },
              { actions: { type: 'removeRequest', params: ({ event }) => event } },
            ],
            'deadline.passed': {
              target: 'awaiting-decision',
              reenter: true,
              actions: { type: 'expireDue', params: ({ event }) => event },
            },
          },
        },
        over: { type: 'final' },
      },
    },
  },
  options: { maxIterations: 1_000 },
});

function answer({ order: { taskId } }: { order: StartOrder }, disposition: 'started' | 'queued'): Answer {
  return { taskId, disposition: { disposition, taskId } };
}

function refusal({ order: { taskId } }: { order: StartOrder }, reason: string): Answer {
  return { taskId, disposition: { disposition: 'rejected', reason } };
}

function steering({ foreground }: SessionMachineContext, { order: { taskId } }: { order: StartOrder }): Answer {
  const steered = foreground?.steerable === true;
  const disposition: Disposition = steered
    ? { disposition: 'steered', taskId: foreground.taskId }
    : { disposition: 'queued', taskId };
  return { taskId, disposition };
}

function all(context: SessionMachineContext, abort: Abort) {
  return { ...abort, taskIds: running(context).map(({ taskId }) => taskId) };
}

function one(context: SessionMachineContext, abort: Abort & { taskId: string }) {
  return { ...abort, taskIds: all(context, abort).taskIds.filter((taskId) => taskId === abort.taskId) };
}

function replaced({ foreground, graceMs }: SessionMachineContext, event: { type: string } = { type: 'none' }) {
  const at = 'at' in event && typeof event.at === 'number' ? event.at : 0;
  return {
    taskIds: foreground === null ? [] : [foreground.taskId],
    reason: 'replaced' as const,
    at,
    deadline: at + graceMs,
  };
}

function named({ queue }: SessionMachineContext, { taskId }: { taskId: string }): StartOrder[] {
  return queue.filter((order) => order.taskId === taskId);
}

function queued({ queue: [order] }: SessionMachineContext): { order: StartOrder } {
  if (order === undefined) throw new Error('Expected a queued start, got an empty queue.');
  return { order };
}

function leftover({ inputs: [kept] }: SessionMachineContext): { order: StartOrder } {
  if (kept === undefined) throw new Error('Expected a kept input, got none.');
  return { order: kept.order };
}

function childOf({ event }: { event: EventObject }): { taskId: string } {
  return { taskId: (event as DoneActorEvent & { actorId: string }).actorId }; // A wildcard event is untyped in XState.
}

function endOf({ event }: { event: EventObject }): { end: TaskEnd } {
  return { end: (event as DoneActorEvent<TaskEnd>).output }; // Only tasks are spawned here.
}

function crashOf({ event }: { event: EventObject }): { end: TaskEnd } {
  const { actorId, error } = event as ErrorActorEvent & { actorId: string }; // A wildcard event is untyped in XState.
  const message = `The task crashed: ${messageOf(error)}. This is a defect of the task's machine.`;
  const [kind = actorId] = actorId.split('/');
  return {
    end: { taskId: actorId, kind, at: 0, end: 'failed', error: { code: 'internal', message, retryable: false } },
  };
}

/** In ms since 1970; null when no open request expires. */
function earliestExpiry(requests: readonly { expiresAt?: string }[]): number | null {
  const times = requests.flatMap(({ expiresAt }) => (expiresAt === undefined ? [] : [Date.parse(expiresAt)]));
  return times.length === 0 ? null : Math.min(...times);
}
