import type { Chart } from './chart.ts';
import type { ActorView } from './view/actor-view.ts';
import type { SessionView, TaskView, TreeView } from './view/tree-view.ts';

/**
 * The actors of which a log speaks, in the states that it tells of: each session, its tasks, and the loops of those that
 * have steps. A log says what was decided, not each transition; so no transition is shown.
 */
export function recordedActors(tree: TreeView, charts: ReadonlyMap<string, Chart>, rev: number): readonly ActorView[] {
  const awaiting = sessionsAwaiting(tree);
  return [...tree.sessions.values()].flatMap((session) => {
    const own = sessionActor(session, awaiting.has(session.id), rev);
    return [own, ...session.tasks.flatMap((task) => taskActors(session, task, own, charts, rev))];
  });
}

/** The sessions of which a request is open, and those above them. */
function sessionsAwaiting(tree: TreeView): ReadonlySet<string> {
  const asking = [...tree.sessions.values()].filter(({ requests }) => requests.length > 0);
  return new Set(asking.flatMap(({ path }) => path.map(({ sessionId }) => sessionId)));
}

function sessionActor(session: SessionView, isAwaiting: boolean, rev: number): ActorView {
  const running = session.tasks.filter(({ endedAt, placement }) => endedAt === null && placement === 'foreground');
  const activity = session.isClosed ? 'closed' : running.length > 0 ? 'busy' : 'idle';
  const attention = isAwaiting ? 'awaiting-decision' : 'clear';
  const name = session.path.map(({ kind }) => kind).join('/');
  return {
    id: `session:${session.id}`,
    parent: session.parent === null ? null : `task:${session.parent.taskId ?? ''}`,
    name,
    path: name,
    chart: 'session',
    active: ['activity', `activity.${activity}`, 'attention', `attention.${attention}`],
    status: session.isClosed ? 'done' : 'active',
    sessionId: session.id,
    taskId: null,
    since: session.lastAt,
    last: null,
    rev,
  };
}

function taskActors(
  session: SessionView,
  task: TaskView,
  owner: ActorView,
  charts: ReadonlyMap<string, Chart>,
  rev: number,
): readonly ActorView[] {
  const path = `${owner.path}/${task.kind}`;
  const lifecycle: ActorView = {
    id: `task:${task.taskId}`,
    parent: owner.id,
    name: task.kind,
    path,
    // Kinds of an embedder have the same lifecycle, and no chart of theirs is known here.
    chart: charts.has(task.kind) ? task.kind : 'regular',
    active: [task.state === 'failed' ? 'completed' : task.state],
    status: task.endedAt === null ? 'active' : 'done',
    sessionId: session.id,
    taskId: task.taskId,
    since: task.endedAt ?? task.startedAt,
    last: null,
    rev,
  };
  const chart = `${task.kind}-work`;
  if (task.step === null || task.endedAt !== null || !charts.has(chart)) return [lifecycle];
  const half = task.step.calls === null || task.step.calls === 0 ? 'sampling' : 'calling';
  const work: ActorView = {
    ...lifecycle,
    id: `work:${task.taskId}`,
    parent: lifecycle.id,
    name: 'work',
    path: `${path}/work`,
    chart,
    active: [half],
    taskId: null,
  };
  return [lifecycle, work];
}
