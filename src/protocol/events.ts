import type { Envelope } from './envelope.ts';
import type { TaskError } from './errors.ts';
import type { UserInput } from './input.ts';
import type { Item } from './items.ts';
import type { AbortReason, Receipt } from './outcomes.ts';
import type { Path } from './path.ts';
import type { Resolution, SessionRequest, Unshown } from './requests.ts';
import type { Limits, TaskContext } from './settings.ts';
import type { Usage } from './usage.ts';

/**
 * Committed: has a `seq`, equal to its record's number in the log. `durable: false` when the disk did not confirm it in
 * time.
 */
export type CommittedBody = { durable?: false } & (
  | {
      type: 'session.opened';
      kind: string;
      limits: Limits;
      instructions: string | null;
      context?: TaskContext;
      /** The same as in the envelope, for who has only the log. */
      sessionPath?: Path;
      /** The session that it begins with a copy of, up to a record of that. */
      forkedFrom?: Readonly<{ sessionId: string; seq: number }>;
    }
  /**
   * The first of what is told after a session was opened again. `damage` is what was found wrong with its log, in words; `unclosed` are
   * sub-sessions whose logs could not be closed, which the next resume tries again.
   */
  | { type: 'session.resumed'; damage: readonly string[]; unclosed?: readonly string[] }
  /** What people were shown before the fork. */
  | { type: 'session.forked'; items: readonly Item[] }
  /** A task has opened a sub-session, which has a log of its own. */
  | { type: 'child.opened'; childId: string; kind: string }
  | { type: 'session.closed' }
  | { type: 'session.degraded'; reason: string }
  /** `placement`: it runs beside the foreground task, and is none. `isSaid`: its input was said by somebody. */
  | { type: 'task.started'; kind: string; input: unknown; context: TaskContext; placement?: 'beside'; isSaid?: true }
  | { type: 'task.aborting'; reason: AbortReason }
  | { type: 'task.completed'; kind: string; answer: string | null; data: unknown; usage: Usage }
  | { type: 'task.failed'; kind: string; error: TaskError; usage: Usage }
  | { type: 'task.aborted'; kind: string; reason: AbortReason; receipt: Receipt; usage: Usage }
  /** The model is shown so many other entries from now on. */
  | { type: 'history.replaced'; why: 'compaction' | 'undo'; entries: number }
  | { type: 'step.started'; step: number }
  | { type: 'step.completed'; step: number; calls: number }
  | { type: 'item.started'; item: Item }
  | { type: 'item.completed'; item: Item }
  /** `becomes`: the task that it is when no other takes it. */
  | { type: 'input.queued'; inputId: string; input: UserInput; becomes?: string }
  | { type: 'request.opened'; request: SessionRequest; unshown?: Unshown }
  | { type: 'request.shown'; request: SessionRequest }
  | { type: 'request.resolved'; requestId: string; resolution: Resolution }
  | { type: 'usage.updated'; usage: Usage; total: Usage }
  | { type: 'warning.raised'; code: string; message: string }
);

/** Transient: `seq` is null, never logged, never waits for a disk. */
export type TransientBody =
  | { type: 'item.delta'; itemId: string; delta: string }
  | { type: 'item.updated'; item: Item }
  | { type: 'stream.retrying'; attempt: number; of: number; delayMs: number; error: TaskError }
  | { type: 'stream.lagged'; from: number; to: number; dropped: number };

export type EventBody = CommittedBody | TransientBody;
export type CommittedEvent = Envelope & Readonly<CommittedBody>;
export type TransientEvent = Envelope & Readonly<TransientBody>;
export type SessionEvent = CommittedEvent | TransientEvent;

export type TerminalType = 'task.completed' | 'task.failed' | 'task.aborted';

export function isTerminal(event: { type: string }): event is { type: TerminalType } {
  return event.type === 'task.completed' || event.type === 'task.failed' || event.type === 'task.aborted';
}
