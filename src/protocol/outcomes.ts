import type { TaskError } from './errors.ts';
import type { Item } from './items.ts';
import type { Path } from './path.ts';
import type { Usage } from './usage.ts';

export type AbortReason =
  | 'interrupted'
  | 'replaced'
  | 'parent-aborted'
  | 'budget'
  | 'timeout'
  | 'disconnected'
  | 'shutdown'
  | 'crashed';

export type AbortPhase = 'aborting' | 'settling' | 'killing' | 'cleanup';

/** What an abort did. */
export type Receipt = Readonly<{
  outcome: 'aborted' | 'not-running';
  reason?: AbortReason;
  /** The phases passed through, in order, with the time spent in each. */
  phases: readonly Readonly<{ phase: AbortPhase; ms: number }>[];
  /** Descendant sessions that were aborted with it. */
  sessions: readonly Path[];
  processes: Readonly<{ killed: number; survivors: number }>;
  /** Work that did not stop in time. Its ports were revoked: nothing it does later has an effect. */
  unsettled: number;
  requests: Readonly<{ withdrawn: readonly string[] }>;
  queued: Readonly<{ kept: number; dropped: number }>;
  /** What was kept of what had begun: the assistant's text, and how many outputs are partial. */
  partial: Readonly<{ text: string; outputs: number }>;
}>;

export const NOT_RUNNING: Receipt = Object.freeze({
  outcome: 'not-running',
  phases: [],
  sessions: [],
  processes: { killed: 0, survivors: 0 },
  unsettled: 0,
  requests: { withdrawn: [] },
  queued: { kept: 0, dropped: 0 },
  partial: { text: '', outputs: 0 },
});

/** How a task ended. `D` is the data that its kind adds. */
export type TaskOutcome<D = object> =
  | (Readonly<{ status: 'completed'; answer: string | null; items: readonly Item[]; usage: Usage }> & D)
  | Readonly<{ status: 'failed'; error: TaskError; usage: Usage }>
  | Readonly<{ status: 'aborted'; reason: AbortReason; receipt: Receipt; usage: Usage }>;

/** What became of a `start` or a `steer`. */
export type Disposition =
  | Readonly<{ disposition: 'started' | 'steered' | 'queued'; taskId: string }>
  | Readonly<{ disposition: 'rejected'; reason: string }>;
