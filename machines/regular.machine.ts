import { assign, type DoneActorEvent, type EventObject, enqueueActions, sendTo, setup } from 'xstate';
import type { TaskError } from '../src/protocol/errors.ts';
import {
  addReports,
  type LeafEnd,
  NOTHING_TO_REPORT,
  type SampleEnd,
  type SettleReport,
  type TaskInput,
  type ToolCall,
  type WorkCommand,
  type WorkEnd,
  type WorkSignal,
} from '../src/protocol/messages.ts';
import { lifecycle, type WorkLogic } from './lifecycle.ts';
import { type Logic, provided, toParent } from './logic.ts';
import { type ToolCallEnd, toolCall } from './tool-call.machine.ts';

/** The lifecycle of a regular task: the model works on what the user asked for. */
export const regularTask = lifecycle({
  id: 'regular',
  description: 'Steps until the model stops calling tools.',
});

export type SampleInput = Readonly<{ task: TaskInput; step: number; isCompacted: boolean; continues: boolean }>;
export type SampleLogic = Logic<SampleInput, WorkCommand, LeafEnd<SampleEnd>>;
/** Ends when there is something new for the model (true), or no agent works any more. */
export type AgentsLogic = Logic<TaskInput, WorkCommand, LeafEnd<boolean>>;

type Context = {
  task: TaskInput;
  step: number;
  /** Calls of the step that have not started, and those that run. */
  waiting: ToolCall[];
  running: { callId: string; childId: string }[];
  /** The history was compacted for the step that runs. */
  isCompacted: boolean;
  /** The model has called tools in the step before, and goes on with what they gave. */
  continues: boolean;
  /** The step that runs is the last: somebody asked to wrap up. */
  last: boolean;
  at: number;
  report: SettleReport;
  end: { end: 'completed'; answer: string | null } | { end: 'failed'; error: TaskError } | { end: 'stopped' };
};

type Acknowledged = Extract<WorkSignal, { type: 'work.acknowledged' }>;
type Sampled = { sampled: LeafEnd<SampleEnd> };
type Compacted = { work: WorkEnd };
type AgentsEnded = { ended: LeafEnd<boolean> };
type CallDone = DoneActorEvent<ToolCallEnd> & { actorId: string };

