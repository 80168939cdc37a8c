import type { ActorView } from '../view/actor-view.ts';
import type { SessionView, TaskView } from '../view/tree-view.ts';
import type { PageState, Selection } from './page-state.ts';

/** A node of the tree. `open` counts the requests that are open at it and anywhere below. */
export type TreeNode = Readonly<{
  key: string;
  name: string;
  path: string;
  states: readonly string[];
  tone: 'idle' | 'busy' | 'asking' | 'ended' | 'bad';
  since: number;
  until: number | null;
  tokens: number | null;
  budget: string | null;
  open: number;
  selection: Selection;
  below: readonly TreeNode[];
}>;

/** How many tasks that have ended are shown of each session. */
const ENDED_MAX = 5;

/** The tree of what is there: sessions, their tasks, the sub-sessions of those, and actors. */
export function treeNodes(state: PageState): readonly TreeNode[] {
  const index = indexOf(state);
  const sessions = [...state.sessions.values()].filter(
    ({ parent }) => parent === null || !state.sessions.has(parent.sessionId),
  );
  const foreign = index.below.get(null)?.filter(({ sessionId }) => sessionId === null) ?? [];
  return [...sessions.map((one) => sessionNode(one, index)), ...foreign.map((one) => actorNode(one, index))];
}

/** The actor whose chart is shown for a selection. */
export function actorOf(state: PageState, { sessionId, taskId, actorId }: Selection): ActorView | null {
  if (actorId !== null) return state.actors.get(actorId) ?? null;
  for (const actor of state.actors.values()) {
    if (taskId !== null && actor.taskId === taskId) return actor;
    if (taskId === null && sessionId !== null && isSessionActor(actor, sessionId, state.actors)) return actor;
  }
  return null;
}

type Index = Readonly<{
  state: PageState;
  /** Sub-sessions, by the task that opened them. */
  children: ReadonlyMap<string, readonly SessionView[]>;
  /** Actors by their parent. */
  below: ReadonlyMap<string | null, readonly ActorView[]>;
  /** The actors of tasks. */
  tasks: ReadonlyMap<string, ActorView>;
}>;

function indexOf(state: PageState): Index {
  const actors = [...state.actors.values()];
  return {
    state,
    children: Map.groupBy(state.sessions.values(), ({ parent }) => parent?.taskId ?? ''),
    below: Map.groupBy(actors, ({ parent }) => (parent !== null && state.actors.has(parent) ? parent : null)),
    tasks: new Map(actors.flatMap((actor) => (actor.taskId === null ? [] : [[actor.taskId, actor] as const]))),
  };
}

/** The uppermost of the actors of a session is the session itself. */
function isSessionActor(actor: ActorView, sessionId: string, actors: ReadonlyMap<string, ActorView>): boolean {
  if (actor.sessionId !== sessionId) return false;
  const parent = actor.parent === null ? undefined : actors.get(actor.parent);
  return parent?.sessionId !== sessionId;
}

function sessionNode(session: SessionView, index: Index): TreeNode {
  const { tasks, requests, id } = session;
  const running = tasks.filter(({ endedAt }) => endedAt === null);
  const ended = tasks.filter(({ endedAt }) => endedAt !== null);
  const shown = [...ended.slice(-ENDED_MAX), ...running];
  const below = shown.map((task) => taskNode(session, task, index));
  // Children of tasks that are not shown any more, and of none.
  const isShown = new Set(shown.map(({ taskId }) => taskId));
  const others = [...index.state.sessions.values()].filter(
    ({ parent }) => parent?.sessionId === id && !(parent.taskId !== null && isShown.has(parent.taskId)),
  );
  const all = [...others.map((one) => sessionNode(one, index)), ...below];
  const open = requests.filter(({ taskId }) => taskId === undefined || !isShown.has(taskId)).length + sum(all);
  return {
    key: `session:${id}`,
    name: session.path.at(-1)?.kind ?? 'session',
    path: session.path.map(({ kind }) => kind).join('/'),
    states: [
      session.isClosed ? 'closed' : running.length > 0 ? 'busy' : 'idle',
      ...(session.degraded ? ['degraded'] : []),
    ],
    tone: session.isClosed
      ? 'ended'
      : open > 0
        ? 'asking'
        : session.degraded
          ? 'bad'
          : running.length > 0
            ? 'busy'
            : 'idle',
    since: session.openedAt,
    until: session.isClosed ? session.lastAt : null,
    tokens: session.usage.totalTokens,
    budget: budgetText(session),
    open,
    selection: { sessionId: id, taskId: null, actorId: null },
    below: all,
  };
}

