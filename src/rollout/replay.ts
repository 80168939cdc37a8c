import type { CommittedBody } from '../protocol/events.ts';
import type { HistoryChange, HistoryEntry } from '../protocol/history.ts';
import type { UserInput } from '../protocol/input.ts';
import { msOf } from '../protocol/iso-time.ts';
import type { Item } from '../protocol/items.ts';
import type { Path } from '../protocol/path.ts';
import type { SessionRequest } from '../protocol/requests.ts';
import type { Limits, TaskContext } from '../protocol/settings.ts';
import { addUsage, NO_USAGE, type Usage } from '../protocol/usage.ts';
import type { LogRecord } from './record.ts';

/** A task that has begun and has no terminal in the log. */
export type OpenTask = {
  readonly taskId: string;
  readonly kind: string;
  readonly startedAtMs: number;
  /** It runs beside the foreground task. */
  readonly isBeside: boolean;
  /** Something of it is in the history. */
  hasSpoken: boolean;
  /** The model has been told that it was cut off. */
  isMarked: boolean;
  usage: Usage;
};

/** What says that the end of a sub-session is on the disk: the start of the next foreground task, the end of its session, a resume. */
type Ending = 'started' | 'closed' | 'resumed';

/** What a log says of its session. Built from records alone: nothing is started, asked or written for it. */
export type ReplayedState = {
  sessionId: string | null;
  path: Path | null;
  epoch: number;
  nextSeq: number;
  /** ISO 8601, UTC, of the first and the last record. */
  openedAt: string | null;
  lastAt: string | null;
  instructions: string | null;
  limits: Limits | null;
  context: TaskContext | null;
  history: HistoryEntry[];
  readonly items: Item[];
  usage: Usage;
  readonly tasks: Map<string, OpenTask>;
  readonly openItems: Map<string, { item: Item; taskId: string | null }>;
  readonly requests: Map<string, { request: SessionRequest; taskId: string | null }>;
  /** What was said and no task has taken yet. */
  readonly inputs: Map<string, { input: UserInput; taskId: string | null }>;
  /** Sub-sessions that tasks which are open have opened. */
  readonly children: Map<string, string>;
  /** Sub-sessions of tasks that have ended: the ends of their own may have come later to the disk, or not at all. */
  readonly ending: Map<string, Ending>;
  /** Where foreground tasks have begun in the history, as long as that has only grown since. */
  beginnings: { taskId: string; entries: number; isSaid: boolean }[];
  isClosed: boolean;
};

export function emptyState(): ReplayedState {
  return {
    sessionId: null,
    path: null,
    epoch: 0,
    nextSeq: 0,
    openedAt: null,
    lastAt: null,
    instructions: null,
    limits: null,
    context: null,
    history: [],
    items: [],
    usage: NO_USAGE,
    tasks: new Map(),
    openItems: new Map(),
    requests: new Map(),
    inputs: new Map(),
    children: new Map(),
    ending: new Map(),
    beginnings: [],
    isClosed: false,
  };
}

/** What is in the payload of a record of ours. Types that are not known here change nothing. */
type Payload = CommittedBody & { taskId?: string; history?: HistoryChange };

