import { assign, type DoneActorEvent, type ErrorActorEvent, type EventObject, sendTo, setup } from 'xstate';
import { messageOf, type TaskError } from '../src/protocol/errors.ts';
import {
  addReports,
  NOTHING_TO_REPORT,
  type SettleReport,
  type TaskCommand,
  type TaskEnd,
  type TaskInput,
  type WorkCommand,
  type WorkEnd,
  type WorkSignal,
} from '../src/protocol/messages.ts';
import type { AbortPhase, AbortReason } from '../src/protocol/outcomes.ts';
import { type Logic, provided, type TimerLogic, toParent } from './logic.ts';

/** How long after the kill bound a subtree that never answered is stopped from above, in ms. */
export const BACKSTOP_MS = 1_000;

/** The actor inside a task that does what the kind does. */
export type WorkLogic = Logic<TaskInput, WorkCommand, WorkEnd>;
/** The kind's abort hook; ends with the time, in ms since 1970, and never fails. */
export type CleanupLogic = Logic<TaskInput, EventObject, { at: number }>;

type Conclusion =
  | { end: 'completed'; answer: string | null; data: unknown }
  | { end: 'failed'; error: TaskError }
  | { end: 'aborted' };

export type TaskMachineContext = {
  task: TaskInput;
  conclusion: Conclusion | null;
  abort: { reason: AbortReason; deadline: number } | null;
  phases: { phase: AbortPhase; at: number }[];
  endedAt: number;
  report: SettleReport;
};

type Event =
  | TaskCommand
  | WorkSignal
  | DoneActorEvent<WorkEnd, 'work'>
  | ErrorActorEvent<unknown, 'work'>
  | DoneActorEvent<{ at: number }, 'cleanup'>
  | { type: 'deadline.passed'; at: number };

const lifecycleSetup = setup({
  types: {} as { context: TaskMachineContext; events: Event; input: TaskInput; output: TaskEnd },
  actors: { work: provided<WorkLogic>(), cleanup: provided<CleanupLogic>(), timer: provided<TimerLogic>() },
  actions: {
    noteAbort: assign(({ event }) => (event.type === 'task.abort' ? { abort: abortOf(event) } : {})),
    notePhase: assign({
      phases: ({ context, event }, { phase }: { phase: AbortPhase }) => [...context.phases, { phase, at: atOf(event) }],
    }),
    noteEnd: assign({ endedAt: ({ event }) => atOf(event) }),
    noteReport: assign({ report: ({ context, event }) => addReports(context.report, reportOf(event)) }),
    noteUnanswered: assign({ report: ({ context }) => addReports(context.report, UNANSWERED) }),
    conclude: assign(({ context, event }) => ({
      conclusion: conclusionOf(event),
      endedAt: atOf(event),
      report: addReports(context.report, reportOf(event)),
    })),
    concludeAborted: assign({ conclusion: { end: 'aborted' } as const }),
    cancelWork: sendTo('work', ({ context, event }) => ({
      type: 'work.cancel' as const,
      deadline: deadlineOf(context),
      at: atOf(event),
    })),
    killWork: sendTo('work', ({ context, event }) => ({
      type: 'work.kill' as const,
      at: atOf(event),
      deadline: killBoundOf(context),
    })),
    windDownWork: sendTo('work', { type: 'work.wind-down' as const }),
    tellAcknowledged: sendTo(toParent, ({ context, event }) => ({
      type: 'task.acknowledged',
      taskId: context.task.taskId,
      at: atOf(event),
    })),
  },
});

/**
 * The shared lifecycle of a task, as a machine of its own for each kind. Five flat states; the work is invoked at the
 * root, because leaving the state that invokes an actor stops it and no grace would be possible.
 */