function taskNode(session: SessionView, task: TaskView, index: Index): TreeNode {
  const actor = index.tasks.get(task.taskId);
  const children = (index.children.get(task.taskId) ?? []).map((one) => sessionNode(one, index));
  const inside = actor === undefined ? [] : actorsBelow(actor, index);
  const own = session.requests.filter(({ taskId }) => taskId === task.taskId).length;
  const all = [...inside, ...children];
  const isOver = task.endedAt !== null;
  const states = actor === undefined || isOver ? [task.state] : actor.active.slice(-1);
  const open = own + sum(children);
  return {
    key: `task:${task.taskId}`,
    name: task.kind,
    path: [...session.path.map(({ kind }) => kind), task.kind].join('/'),
    states: task.placement === 'beside' ? [...states, 'beside'] : states,
    tone: task.state === 'failed' ? 'bad' : isOver ? 'ended' : open > 0 ? 'asking' : 'busy',
    since: task.startedAt,
    until: task.endedAt,
    tokens: isOver ? task.usage.totalTokens : null,
    budget: null,
    open,
    selection: { sessionId: session.id, taskId: task.taskId, actorId: null },
    below: all,
  };
}

/** The actors inside a task; those that are sub-sessions are nodes of their own. */
function actorsBelow(actor: ActorView, index: Index): readonly TreeNode[] {
  return (index.below.get(actor.id) ?? []).flatMap((one) => {
    if (one.sessionId !== actor.sessionId) return [];
    if (one.chart === null && !index.state.showsAllActors) return [];
    return [actorNode(one, index)];
  });
}

function actorNode(actor: ActorView, index: Index): TreeNode {
  return {
    key: `actor:${actor.id}`,
    name: actor.name,
    path: actor.path,
    states: actor.active.length > 0 ? leavesOf(actor.active) : [actor.status],
    tone: actor.status === 'error' ? 'bad' : actor.status === 'active' ? 'busy' : 'ended',
    since: actor.since,
    until: null,
    tokens: null,
    budget: null,
    open: 0,
    selection: { sessionId: actor.sessionId, taskId: null, actorId: actor.id },
    below: actorsBelow(actor, index),
  };
}

/** The innermost of the states. */
export function leavesOf(active: readonly string[]): readonly string[] {
  return active.filter((path) => !active.some((other) => other.startsWith(`${path}.`)));
}

function sum(nodes: readonly TreeNode[]): number {
  return nodes.reduce((total, { open }) => total + open, 0);
}

function budgetText({ budget, usage, openedAt, lastAt }: SessionView): string | null {
  if (budget === null) return null;
  const parts = [
    ...(budget.tokens === undefined
      ? []
      : [`${Math.round((100 * usage.totalTokens) / budget.tokens)} % of its tokens`]),
    ...(budget.wallMs === undefined
      ? []
      : [`${Math.round((100 * (lastAt - openedAt)) / budget.wallMs)} % of its time`]),
    ...(budget.usd === undefined ? [] : [`at most $${budget.usd}`]),
    ...(budget.spawns === undefined ? [] : [`at most ${budget.spawns} sub-sessions`]),
  ];
  return parts.length === 0 ? null : parts.join(', ');
}
