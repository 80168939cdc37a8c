import { NO_REQUESTS, nextTurn } from './own-requests.ts';
import {
  asked,
  askedDenied,
  askedQueued,
  askedRepeated,
  countRepeated,
  dueNow,
  endAllOwn,
  endDenied,
  endOthers,
  passedOn,
  sessionSetup,
  turnsOf,
} from './session-asking.ts';
import { abortAll, abortNamed, abortReplaced, earliestExpiry, namedIn } from './session-setup.ts';

/** What becomes of a start. */
const STARTED = { type: 'answerOrder', params: { disposition: 'started' } } as const;
const QUEUED = { type: 'answerOrder', params: { disposition: 'queued' } } as const;
const BUSY = { type: 'answerOrder', params: { disposition: 'rejected', reason: 'busy' } } as const;
const CLOSED = { type: 'answerOrder', params: { disposition: 'rejected', reason: 'closed' } } as const;

/** What becomes of a request that the session asks. */
const REFUSED = [
  { type: 'announceAsked', params: askedDenied },
  { type: 'endRequests', params: endDenied },
] as const;
const REPEATED = [
  { type: 'announceAsked', params: askedRepeated },
  { type: 'announceCount', params: countRepeated },
  'addRepeated',
] as const;
const SHOWN = [{ type: 'announceAsked', params: asked }, 'addAsked', 'giveTurns'] as const;
const IN_QUEUE = [{ type: 'announceAsked', params: askedQueued }, 'addAsked'] as const;
/** What the end of one request comes to, and who has the next turn. */
const ENDED = [{ type: 'endRequests', params: endOthers }, { type: 'passDenial', params: passedOn }, 'endOwn'] as const;
const NEXT_TURNS = [{ type: 'announceDue', params: dueNow }, 'giveTurns'] as const;

