import type { TaskError } from './errors.ts';
import type { UserInput } from './input.ts';
import type { AbortPhase, AbortReason } from './outcomes.ts';
import type { Path } from './path.ts';
import type { Decision, Resolution, SessionRequest } from './requests.ts';
import type { Placement, TaskContext, WhenBusy } from './settings.ts';

/** What was found when something was stopped; adds up from the leaves to the task. */
export type SettleReport = Readonly<{
  killed: number;
  survivors: number;
  unsettled: number;
  sessions: readonly Path[];
}>;

export const NOTHING_TO_REPORT: SettleReport = Object.freeze({ killed: 0, survivors: 0, unsettled: 0, sessions: [] });

export function addReports(a: SettleReport, b: SettleReport): SettleReport {
  if (b === NOTHING_TO_REPORT) return a;
  return {
    killed: a.killed + b.killed,
    survivors: a.survivors + b.survivors,
    unsettled: a.unsettled + b.unsettled,
    sessions: [...a.sessions, ...b.sessions],
  };
}

/** How a work came to its end. `stopped`: it was cancelled or killed, and whatever it had found is of no interest. */
export type WorkEnd = Readonly<{ at: number; report: SettleReport }> &
  (
    | Readonly<{ end: 'completed'; answer: string | null; data: unknown }>
    | Readonly<{ end: 'failed'; error: TaskError }>
    | Readonly<{ end: 'stopped' }>
  );

/** What goes down to a work. The deadline is absolute, in ms since 1970: depth adds no grace. */
export type WorkCommand =
  | Readonly<{ type: 'work.cancel'; deadline: number; at: number }>
  /** `deadline`: by when it must have answered, absolute as well. */
  | Readonly<{ type: 'work.kill'; at: number; deadline?: number }>
  | Readonly<{ type: 'work.wind-down' }>;

/** What comes up from a work. One that reaches its own end may also just end, with the same as its output. */
export type WorkSignal =
  | Readonly<{ type: 'work.acknowledged'; at: number; from?: string }>
  | Readonly<{ type: 'work.settled'; at: number; report?: SettleReport }>
  | Readonly<{ type: 'work.done'; at: number; answer?: string | null; data?: unknown }>
  | Readonly<{ type: 'work.failed'; at: number; error: TaskError }>;

/** What goes to a task. */
export type TaskCommand =
  | Readonly<{ type: 'task.abort'; reason: AbortReason; at: number; deadline: number }>
  | Readonly<{ type: 'task.kill'; at: number }>
  | Readonly<{ type: 'task.cancel' }>;

/** What a task is given when it starts. */
export type TaskInput = Readonly<{ taskId: string; sessionId: string; kind: string; killMs: number }>;

/** How a task decided to end. */
export type TaskEnd = Readonly<{ taskId: string; kind: string; at: number }> &
  (
    | Readonly<{ end: 'completed'; answer: string | null; data: unknown }>
    | Readonly<{ end: 'failed'; error: TaskError }>
    | Readonly<{
        end: 'aborted';
        reason: AbortReason;
        report: SettleReport;
        phases: readonly Readonly<{ phase: AbortPhase; ms: number }>[];
        /** Killing was needed. */
        forced: boolean;
      }>
  );

/** A start as the session keeps it until its turn comes. */
export type StartOrder = Readonly<{
  taskId: string;
  kind: string;
  input: unknown;
  context: TaskContext;
  whenBusy: WhenBusy;
  placement: Placement;
  /** Steering reaches the task while it runs. */
  steerable: boolean;
  /** The task that started it, beside itself: when that is aborted, so is this one. */
  owner?: string;
}>;

/** What a user said while something ran. `order` is what it becomes when nothing takes it. */
export type KeptInput = Readonly<{ inputId: string; input: UserInput; order: StartOrder }>;