/** Takes one record in. What does not look as it should is left out: a record that was written by others costs nobody the rest. */
export function replay(state: ReplayedState, { seq, epoch, time, payload }: LogRecord): void {
  state.nextSeq = seq + 1;
  state.epoch = epoch;
  state.openedAt ??= time;
  state.lastAt = time;
  if (typeof payload !== 'object' || payload === null || !('type' in payload)) return;
  const body = payload as Payload; // Written by a gate; what follows reads of it only what is there.
  const taskId = body.taskId ?? null;
  const task = taskId === null ? undefined : state.tasks.get(taskId);
  if (body.history !== undefined) {
    change(state, body.history);
    if (task !== undefined) task.hasSpoken = true;
  }
  state.isClosed = body.type === 'session.closed';
  switch (body.type) {
    case 'session.opened':
      state.sessionId = body.sessionPath?.at(-1)?.sessionId ?? state.sessionId;
      state.path = body.sessionPath ?? state.path;
      state.instructions = body.instructions;
      state.limits = body.limits;
      state.context = body.context ?? state.context;
      return;
    case 'session.forked':
      state.items.push(...body.items);
      return;
    case 'task.started':
      if (taskId === null) return;
      for (const [inputId, kept] of state.inputs) if (kept.taskId === taskId) state.inputs.delete(inputId);
      state.tasks.set(taskId, {
        taskId,
        kind: body.kind,
        startedAtMs: msOf(time),
        isBeside: body.placement === 'beside',
        hasSpoken: false,
        isMarked: false,
        usage: NO_USAGE,
      });
      if (body.placement === 'beside') return;
      state.beginnings.push({ taskId, entries: state.history.length, isSaid: body.isSaid === true });
      // The end of the one before was shown by then, and with it those of its sub-sessions.
      for (const [sessionId, until] of state.ending) if (until === 'started') state.ending.delete(sessionId);
      return;
    case 'task.completed':
    case 'task.failed':
    case 'task.aborted':
      if (taskId === null) return;
      // What its sub-sessions have used is in their own logs; its end has it all.
      state.usage = addUsage(state.usage, unseen(body.usage, task?.usage ?? NO_USAGE));
      state.tasks.delete(taskId);
      for (const [id, open] of state.openItems) if (open.taskId === taskId) state.openItems.delete(id);
      for (const [sessionId, opener] of state.children) {
        if (opener !== taskId) continue;
        state.children.delete(sessionId);
        if (!state.ending.has(sessionId)) state.ending.set(sessionId, task?.isBeside === true ? 'closed' : 'started');
      }
      return;
    case 'session.closed':
      for (const [sessionId, until] of state.ending) if (until !== 'resumed') state.ending.delete(sessionId);
      return;
    case 'session.resumed':
      state.ending.clear();
      for (const sessionId of body.unclosed ?? []) state.ending.set(sessionId, 'resumed');
      return;
    case 'child.opened':
      if (taskId !== null) state.children.set(body.childId, taskId);
      return;
    case 'item.started':
      state.openItems.set(body.item.id, { item: body.item, taskId });
      return;
    case 'item.completed':
      state.openItems.delete(body.item.id);
      state.items.push(body.item);
      if (task !== undefined && body.item.type === 'interruption') task.isMarked = true;
      if (body.item.type === 'user_message' && body.item.inputId !== undefined) state.inputs.delete(body.item.inputId);
      return;
    case 'input.queued':
      state.inputs.set(body.inputId, { input: body.input, taskId: body.becomes ?? null });
      return;
    case 'request.opened':
      state.requests.set(body.request.id, { request: body.request, taskId });
      return;
    case 'request.resolved':
      state.requests.delete(body.requestId);
      return;
    case 'usage.updated':
      if (task === undefined) return;
      state.usage = addUsage(state.usage, body.usage);
      task.usage = addUsage(task.usage, body.usage);
      return;
    default:
  }
}

/** What is counted at the end of a task and was not on the way. */
function unseen(all: Usage, seen: Usage): Usage {
  return {
    inputTokens: all.inputTokens - seen.inputTokens,
    cachedInputTokens: all.cachedInputTokens - seen.cachedInputTokens,
    outputTokens: all.outputTokens - seen.outputTokens,
    reasoningTokens: all.reasoningTokens - seen.reasoningTokens,
    totalTokens: all.totalTokens - seen.totalTokens,
    ...(all.estimated === true ? { estimated: true as const } : {}),
  };
}

function change(state: ReplayedState, { op, entries }: HistoryChange): void {
  if (op === 'replace') {
    state.history = [...entries];
    state.beginnings = [];
  } else for (const entry of entries) state.history.push(entry);
}