/** A session: one history, at most one foreground task at a time. Every op gets an answer. */
export const sessionMachine = sessionSetup.createMachine({
  id: 'session',
  description: 'One history; at most one foreground task at a time.',
  context: ({ input }) => ({
    ...input,
    foreground: null,
    beside: [],
    queue: [],
    inputs: input.inputs ?? [],
    requests: [],
    ...NO_REQUESTS,
    denials: input.denied === undefined ? [] : [{ taskId: null, boundTo: null, ...input.denied }],
    unreleased: [],
    lastEnd: null,
  }),
  type: 'parallel',
  entry: 'announceOpened',
  on: {
    'op.answer': { actions: 'passDecision' },
    'op.kill': { actions: 'sendKill' },
    'op.cancel': { actions: 'sendCancel' },
    'op.interrupt': {
      actions: [
        { type: 'dropOrders', params: ({ context, event }) => ({ orders: context.queue, reason: event.reason }) },
        'emptyQueue',
        { type: 'announceAborting', params: abortAll },
        { type: 'dropQueued', params: abortAll },
        { type: 'sendAbort', params: abortAll },
      ],
    },
    'op.abort': [
      {
        guard: 'isQueued',
        actions: [
          { type: 'dropOrders', params: (scope) => ({ orders: namedIn(scope), reason: scope.event.reason }) },
          'removeFromQueue',
        ],
      },
      {
        actions: [
          { type: 'announceAborting', params: abortNamed },
          { type: 'dropQueued', params: abortNamed },
          { type: 'sendAbort', params: abortNamed },
        ],
      },
    ],
    'inputs.taken': { actions: 'dropInputs' },
    'task.acknowledged': { actions: 'tellAcknowledged' },
  },
  states: {
    activity: {
      description: 'What runs.',
      initial: 'idle',
      on: {
        'op.steer': { actions: ['addInput', 'announceInput', 'answerInput'] },
        'terminal.released': { actions: 'noteReleased' },
        'xstate.done.actor.*': { actions: ['announceEnd', 'tellEnded', 'noteEnd', 'releaseTask'] },
        'xstate.error.actor.*': { actions: ['announceEnd', 'tellEnded', 'noteEnd', 'releaseTask'] },
        'op.close': {
          target: '.closing',
          actions: [
            { type: 'dropOrders', params: ({ context }) => ({ orders: context.queue, reason: 'shutdown' }) },
            'emptyQueue',
            { type: 'announceAborting', params: abortAll },
            { type: 'dropQueued', params: abortAll },
            { type: 'sendAbort', params: abortAll },
          ],
        },
      },
      states: {
        idle: {
          description: 'Nothing runs in the foreground.',
          on: {
            'op.start': [
              { guard: 'isBeside', actions: [STARTED, 'takeSlot', 'announceStart', 'spawnTask'] },
              { guard: 'isCrowded', target: 'admitting', actions: [QUEUED, 'addToQueue'] },
              { target: 'busy', actions: [STARTED, 'takeSlot', 'announceStart', 'spawnTask'] },
            ],
            'op.steer': { target: 'busy', actions: [STARTED, 'takeSlot', 'announceStart', 'spawnTask'] },
          },
        },
        admitting: {
          description: 'Many sessions start at once; this one waits for its turn.',
          meta: { waitsFor: 'queue' },
          invoke: { id: 'turn', src: 'turn' },
          always: { guard: 'isQueueEmpty', target: 'idle' },
          on: {
            'op.start': [
              { guard: 'isBeside', actions: [STARTED, 'takeSlot', 'announceStart', 'spawnTask'] },
              { guard: 'isRefusing', actions: BUSY },
              { actions: [QUEUED, 'addToQueue'] },
            ],
            'turn.granted': { target: 'busy', actions: ['takeSlot', 'announceStart', 'spawnTask', 'shiftQueue'] },
          },
        },
        busy: {
          description: 'A foreground task runs.',
          always: {
            guard: 'isSuperseded',
            target: 'replacing',
            actions: [
              { type: 'announceAborting', params: abortReplaced },
              { type: 'dropQueued', params: abortReplaced },
              { type: 'sendAbort', params: abortReplaced },
            ],
          },
          on: {
            'op.start': [
              { guard: 'isBeside', actions: [STARTED, 'takeSlot', 'announceStart', 'spawnTask'] },
              { guard: 'isRefusing', actions: BUSY },
              {
                guard: 'isReplacing',
                target: 'replacing',
                actions: [
                  QUEUED,
                  'addToQueue',
                  { type: 'announceAborting', params: abortReplaced },
                  { type: 'dropQueued', params: abortReplaced },
                  { type: 'sendAbort', params: abortReplaced },
                ],
              },
              { actions: [QUEUED, 'addToQueue'] },
            ],
            'xstate.done.actor.*': [
              {
                guard: 'isForeground',
                target: 'settling',
                actions: ['announceEnd', 'tellEnded', 'noteEnd', 'releaseTask'],
              },
              { actions: ['announceEnd', 'tellEnded', 'noteEnd', 'releaseTask'] },
            ],
            'xstate.error.actor.*': [
              {
                guard: 'isForeground',
                target: 'settling',
                actions: ['announceEnd', 'tellEnded', 'noteEnd', 'releaseTask'],
              },
              { actions: ['announceEnd', 'tellEnded', 'noteEnd', 'releaseTask'] },
            ],
          },
        },
        replacing: {
          description: 'The foreground task was told to make room; what replaces it waits for its terminal.',
          on: {
            'op.start': [
              { guard: 'isBeside', actions: [STARTED, 'takeSlot', 'announceStart', 'spawnTask'] },
              { guard: 'isRefusing', actions: BUSY },
              { actions: [QUEUED, 'addToQueue'] },
            ],
            'xstate.done.actor.*': [
              {
                guard: 'isForeground',
                target: 'settling',
                actions: ['announceEnd', 'tellEnded', 'noteEnd', 'releaseTask'],
              },
              { actions: ['announceEnd', 'tellEnded', 'noteEnd', 'releaseTask'] },
            ],
            'xstate.error.actor.*': [
              {
                guard: 'isForeground',
                target: 'settling',
                actions: ['announceEnd', 'tellEnded', 'noteEnd', 'releaseTask'],
              },
              { actions: ['announceEnd', 'tellEnded', 'noteEnd', 'releaseTask'] },
            ],
          },
        },
        settling: {
          description: 'A terminal is decided and on its way to the disk; nothing starts before it is seen.',
          meta: { waitsFor: 'disk' },
          on: {
            'op.start': [
              { guard: 'isBeside', actions: [STARTED, 'takeSlot', 'announceStart', 'spawnTask'] },
              { guard: 'isRefusing', actions: BUSY },
              { actions: [QUEUED, 'addToQueue'] },
            ],
            'terminal.released': [
              {
                guard: 'isNextQueued',
                target: 'busy',
                actions: ['noteReleased', 'takeSlot', 'announceStart', 'spawnTask', 'shiftQueue'],
              },
              {
                guard: 'isNextLeftover',
                target: 'busy',
                actions: ['noteReleased', 'takeSlot', 'announceStart', 'spawnTask', 'shiftInputs'],
              },
              { guard: 'isLastReleased', target: 'idle', actions: 'noteReleased' },
              { actions: 'noteReleased' },
            ],
          },
        },
        closing: {
          description: 'What runs is told to stop; nothing starts any more.',
          meta: { waitsFor: 'abort' },
          always: { guard: 'isAtRest', target: 'closed' },
          on: { 'op.start': { actions: CLOSED }, 'op.steer': { actions: CLOSED }, 'op.close': {} },
        },
        closed: { type: 'final', entry: ['announceClosed', 'endAttention'] },
      },
    },
    attention: {
      description: 'What it is asked for.',
      initial: 'clear',
      on: {
        'attention.over': '.over',
        'request.counted': { actions: 'countRequest' },
        'request.settled': { actions: 'settleRequest' },
      },
      states: {
        clear: {
          description: 'No request is open, here or below.',
          on: { 'request.opened': { target: 'awaiting-decision', actions: 'addRequest' } },
        },
        'awaiting-decision': {
          description: 'Somebody has to decide.',
          meta: { waitsFor: 'decision' },
          invoke: { id: 'expiry', src: 'timer', input: ({ context }) => ({ deadline: earliestExpiry(context) }) },
          on: {
            'request.opened': { target: 'awaiting-decision', reenter: true, actions: 'addRequest' },
            'request.settled': [
              { guard: 'isLastRequest', target: 'clear', actions: ['removeRequest', 'settleRequest'] },
              { actions: ['removeRequest', 'settleRequest'] },
            ],
            'request.closed': [
              { guard: 'isLastRequest', target: 'clear', actions: 'removeRequest' },
              { actions: 'removeRequest' },
            ],
            'deadline.passed': { target: 'awaiting-decision', reenter: true, actions: 'expireDue' },
          },
        },
        over: { type: 'final' },
      },
    },
    showing: {
      description: 'Which of its own requests are put in front of people.',
      initial: 'at-once',
      on: {
        'attention.over': '.over',
        'op.deny-all': {
          actions: [{ type: 'endRequests', params: endAllOwn }, { type: 'passDenial', params: passedOn }, 'denyOwn'],
        },
      },
      states: {
        'at-once': {
          description: 'What it asks is shown at once.',
          on: {
            'request.asked': [
              { guard: 'isDenied', actions: REFUSED },
              { guard: 'isRepeated', actions: REPEATED },
              { guard: 'hasRoom', actions: SHOWN },
              { target: 'in-turn', actions: IN_QUEUE },
            ],
            'request.settled': [
              { guard: 'isAlone', actions: 'endOwn' },
              { guard: 'isFreeing', target: 'in-turn', actions: [...ENDED, ...NEXT_TURNS] },
              { actions: ENDED },
            ],
          },
        },
        'in-turn': {
          description: 'Enough has been shown; the rest waits for its turn.',
          meta: { waitsFor: 'queue' },
          invoke: {
            id: 'turn',
            src: 'timer',
            input: ({ context }) => ({ deadline: nextTurn(context, turnsOf(context)) }),
          },
          always: { guard: 'isNoneQueued', target: 'at-once' },
          on: {
            'request.asked': [
              { guard: 'isDenied', actions: REFUSED },
              { guard: 'isRepeated', actions: REPEATED },
              { actions: IN_QUEUE },
            ],
            'request.settled': { target: 'in-turn', reenter: true, actions: [...ENDED, ...NEXT_TURNS] },
            'deadline.passed': { target: 'in-turn', reenter: true, actions: NEXT_TURNS },
            'xstate.done.actor.*': { target: 'in-turn', reenter: true, actions: NEXT_TURNS },
            // When a crash was is not known: the timer says when the next turn is.
            'xstate.error.actor.*': { target: 'in-turn', reenter: true },
          },
        },
        over: { type: 'final' },
      },
    },
  },
  options: { maxIterations: 1_000 },
});
