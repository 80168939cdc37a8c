import type { AnyEventObject, AnyStateMachine } from 'xstate';
import { definedWork } from '../../machines/defined-work.machine.ts';
import { type DelegateInput, delegate } from '../../machines/delegate.machine.ts';
import { lifecycle } from '../../machines/lifecycle.ts';
import { provided } from '../../machines/logic.ts';
import type { Ending } from '../../machines/own-requests.ts';
import { regularWork } from '../../machines/regular.machine.ts';
import { sessionMachine } from '../../machines/session.machine.ts';
import { endIn, orderIn, type SessionMachineContext } from '../../machines/session-setup.ts';
import { toolCall } from '../../machines/tool-call.machine.ts';
import type { StartOrder, TaskInput } from '../../src/protocol/messages.ts';
import type { Path } from '../../src/protocol/path.ts';
import type { Resolution } from '../../src/protocol/requests.ts';
import { type Announcement, type Leaf, type Stage, split, type Turn } from './actors.ts';
import { at, hook, silent, timer } from './leaves.ts';

type Task = Readonly<{ path: string; sessionId: string; status: 'runs' | 'aborts' | 'has ended' | 'is released' }>;
type Request = Readonly<{ asker: string; taskId: string; status: 'asked' | 'shown' | 'ended' }>;

/** What happened in a tree and matters later. `wrong` is the first law that was broken. */
export type TreeFacts = Readonly<{
  tasks: Readonly<Record<string, Task>>;
  requests: Readonly<Record<string, Request>>;
  /** Requests that people can see. */
  open: readonly string[];
  /** What people have done, each once. */
  done: readonly string[];
  wrong: string | null;
}>;

export const NOTHING_YET: TreeFacts = { tasks: {}, requests: {}, open: [], done: [], wrong: null };

export function orderOf(taskId: string, kind: string, more: Partial<StartOrder> = {}): StartOrder {
  const context = { model: 'm', cwd: '/', sandbox: 'read-only', approvalPolicy: 'on-request' } as const;
  return { taskId, kind, input: null, context, whenBusy: 'queue', placement: 'foreground', steerable: false, ...more };
}

export function sessionInput(sessionId: string, above: Path = []) {
  return { sessionId, path: [...above, { sessionId, kind: 'job' }], graceMs: 1, killMs: 1 };
}

/** What opens a sub-session, with one task of this kind. */
export function delegateInput(sessionId: string, above: Path, kind: string): DelegateInput {
  const order = orderOf(`${kind} in ${sessionId}`, kind);
  return { session: sessionInput(sessionId, above), relay: { parentId: '', childId: '' }, relayId: 'relay', order, at };
}

type Kinds = Readonly<Record<string, Readonly<{ work: 'defined' | 'regular' | AnyStateMachine | Leaf }>>>;
type Leaves = Readonly<{ body?: Leaf; sample?: Leaf; check?: Leaf; ask?: Leaf; execute?: Leaf }>;

/** The real charts with the part of the runtime that decides nothing, for leaves that are given. */
export function treeStage(
  kinds: Kinds,
  leaves: (role: keyof Leaves, input: unknown) => Leaf | undefined,
  atOnce: boolean,
) {
  const names = Object.keys(kinds);
  const lifecycles = Object.fromEntries(names.map((kind) => [kind, lifecycle({ id: kind, description: '' })]));
  const placeHolders = Object.fromEntries(names.map((kind) => [kind, provided<never>()]));
  const session = sessionMachine.provide({ actors: placeHolders, actions: { passDecision: () => {} } });
  const actors = { delegate: provided<never>() };
  const works = {
    defined: definedWork.provide({ actors }),
    regular: regularWork.provide({ actors: { toolCall: provided<never>() } }),
  };
  const charts: Readonly<Record<string, AnyStateMachine | Leaf>> = {
    ...lifecycles,
    session,
    delegate,
    toolCall,
    timer,
    relay: silent,
    turn: silent,
    cleanup: hook,
  };
  const stage: Stage<TreeFacts> = {
    atOnce,
    cast(role, input) {
      if (role !== 'work') return charts[role] ?? leaves(role as keyof Leaves, input); // It looks whether it is one.
      const work = kinds[(input as TaskInput).kind]?.work; // Each work is given its task.
      return typeof work === 'string' ? works[work] : work;
    },
    announced,
    told: () => {},
    noted,
  };
  return stage;
}

