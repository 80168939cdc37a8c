import type { Budget } from '../../protocol/budget.ts';
import type { Item } from '../../protocol/items.ts';
import type { AbortReason, Receipt } from '../../protocol/outcomes.ts';
import type { Path } from '../../protocol/path.ts';
import type { SessionRequest } from '../../protocol/requests.ts';
import type { Placement } from '../../protocol/settings.ts';
import type { Usage } from '../../protocol/usage.ts';

/** A task as it is shown: its life, not its contents. Times in ms since 1970. */
export type TaskView = {
  readonly taskId: string;
  readonly kind: string;
  readonly placement: Placement;
  readonly startedAt: number;
  endedAt: number | null;
  state: 'running' | 'aborting' | 'completed' | 'failed' | 'aborted';
  /** Which step of its loop it is in, and which half of it; null for works without steps. */
  step: Readonly<{ number: number; calls: number | null }> | null;
  usage: Usage;
  reason: AbortReason | null;
  receipt: Receipt | null;
  error: string | null;
};

/** A session as it is shown, without what was said in it. */
export type SessionView = {
  readonly id: string;
  readonly path: Path;
  /** The task that opened it; null for a root. */
  readonly parent: Readonly<{ sessionId: string; taskId: string | null }> | null;
  readonly openedAt: number;
  /** When it last told something. */
  lastAt: number;
  model: string | null;
  cwd: string | null;
  isClosed: boolean;
  /** The last of its tasks, oldest first. */
  tasks: TaskView[];
  /** Of its own tasks and of those below. */
  usage: Usage;
  budget: Budget | null;
  /** What was said and no task has taken yet. */
  queued: number;
  /** Its own requests that are open, oldest first. */
  requests: SessionRequest[];
  retrying: Readonly<{ attempt: number; of: number; message: string }> | null;
  degraded: string | null;
  warning: string | null;
  rev: number;
};

/** One thing of the conversation. `streamed`: what was told of it since the item itself was. */
export type ItemView = { item: Item; streamed: string; isOpen: boolean; readonly taskId: string | null; rev: number };

/** What was said in a session: the last of it, by the ids of the items. */
export type ConversationView = { readonly items: Map<string, ItemView>; omitted: number };

/** What there is to be seen of a tree of sessions. `rev` grows with each change, and marks what has changed. */
export type TreeView = {
  rev: number;
  readonly sessions: Map<string, SessionView>;
  readonly conversations: Map<string, ConversationView>;
};

export function emptyTree(): TreeView {
  return { rev: 0, sessions: new Map(), conversations: new Map() };
}