/** What a regular task does: a loop of steps, each one model request and the tool calls it leads to. */
export const regularWork = setup({
  types: {} as { context: Context; events: WorkCommand | Acknowledged; input: TaskInput; output: WorkEnd },
  actors: {
    sample: provided<SampleLogic>(),
    agents: provided<AgentsLogic>(),
    compaction: provided<WorkLogic>(),
    toolCall,
  },
  guards: {
    isFull: (_, { sampled }: Sampled) => sampled.value?.status === 'full' && !sampled.cancelled,
    hasCompacted: (_, { work }: Compacted) => work.end === 'completed',
    wasStopped: (_, { sampled }: Sampled) => sampled.cancelled || sampled.value?.status === 'aborted',
    hasFailed: (_, { sampled }: Sampled) => sampled.value === null || sampled.value.status === 'failed',
    hasCalls: (_, { sampled }: Sampled) => sampled.value?.status === 'completed' && sampled.value.calls.length > 0,
    goesOn: ({ context }, { sampled }: Sampled) =>
      sampled.value?.status === 'completed' && sampled.value.more && !context.last,
    awaitsAgents: ({ context }, { sampled }: Sampled) =>
      sampled.value?.status === 'completed' && sampled.value.awaits === true && !context.last,
    wasCancelled: (_, { ended }: AgentsEnded) => ended.cancelled,
    hasNews: (_, { ended }: AgentsEnded) => ended.value === true,
    isLast: ({ context }) => context.last,
    allSettled: ({ context }) => context.running.length === 0 && context.waiting.length === 0,
    allSettledAndLast: ({ context }) => context.last && context.running.length === 0 && context.waiting.length === 0,
    noneRunning: ({ context }) => context.running.length === 0,
  },
  actions: {
    nextStep: assign({ step: ({ context }) => context.step + 1 }),
    noteFull: assign({ step: ({ context }) => context.step - 1, isCompacted: true }),
    noteCompaction: assign(({ context }, { work }: Compacted) => ({
      at: work.at,
      report: addReports(context.report, work.report),
    })),
    concludeUncompacted: assign({ end: (_, { work }: Compacted) => unlessCompleted(work) }),
    passToCompaction: sendTo('compaction', ({ event }) => event),
    noteSampled: assign(({ context }, { sampled }: Sampled) => ({
      at: sampled.at,
      report: addReports(context.report, sampled.report),
      waiting: sampled.value?.status === 'completed' ? [...sampled.value.calls] : [],
      isCompacted: false,
      continues:
        sampled.value?.status === 'full'
          ? context.continues
          : sampled.value?.status === 'completed' && sampled.value.calls.length > 0,
    })),
    noteLast: assign({ last: true }),
    noteCall: assign(({ context }, { event }: { event: CallDone }) => ({
      running: context.running.filter(({ callId }) => callId !== event.output.callId),
      at: event.output.at,
      report: addReports(context.report, event.output.report),
    })),
    noteAgents: assign(({ context }, { ended }: AgentsEnded) => ({
      at: ended.at,
      report: addReports(context.report, ended.report),
    })),
    passToAgents: sendTo('agents', ({ event }) => event),
    stopAwaiting: sendTo('agents', ({ context }) => ({
      type: 'work.cancel' as const,
      at: context.at,
      deadline: context.at,
    })),
    dropWaiting: assign({ waiting: [] }),
    startCalls: enqueueActions(({ context, enqueue }) => {
      const batch = nextBatch(context.waiting);
      // Names are used again, because XState never forgets one; a batch starts only when the last one is over.
      const running = batch.map(({ callId }, place) => ({ callId, childId: `call/${place}` }));
      enqueue.assign({ waiting: context.waiting.slice(batch.length), running });
      const { sessionId, taskId } = context.task;
      batch.forEach((call, place) => {
        enqueue.spawnChild('toolCall', { id: `call/${place}`, input: { sessionId, taskId, call } });
      });
    }),
    passToSample: sendTo('sample', ({ event }) => event),
    passToCalls: enqueueActions(({ context, event, enqueue }) => {
      for (const { childId } of context.running) enqueue.sendTo(childId, event);
    }),
    releaseCall: enqueueActions(({ enqueue }, { event }: { event: CallDone }) => {
      enqueue.stopChild(event.actorId);
    }),
    passAcknowledged: sendTo(toParent, ({ event }) => event),
    acknowledge: sendTo(toParent, ({ event }) => ({ type: 'work.acknowledged', at: 'at' in event ? event.at : 0 })),
    concludeCompleted: assign(({ context }, { sampled }: Sampled) => ({
      at: sampled.at,
      report: addReports(context.report, sampled.report),
      end: {
        end: 'completed' as const,
        answer: sampled.value?.status === 'completed' ? sampled.value.answer : null,
      },
    })),
    concludeWrappedUp: assign({ end: { end: 'completed', answer: null } as const }),
    concludeFailed: assign({ end: (_, { sampled }: Sampled) => ({ end: 'failed' as const, error: errorOf(sampled) }) }),
    concludeStopped: assign({ end: { end: 'stopped' } as const }),
  },
}).createMachine({
  id: 'regular-work',
  description: 'A loop of steps: one model request, and the tool calls it leads to.',
  context: ({ input }) => ({
    task: input,
    step: 0,
    waiting: [],
    running: [],
    isCompacted: false,
    continues: false,
    last: false,
    at: 0,
    report: NOTHING_TO_REPORT,
    end: { end: 'stopped' },
  }),
  output: ({ context }) => workEndOf(context),
  initial: 'sampling',
  on: { 'work.wind-down': { actions: 'noteLast' } },
  states: {
    sampling: {
      description: 'The model speaks; its deltas touch no mailbox.',
      meta: { waitsFor: 'model' },
      entry: 'nextStep',
      invoke: {
        id: 'sample',
        src: 'sample',
        input: ({ context: { task, step, isCompacted, continues } }) => ({ task, step, isCompacted, continues }),
        onDone: [
          {
            guard: { type: 'isFull', params: sampledOf },
            target: 'compacting',
            actions: [{ type: 'noteSampled', params: sampledOf }, 'noteFull'],
          },
          {
            guard: { type: 'wasStopped', params: sampledOf },
            target: 'over',
            actions: [{ type: 'noteSampled', params: sampledOf }, 'concludeStopped'],
          },
          {
            guard: { type: 'hasFailed', params: sampledOf },
            target: 'over',
            actions: [
              { type: 'noteSampled', params: sampledOf },
              { type: 'concludeFailed', params: sampledOf },
            ],
          },
          {
            guard: { type: 'hasCalls', params: sampledOf },
            target: 'calling',
            actions: { type: 'noteSampled', params: sampledOf },
          },
          {
            guard: { type: 'goesOn', params: sampledOf },
            target: 'sampling',
            reenter: true,
            actions: { type: 'noteSampled', params: sampledOf },
          },
          {
            guard: { type: 'awaitsAgents', params: sampledOf },
            target: 'awaiting-agents',
            actions: { type: 'concludeCompleted', params: sampledOf },
          },
          {
            target: 'over',
            actions: { type: 'concludeCompleted', params: sampledOf },
          },
        ],
      },
      on: {
        'work.cancel': { actions: ['passToSample', 'acknowledge'] },
        'work.kill': { actions: 'passToSample' },
      },
    },
    calling: {
      description: 'Tool calls run; those that may run beside each other do.',
      meta: { waitsFor: 'tool' },
      entry: 'startCalls',
      always: [
        { guard: 'allSettledAndLast', target: 'over', actions: 'concludeWrappedUp' },
        { guard: 'allSettled', target: 'sampling' },
        { guard: 'noneRunning', actions: 'startCalls' },
      ],
      on: {
        'work.cancel': { target: 'stopping', actions: ['dropWaiting', 'passToCalls', 'acknowledge'] },
        'xstate.done.actor.*': {
          actions: [
            { type: 'noteCall', params: callOf },
            { type: 'releaseCall', params: callOf },
          ],
        },
      },
    },
    compacting: {
      description: 'The history is too long for the next request: it is compacted first.',
      meta: { waitsFor: 'work' },
      invoke: {
        id: 'compaction',
        src: 'compaction',
        input: ({ context }) => ({ ...context.task, kind: 'compact' }),
        onDone: [
          {
            guard: { type: 'hasCompacted', params: compactedOf },
            target: 'sampling',
            actions: { type: 'noteCompaction', params: compactedOf },
          },
          {
            target: 'over',
            actions: [
              { type: 'noteCompaction', params: compactedOf },
              { type: 'concludeUncompacted', params: compactedOf },
            ],
          },
        ],
      },
      on: {
        'work.acknowledged': { actions: 'passAcknowledged' },
        'work.cancel': { actions: 'passToCompaction' },
        'work.kill': { actions: 'passToCompaction' },
      },
    },
    'awaiting-agents': {
      description: 'The model has nothing more to say, but agents that it has started still work.',
      meta: { waitsFor: 'sub-session' },
      invoke: {
        id: 'agents',
        src: 'agents',
        input: ({ context }) => context.task,
        onDone: [
          { guard: 'isLast', target: 'over', actions: { type: 'noteAgents', params: agentsOf } },
          {
            guard: { type: 'wasCancelled', params: agentsOf },
            target: 'over',
            actions: [{ type: 'noteAgents', params: agentsOf }, 'concludeStopped'],
          },
          {
            guard: { type: 'hasNews', params: agentsOf },
            target: 'sampling',
            actions: { type: 'noteAgents', params: agentsOf },
          },
          { target: 'over', actions: { type: 'noteAgents', params: agentsOf } },
        ],
      },
      on: {
        'work.wind-down': { actions: ['noteLast', 'stopAwaiting'] },
        'work.cancel': { actions: ['passToAgents', 'acknowledge'] },
        'work.kill': { actions: 'passToAgents' },
      },
    },
    stopping: {
      description: 'Calls were told to stop; none starts any more.',
      meta: { waitsFor: 'abort' },
      always: { guard: 'noneRunning', target: 'over', actions: 'concludeStopped' },
      on: {
        'work.kill': { actions: 'passToCalls' },
        'xstate.done.actor.*': {
          actions: [
            { type: 'noteCall', params: callOf },
            { type: 'releaseCall', params: callOf },
          ],
        },
      },
    },
    over: { type: 'final' },
  },
  options: { maxIterations: 1_000 },
});

