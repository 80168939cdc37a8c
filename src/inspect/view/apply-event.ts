import { isTerminal, type SessionEvent } from '../../protocol/events.ts';
import { msOf } from '../../protocol/iso-time.ts';
import type { Item } from '../../protocol/items.ts';
import { addUsage, NO_USAGE } from '../../protocol/usage.ts';
import type { ConversationView, SessionView, TaskView, TreeView } from './tree-view.ts';

/** How many of a session's tasks are kept in sight. */
const TASKS_MAX = 50;
/** How many items of one conversation are kept in sight; what is older is in the log. */
const ITEMS_MAX = 2_000;
/** How many characters of what streams are kept with an item. */
const STREAMED_MAX_CHARACTERS = 65_536;
/** How many sessions that have closed are kept in sight. */
const CLOSED_MAX = 300;

/** Takes what a session tells into the view. Events of types that are not known change nothing but the time. */
export function applyEvent(view: TreeView, event: SessionEvent): void {
  view.rev += 1;
  // Most of what is told by far, and nothing of it shows but in the item itself.
  if (event.type === 'item.delta') {
    addDelta(view, event);
    return;
  }
  const session = sessionIn(view, event);
  session.rev = view.rev;
  session.lastAt = msOf(event.time);
  if (event.type.startsWith('item.')) applyItem(view, session, event);
  else if (event.type.startsWith('task.') || event.type.startsWith('step.')) applyTask(session, event);
  else applySession(view, session, event);
}

/** The session of an event, made when it is seen for the first time. */
export function sessionIn(view: TreeView, { sessionId, path, time }: Omit<SessionEvent, 'type'>): SessionView {
  const known = view.sessions.get(sessionId);
  if (known !== undefined) return known;
  const opener = path.at(-2);
  const session: SessionView = {
    id: sessionId,
    path,
    parent: opener === undefined ? null : { sessionId: opener.sessionId, taskId: path.at(-1)?.taskId ?? null },
    openedAt: msOf(time),
    lastAt: msOf(time),
    model: null,
    cwd: null,
    isClosed: false,
    tasks: [],
    usage: NO_USAGE,
    budget: null,
    queued: 0,
    requests: [],
    retrying: null,
    degraded: null,
    warning: null,
    rev: view.rev,
  };
  view.sessions.set(sessionId, session);
  return session;
}

function applySession(view: TreeView, session: SessionView, event: SessionEvent): void {
  switch (event.type) {
    case 'session.opened':
      session.model = event.context?.model ?? session.model;
      session.cwd = event.context?.cwd ?? session.cwd;
      return;
    case 'session.closed':
      session.isClosed = true;
      session.requests = [];
      forgetOldest(view);
      return;
    case 'session.resumed':
      session.isClosed = false;
      return;
    case 'session.forked':
      for (const item of event.items) putItem(view, session, { item, isOpen: false, taskId: null });
      return;
    case 'session.degraded':
      session.degraded = event.reason;
      return;
    case 'request.opened':
    case 'request.shown':
      if (!session.requests.some(({ id }) => id === event.request.id)) session.requests.push(event.request);
      return;
    case 'request.resolved':
      session.requests = session.requests.filter(({ id }) => id !== event.requestId);
      return;
    case 'input.queued':
      session.queued += 1;
      return;
    case 'usage.updated':
      session.usage = event.total;
      return;
    case 'stream.retrying':
      session.retrying = { attempt: event.attempt, of: event.of, message: event.error.message };
      return;
    case 'warning.raised':
      session.warning = `${event.code}: ${event.message}`;
      return;
    default:
      return;
  }
}

function applyTask(session: SessionView, event: SessionEvent): void {
  session.retrying = null;
  const task = session.tasks.find(({ taskId }) => taskId === event.taskId);
  if (event.type === 'task.started' && task === undefined) {
    session.model = event.context.model;
    session.cwd = event.context.cwd;
    session.tasks.push(taskOf(event));
    if (session.tasks.length > TASKS_MAX) session.tasks.shift();
  }
  if (task === undefined) return;
  if (event.type === 'task.aborting') {
    task.state = 'aborting';
    task.reason = event.reason;
  } else if (event.type === 'step.started') task.step = { number: event.step, calls: null };
  else if (event.type === 'step.completed') task.step = { number: event.step, calls: event.calls };
  else if (isTerminal(event)) endTask(task, event);
}

function taskOf(event: Extract<SessionEvent, { type: 'task.started' }>): TaskView {
  return {
    taskId: event.taskId ?? '',
    kind: event.kind,
    placement: event.placement ?? 'foreground',
    startedAt: msOf(event.time),
    endedAt: null,
    state: 'running',
    step: null,
    usage: NO_USAGE,
    reason: null,
    receipt: null,
    error: null,
  };
}

function endTask(task: TaskView, event: SessionEvent): void {
  task.endedAt = msOf(event.time);
  if (event.type === 'task.completed') task.state = 'completed';
  if (event.type === 'task.failed') {
    task.state = 'failed';
    task.error = `${event.error.code}: ${event.error.message}`;
  }
  if (event.type === 'task.aborted') {
    task.state = 'aborted';
    task.reason = event.reason;
    task.receipt = event.receipt;
  }
  if ('usage' in event) task.usage = addUsage(NO_USAGE, event.usage);
}

function applyItem(view: TreeView, session: SessionView, event: SessionEvent): void {
  const taskId = event.taskId ?? null;
  session.retrying = null;
  switch (event.type) {
    case 'item.started':
    case 'item.updated':
      putItem(view, session, { item: event.item, isOpen: true, taskId });
      return;
    case 'item.completed':
      if (event.item.type === 'user_message' && event.item.inputId !== undefined)
        session.queued = Math.max(0, session.queued - 1);
      putItem(view, session, { item: event.item, isOpen: false, taskId });
      return;
    default:
      return;
  }
}

function addDelta(view: TreeView, { sessionId, itemId, delta }: Extract<SessionEvent, { type: 'item.delta' }>): void {
  const found = view.conversations.get(sessionId)?.items.get(itemId);
  if (found === undefined) return;
  if (found.streamed.length < STREAMED_MAX_CHARACTERS) found.streamed += delta;
  found.rev = view.rev;
}

function putItem(
  view: TreeView,
  session: SessionView,
  put: Readonly<{ item: Item; isOpen: boolean; taskId: string | null }>,
): void {
  const conversation = conversationIn(view, session.id);
  conversation.items.set(put.item.id, { ...put, streamed: '', rev: view.rev });
  if (conversation.items.size <= ITEMS_MAX) return;
  const [oldest] = conversation.items.keys();
  if (oldest !== undefined) conversation.items.delete(oldest);
  conversation.omitted += 1;
}

export function conversationIn(view: TreeView, sessionId: string): ConversationView {
  const known = view.conversations.get(sessionId) ?? { items: new Map(), omitted: 0 };
  view.conversations.set(sessionId, known);
  return known;
}

/** What has closed is let go of when there is too much of it, the oldest first. */
function forgetOldest(view: TreeView): void {
  const closed = [...view.sessions.values()].filter(({ isClosed }) => isClosed);
  for (const { id } of closed.slice(0, Math.max(0, closed.length - CLOSED_MAX))) {
    view.sessions.delete(id);
    view.conversations.delete(id);
  }
}