type T = Turn<TreeFacts>;

function announced(turn: T, { path, action, params, context, event }: Announcement) {
  const inSession = { context: context as SessionMachineContext, event: event as never }; // So the session chart announces.
  switch (action) {
    case 'announceStart':
      return started(turn, path, orderIn(inSession), inSession.context);
    case 'announceEnd':
      return ended(turn, path, endIn(inSession));
    case 'ask':
      return ask(turn, path);
    case 'announceAsked':
      return shown(turn, path, (params as { requestId: string }).requestId);
    case 'settleRequest':
      return settle(turn, path, { requestId: event.requestId, resolution: event.resolution });
    case 'endRequests':
      for (const ending of (params as { ends: readonly Ending[] }).ends) {
        settle(turn, path, ending);
        turn.send(path, path, { type: 'request.closed', requestId: ending.requestId });
      }
      return;
    case 'passDecision': {
      const { requestId, decision, by } = event;
      const owner = ownerOf(turn, requestId);
      const to = turn.living.has(owner) ? owner : path;
      turn.send(path, to, { type: 'request.settled', requestId, resolution: { how: 'answered', decision, by }, at });
      return;
    }
    case 'deliverDelegate': {
      const { output } = (params as { event: AnyEventObject }).event;
      return turn.send(path, `${path}>body`, { type: 'delivered', of: output.sessionId });
    }
    case 'refuseDelegate': {
      const { sessionId } = (params as { input: DelegateInput }).input.session;
      return turn.send(path, `${path}>body`, { type: 'delivered', of: sessionId });
    }
  }
}

function noted(turn: T, path: string, event: AnyEventObject) {
  if (event.type === 'begins' && BEGINNINGS.includes(split(path)[1].split('/')[0] ?? '')) {
    const aborted = Object.entries(turn.facts.tasks).find(
      ([, task]) => task.status === 'aborts' && path.startsWith(`${task.path}>`),
    );
    if (aborted !== undefined) wrong(turn, `${path} begins after the abort of ${aborted[0]}`);
  }
  // A task accepts an abort when it hears of it; one that has decided its end does not.
  if (event.type === 'task.abort' && turn.living.has(path)) {
    const [taskId] = Object.entries(turn.facts.tasks).findLast(([, task]) => task.path === path) ?? [];
    if (taskId !== undefined) note(turn, taskId, 'aborts');
  }
  if (event.type === 'work.cancel') {
    const open = Object.entries(turn.facts.requests).find(
      ([, { asker, status }]) => asker === path && status !== 'ended',
    );
    if (open === undefined) return;
    const resolution = { how: 'withdrawn', why: 'aborted' };
    turn.send(path, sessionOf(path), { type: 'request.settled', requestId: open[0], resolution, at });
  }
  if (event.type === 'offer' && path === 'people') offered(turn, event.requestId);
  if (event.type === 'terminal.released') note(turn, event.taskId, 'is released');
}

/** What must not begin once its task was aborted. */
const BEGINNINGS = ['body', 'delegate', 'session', 'sample', 'call', 'ask', 'execute'];

function started(
  turn: T,
  session: string,
  order: StartOrder,
  { sessionId, foreground, beside }: SessionMachineContext,
) {
  const { taskId, placement } = order;
  const slot = [foreground, ...beside].find((one) => one?.taskId === taskId);
  const path = `${session}>${slot?.childId}`;
  if (turn.facts.tasks[taskId] !== undefined) wrong(turn, `${taskId} starts twice`);
  const before = Object.entries(turn.facts.tasks).find(
    ([, other]) => other.sessionId === sessionId && placement === 'foreground' && other.status !== 'is released',
  );
  if (before !== undefined) wrong(turn, `${taskId} starts before the terminal of ${before[0]} was seen`);
  turn.facts = { ...turn.facts, tasks: { ...turn.facts.tasks, [taskId]: { path, sessionId, status: 'runs' } } };
}