export function lifecycle(kind: { id: string; description: string }) {
  return lifecycleSetup.createMachine({
    id: kind.id,
    description: kind.description,
    context: ({ input }) => ({
      task: input,
      conclusion: null,
      abort: null,
      phases: [],
      endedAt: 0,
      report: NOTHING_TO_REPORT,
    }),
    invoke: { id: 'work', src: 'work', input: ({ context }) => context.task },
    // A work that has said its end by message may still end, or throw, on its own: that is of no interest any more.
    on: { 'xstate.done.actor.work': {}, 'xstate.error.actor.work': {} },
    initial: 'running',
    output: ({ context }) => endOf(context),
    states: {
      running: {
        description: 'The work is alive; its own chart shows what it is doing.',
        on: {
          'task.abort': { target: 'aborting', actions: 'noteAbort' },
          'task.cancel': { actions: 'windDownWork' },
          'work.done': { target: 'completed', actions: 'conclude' },
          'work.failed': { target: 'completed', actions: 'conclude' },
          'xstate.done.actor.work': { target: 'completed', actions: 'conclude' },
          'xstate.error.actor.work': { target: 'completed', actions: 'conclude' },
        },
      },
      aborting: {
        description: 'The work and all below it are told to stop; open requests are withdrawn.',
        entry: [{ type: 'notePhase', params: { phase: 'aborting' } }, 'cancelWork'],
        invoke: { id: 'acknowledge-by', src: 'timer', input: ({ context }) => ({ deadline: deadlineOf(context) }) },
        on: {
          'work.acknowledged': { target: 'grace-wait', actions: 'tellAcknowledged' },
          'deadline.passed': { target: 'grace-wait.killing' },
          'task.kill': { target: 'grace-wait.killing' },
          'work.settled': { target: 'grace-wait.cleanup', actions: 'noteReport' },
          'work.done': { target: 'grace-wait.cleanup' },
          'work.failed': { target: 'grace-wait.cleanup' },
          'xstate.done.actor.work': { target: 'grace-wait.cleanup', actions: 'noteReport' },
          'xstate.error.actor.work': { target: 'grace-wait.cleanup' },
        },
      },
      'grace-wait': {
        description: 'The work has until the deadline to stop by itself, then it is killed.',
        initial: 'settling',
        onDone: 'aborted',
        states: {
          settling: {
            entry: { type: 'notePhase', params: { phase: 'settling' } },
            invoke: { id: 'settle-by', src: 'timer', input: ({ context }) => ({ deadline: deadlineOf(context) }) },
            on: {
              'deadline.passed': 'killing',
              'task.kill': 'killing',
              'work.settled': { target: 'cleanup', actions: 'noteReport' },
              'work.done': 'cleanup',
              'work.failed': 'cleanup',
              'xstate.done.actor.work': { target: 'cleanup', actions: 'noteReport' },
              'xstate.error.actor.work': 'cleanup',
            },
          },
          killing: {
            description: 'What is left is killed. Only the backstop leaves this state without an answer.',
            entry: [{ type: 'notePhase', params: { phase: 'killing' } }, 'killWork'],
            invoke: { id: 'killed-by', src: 'timer', input: ({ context }) => ({ deadline: backstopOf(context) }) },
            on: {
              'deadline.passed': { target: 'cleanup', actions: 'noteUnanswered' },
              'work.settled': { target: 'cleanup', actions: 'noteReport' },
              'work.done': 'cleanup',
              'work.failed': 'cleanup',
              'xstate.done.actor.work': { target: 'cleanup', actions: 'noteReport' },
              'xstate.error.actor.work': 'cleanup',
            },
          },
          cleanup: {
            description: "The kind's abort hook, bounded.",
            entry: { type: 'notePhase', params: { phase: 'cleanup' } },
            invoke: [
              {
                id: 'cleanup',
                src: 'cleanup',
                input: ({ context }) => context.task,
                onDone: { target: 'over', actions: 'noteEnd' },
                onError: { target: 'over', actions: 'noteEnd' },
              },
              { id: 'clean-by', src: 'timer', input: ({ context }) => ({ deadline: killBoundOf(context) }) },
            ],
            on: { 'deadline.passed': { target: 'over', actions: 'noteEnd' } },
          },
          over: { type: 'final' },
        },
      },
      aborted: { type: 'final', entry: 'concludeAborted', description: 'Nothing of the task is alive.' },
      completed: { type: 'final', description: 'The outcome says completed or failed.' },
    },
    options: { maxIterations: 1_000 },
  });
}

const UNANSWERED: SettleReport = { killed: 0, survivors: 0, unsettled: 1, sessions: [] };

function abortOf({ reason, deadline }: { reason: AbortReason; deadline: number }) {
  return { reason, deadline };
}

function deadlineOf({ abort }: TaskMachineContext): number {
  return abort?.deadline ?? 0;
}

function killBoundOf(context: TaskMachineContext): number {
  return deadlineOf(context) + context.task.killMs;
}

function backstopOf(context: TaskMachineContext): number {
  return killBoundOf(context) + BACKSTOP_MS;
}

function atOf(event: Event | { type: string }): number {
  if ('at' in event) return event.at;
  return 'output' in event ? event.output.at : 0;
}

function reportOf(event: Event): SettleReport {
  if (event.type === 'work.settled') return event.report ?? NOTHING_TO_REPORT;
  return event.type === 'xstate.done.actor.work' ? event.output.report : NOTHING_TO_REPORT;
}

function conclusionOf(event: Event): Conclusion {
  switch (event.type) {
    case 'work.done':
      return { end: 'completed', answer: event.answer ?? null, data: event.data ?? null };
    case 'work.failed':
      return { end: 'failed', error: event.error };
    case 'xstate.error.actor.work':
      return { end: 'failed', error: { code: 'internal', message: messageOf(event.error), retryable: false } };
    case 'xstate.done.actor.work': {
      const work = event.output;
      if (work.end === 'completed') return { end: 'completed', answer: work.answer, data: work.data };
      if (work.end === 'failed') return { end: 'failed', error: work.error };
      return { end: 'failed', error: STOPPED_UNASKED };
    }
    default:
      return { end: 'failed', error: STOPPED_UNASKED };
  }
}

const STOPPED_UNASKED: TaskError = {
  code: 'internal',
  message:
    'The work stopped although nobody had asked it to. This is a defect of the work; its log shows how far it came.',
  retryable: false,
};

function endOf({ task: { taskId, kind }, conclusion, abort, phases, report, endedAt }: TaskMachineContext): TaskEnd {
  if (conclusion?.end === 'completed' || conclusion?.end === 'failed')
    return { taskId, kind, at: endedAt, ...conclusion };
  const passed = phases.map(({ phase, at }, index) => {
    const until = phases[index + 1]?.at ?? endedAt;
    return { phase, ms: at === 0 || until === 0 ? 0 : Math.max(0, until - at) };
  });
  const forced = phases.some(({ phase }) => phase === 'killing');
  return {
    taskId,
    kind,
    at: endedAt,
    end: 'aborted',
    reason: abort?.reason ?? 'interrupted',
    report,
    phases: passed,
    forced,
  };
}
