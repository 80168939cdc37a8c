import type { WaitingCause, WaitingOn } from '../protocol/waiting.ts';
import type { SessionView, TaskView, TreeView } from './view/tree-view.ts';

/** Why a session waits, as far as its log and those below it tell: decisions, sub-sessions, tools, or else its model. */
export function recordedWaiting(tree: TreeView, sessionId: string, now: number): readonly WaitingOn[] {
  const session = tree.sessions.get(sessionId);
  if (session === undefined || session.isClosed) return [];
  return session.tasks
    .filter(({ endedAt }) => endedAt === null)
    .flatMap((task) => waitingOfTask(tree, session, task, now));
}

function waitingOfTask(tree: TreeView, session: SessionView, task: TaskView, now: number): readonly WaitingOn[] {
  const link = (cause: WaitingCause, what: string, since: number): WaitingOn => ({
    path: session.path,
    taskId: task.taskId,
    cause,
    what,
    forMs: Math.max(0, now - since),
  });
  const requests = session.requests.filter(({ taskId }) => taskId === task.taskId);
  const children = [...tree.sessions.values()].filter(
    ({ parent, isClosed }) => parent?.taskId === task.taskId && !isClosed,
  );
  const asked = new Set(requests.map(({ callId }) => callId));
  const conversation = tree.conversations.get(session.id);
  const calls = [...(conversation?.items.values() ?? [])].filter(
    ({ item, isOpen, taskId }) => isOpen && taskId === task.taskId && 'callId' in item && !asked.has(item.callId),
  );
  const links = [
    ...requests.map(({ id, time }) => link('decision', id, Date.parse(time))),
    ...children.flatMap((child) => [
      link('sub-session', `the sub-session ${child.id}`, child.openedAt),
      ...recordedWaiting(tree, child.id, now),
    ]),
    ...calls.map(({ item }) => link('tool', `the tool call ${'callId' in item ? item.callId : ''}`, session.lastAt)),
  ];
  if (links.length > 0) return links;
  return [link('model', `the model ${session.model ?? ''}`.trim(), session.lastAt)];
}