function ended(turn: T, session: string, end: ReturnType<typeof endIn>) {
  const { taskId } = end;
  const task = turn.facts.tasks[taskId];
  if (task === undefined) return wrong(turn, `${taskId} ends and has not begun`);
  if (isOver(task)) wrong(turn, `${taskId} ends twice`);
  if (task.status === 'aborts' && end.end !== 'aborted') wrong(turn, `${taskId} ends ${end.end} after its abort`);
  const below = Object.entries(turn.facts.tasks).filter(
    ([, other]) => other.path.startsWith(`${task.path}>`) && !isOver(other),
  );
  const isAnswered = end.end !== 'aborted' || end.report.unsettled === 0;
  if (below[0] !== undefined && isAnswered) wrong(turn, `${taskId} ends before ${below[0][0]} below it`);
  // What never answered is closed from above.
  for (const [other] of below) note(turn, other, 'is released');
  for (const [requestId, request] of Object.entries(turn.facts.requests)) {
    if (request.status === 'ended' || ![taskId, ...below.map(([id]) => id)].includes(request.taskId)) continue;
    settle(turn, sessionOf(request.asker), { requestId, resolution: { how: 'withdrawn', why: 'the task ended' } });
    turn.send(session, sessionOf(request.asker), { type: 'request.closed', requestId });
  }
  note(turn, taskId, 'has ended');
  turn.sendLater('disk', session, { type: 'terminal.released', taskId, at });
}

function ask(turn: T, asker: string) {
  const session = sessionOf(asker);
  const taskId = Object.entries(turn.facts.tasks).findLast(([, { path }]) => asker.startsWith(`${path}>`))?.[0] ?? '?';
  const requestId = `of ${taskId}`;
  const request: Request = { asker, taskId, status: 'asked' };
  turn.facts = { ...turn.facts, requests: { ...turn.facts.requests, [requestId]: request } };
  turn.send(asker, session, { type: 'request.asked', taskId, requestId, identity: requestId, boundTo: requestId, at });
}

/** On the disk, and in a turn of its own, a request goes up. */
function shown(turn: T, session: string, requestId: string) {
  const request = turn.facts.requests[requestId];
  if (request === undefined || request.status === 'ended') return;
  turn.facts = { ...turn.facts, requests: { ...turn.facts.requests, [requestId]: { ...request, status: 'shown' } } };
  turn.send(session, session, { type: 'request.opened', request: { id: requestId, sessionId: session } });
  turn.sendLater(session, 'people', { type: 'offer', requestId });
}

function offered(turn: T, requestId: string) {
  const request = turn.facts.requests[requestId];
  if (request === undefined || request.status === 'ended') return;
  const owner = sessionOf(request.asker);
  for (const above of sessionsAbove(owner))
    turn.send(owner, above, { type: 'request.opened', request: { id: requestId, sessionId: owner } });
  turn.facts = { ...turn.facts, open: [...turn.facts.open, requestId] };
}

/** Ends a request, once; later ends are nothing. */
function settle(turn: T, session: string, { requestId, resolution }: { requestId: string; resolution: Resolution }) {
  const request = turn.facts.requests[requestId];
  if (request === undefined || request.status === 'ended') return;
  turn.facts = {
    ...turn.facts,
    requests: { ...turn.facts.requests, [requestId]: { ...request, status: 'ended' } },
    open: turn.facts.open.filter((id) => id !== requestId),
  };
  const decision = resolution.how === 'answered' ? String(resolution.decision) : resolution.how;
  turn.send(session, request.asker, { type: 'resolved', of: decision });
  if (request.status === 'shown')
    for (const above of sessionsAbove(session)) turn.send(session, above, { type: 'request.closed', requestId });
  if (decision !== 'abort') return;
  turn.send(session, session, { type: 'op.abort', taskId: request.taskId, reason: 'interrupted', at, deadline: at });
}

/** The nearest session that an actor is in. */
export function sessionOf(path: string): string {
  const names = path.split('>');
  const last = names.lastIndexOf('session');
  return names.slice(0, last + 1).join('>');
}

function sessionsAbove(session: string): readonly string[] {
  const above = sessionOf(split(session)[0]);
  return above === '' ? [] : [above, ...sessionsAbove(above)];
}

function ownerOf({ facts }: T, requestId: string): string {
  return sessionOf(facts.requests[requestId]?.asker ?? '');
}

function note(turn: T, taskId: string, status: Task['status']) {
  const task = turn.facts.tasks[taskId];
  if (task === undefined || (status === 'aborts' && isOver(task))) return;
  turn.facts = { ...turn.facts, tasks: { ...turn.facts.tasks, [taskId]: { ...task, status } } };
}

function isOver({ status }: Task): boolean {
  return status === 'has ended' || status === 'is released';
}

function wrong(turn: T, what: string) {
  turn.facts = { ...turn.facts, wrong: turn.facts.wrong ?? what };
}