/** Calls that may run beside each other, up to the first that may not; else that one alone. */
function nextBatch(waiting: readonly ToolCall[]): ToolCall[] {
  const alone = waiting.findIndex((call) => !call.parallel);
  if (alone === 0) return waiting.slice(0, 1);
  return waiting.slice(0, alone === -1 ? waiting.length : alone);
}

function sampledOf({ event }: { event: { output: LeafEnd<SampleEnd> } }): Sampled {
  return { sampled: event.output };
}

function compactedOf({ event }: { event: { output: WorkEnd } }): Compacted {
  return { work: event.output };
}

function unlessCompleted(work: WorkEnd): Context['end'] {
  return work.end === 'failed' ? { end: 'failed', error: work.error } : { end: 'stopped' };
}

function agentsOf({ event }: { event: { output: LeafEnd<boolean> } }): AgentsEnded {
  return { ended: event.output };
}

function callOf({ event }: { event: EventObject }): { event: CallDone } {
  return { event: event as CallDone }; // XState types a wildcard event as any event; only tool calls are spawned here.
}

function errorOf({ value, error }: LeafEnd<SampleEnd>): TaskError {
  if (value?.status === 'failed') return value.error;
  return error ?? { code: 'internal', message: 'The model request ended without an answer.', retryable: false };
}

function workEndOf({ at, report, end }: Context): WorkEnd {
  return end.end === 'completed' ? { ...end, at, report, data: null } : { ...end, at, report };
}