/** What is asked of a session. Commands; every one of them gets an answer. */
export type SessionOp =
  /** `crowded`: so many start at once that this one is to wait for its turn, where it would begin now. */
  | Readonly<{ type: 'op.start'; order: StartOrder; at: number; crowded?: boolean }>
  | Readonly<{ type: 'op.steer'; kept: KeptInput; at: number }>
  | Readonly<{ type: 'op.cancel'; taskId: string }>
  | Readonly<{ type: 'op.abort'; taskId: string; reason: AbortReason; at: number; deadline: number }>
  | Readonly<{ type: 'op.interrupt'; reason: AbortReason; at: number; deadline: number }>
  | Readonly<{ type: 'op.kill'; at: number }>
  | Readonly<{ type: 'op.close'; at: number; deadline: number }>
  | Readonly<{ type: 'op.answer'; requestId: string; decision: Decision; by: 'client' | 'policy' | 'nobody' }>
  /** A session above has been told to deny whatever it and those below it ask. */
  | Readonly<{ type: 'op.deny-all'; message: string | null; at: number }>;

/** What a session tells itself, and what the relay below tells it. */
export type SessionSignal =
  /** The session itself asks; whether that is shown, and when, is for its chart to say. */
  | Readonly<{
      type: 'request.asked';
      taskId: string;
      requestId: string;
      identity: string;
      boundTo: string;
      at: number;
    }>
  /** One is in front of people, of this session or of one below. */
  | Readonly<{ type: 'request.opened'; request: SessionRequest }>
  /** One that is in front of people stands for more than it did, or for less. */
  | Readonly<{ type: 'request.counted'; requestId: string; count: number }>
  | Readonly<{ type: 'request.settled'; requestId: string; resolution: Resolution; at: number }>
  | Readonly<{ type: 'request.closed'; requestId: string }>
  | Readonly<{ type: 'inputs.taken'; inputIds: readonly string[] }>
  | Readonly<{ type: 'terminal.released'; taskId: string; at: number }>
  | Readonly<{ type: 'task.acknowledged'; taskId: string; at: number }>
  | Readonly<{ type: 'deadline.passed'; at: number }>
  | Readonly<{ type: 'turn.granted'; at: number }>
  | Readonly<{ type: 'attention.over' }>;

/** `requests…Max`: how many it may have in front of people; all when left out. `denied`: whatever it asks is denied. */
export type SessionInput = Readonly<{
  sessionId: string;
  path: Path;
  graceMs: number;
  killMs: number;
  requestsOpenMax?: number | null;
  requestsPerMinuteMax?: number | null;
  denied?: Readonly<{ message: string | null }>;
  /** What was said and not taken, when it was opened before. */
  inputs?: readonly KeptInput[];
}>;

/** What a session tells the delegate that opened it. */
export type DelegateSignal =
  | Readonly<{ type: 'session.acknowledged'; at: number }>
  | Readonly<{ type: 'session.task-ended'; taskId: string; at: number; end: TaskEnd; report: SettleReport }>;

/**
 * How a leaf ended: a piece of work that is one promise. It always ends so, never as an error: by itself, or at the
 * latest when it was killed. `value` is null when it failed, was killed, or was cancelled before it had one.
 */
export type LeafEnd<V> = Readonly<{
  at: number;
  value: V | null;
  error: TaskError | null;
  cancelled: boolean;
  report: SettleReport;
}>;

/** A call of a tool that the model asked for. */
export type ToolCall = Readonly<{ callId: string; name: string; arguments: string; custom?: true; parallel: boolean }>;

/** What one model request came to. `full`: none was made, because the history has to be compacted first. */
export type SampleEnd =
  /** `awaits`: there is nothing more to say now, but agents still work for this task, and it is to have their results. */
  | Readonly<{
      status: 'completed';
      answer: string | null;
      calls: readonly ToolCall[];
      more: boolean;
      awaits?: true;
    }>
  | Readonly<{ status: 'full' }>
  | Readonly<{ status: 'failed'; error: TaskError }>
  | Readonly<{ status: 'aborted' }>;

/** What a check of a call came to. */
export type CheckEnd = 'run' | 'ask' | 'settled';

/** What asking for a call came to. */
export type AskEnd = 'run' | 'settled';
