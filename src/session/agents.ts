import type { AgentRole, AgentStatus, AgentView } from '../protocol/agents.ts';
import { TroupeError } from '../protocol/errors.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { KeptInput } from '../protocol/messages.ts';
import type { TaskOutcome } from '../protocol/outcomes.ts';
import type { DelegateSpec, TaskAgents } from '../tasks/ports.ts';
import type { Told, Waited } from '../tools/agent-port.ts';
import { type AgentWaits, createAgentWaits } from './agent-waits.ts';
import type { Book, TaskRecord } from './book.ts';
import { withoutOpenCalls } from './delegating.ts';
import { orderOf } from './ordering.ts';
import { freeSlot, turnOf } from './slots.ts';
import { whyNoSpawn } from './spending.ts';
import { sayTo, steer } from './steering.ts';
import { tell } from './telling.ts';

/** The agents of a session: each a task beside its others, with a sub-session that works. */
export type AgentBook = {
  readonly agents: Map<string, Agent>;
  /** How many there ever were of a role, for their names. */
  readonly made: Map<string, number>;
  readonly waits: AgentWaits;
};

type Agent = {
  readonly name: string;
  readonly role: string;
  readonly callId: string;
  /** The task in which it does what it was last told, and the task that told it. */
  taskId: string;
  owner: string;
  status: AgentStatus;
  sessionId: string | null;
  result: string | null;
  /** What it knows when it begins. */
  history: readonly HistoryEntry[];
  /** What was said to it before its turn. */
  unread: string[];
  /** Its parent has been told how it ended, or does not want to know. */
  isTold: boolean;
  /** The input by which it was told, as long as nobody has taken that. */
  noticeId: string | null;
};

/** How many agents of a session that have ended keep what they know; the oldest forget it first. */
const REMEMBERING_MAX = 64;

/** The agents of a session, for one of its tasks. `mayStart` throws once nothing may start any more. */
export function agentsFor(book: Book, { order }: TaskRecord, mayStart: () => void): TaskAgents {
  const { world } = book;
  const { limits } = book.settings;
  const { taskId } = order;
  const find = (name: string): Told<Agent> => {
    const agent = book.agents?.agents.get(name);
    if (agent !== undefined) return { ok: true, value: agent };
    const names = [...(book.agents?.agents.keys() ?? [])].join(', ') || 'none';
    return refused(`Unknown agent "${name}". Your agents: ${names}.`);
  };

  return {
    roles: world.roles,
    spawn({ message, role, fork, callId }) {
      mayStart();
      const why = whyNone(book, role);
      if (why !== null) return refused(why);
      book.agents ??= { agents: new Map(), made: new Map(), waits: createAgentWaits(world.clock) };
      const place = (book.agents.made.get(role) ?? 0) + 1;
      book.agents.made.set(role, place);
      const name = `${role}-${place}`;
      const history = fork ? withoutOpenCalls(book.history) : [];
      const agent: Agent = { ...UNBORN, name, role, callId, history, unread: [] };
      book.agents.agents.set(name, agent);
      begin(book, agent, message, order);
      return { ok: true, value: viewOf(agent) };
    },
    async send(name, message, interrupt) {
      mayStart();
      const found = find(name);
      if (!found.ok) return found;
      const agent = found.value;
      if (isWorking(agent) && interrupt) await stop(book, agent);
      if (!isWorking(agent)) {
        const why = whyNone(book, agent.role);
        if (why !== null) return refused(why);
        begin(book, agent, message, order);
        return { ok: true, value: 'started' };
      }
      agent.owner = taskId;
      const child = book.children.find(({ id }) => id === agent.sessionId);
      if (child === undefined) agent.unread.push(message);
      else if (steer(child, message).disposition === 'rejected')
        return refused(`${name} is just ending. Send it again.`);
      return { ok: true, value: 'steered' };
    },
    async wait(names, timeoutMs, signal) {
      mayStart();
      const targets: Agent[] = [];
      for (const name of names) {
        const found = find(name);
        if (!found.ok) return found;
        targets.push(found.value);
      }
      const isAny = names.length === 0;
      const wanted = isAny ? agentsOf(book) : targets;
      const ready = wanted.filter((agent) => !isWorking(agent) && !(isAny && isKnown(book, agent)));
      if (book.agents === null || ready.length > 0 || !wanted.some(isWorking))
        return { ok: true, value: waited(book, 'ended', ready) };
      if (hasNewInput(book)) return { ok: true, value: waited(book, 'new-input', []) };
      const { waits } = book.agents;
      const why = await withoutSlot(book, () => waits.wait(isAny ? null : new Set(names), timeoutMs, signal));
      const now = wanted.filter((agent) => !isWorking(agent) && !isKnown(book, agent));
      return { ok: true, value: waited(book, why, now) };
    },
    async close(name) {
      const found = find(name);
      if (!found.ok) return found;
      const agent = found.value;
      const { status } = agent;
      agent.isTold = true;
      dropNotice(book, agent);
      if (isWorking(agent)) await stop(book, agent);
      book.agents?.agents.delete(name);
      return { ok: true, value: status };
    },
    list: () => agentsOf(book).map(viewOf),
    async turn(signal) {
      await turnOf(world.slots, limits.agentsMax, taskId, signal);
    },
    specOf(name, message) {
      const found = find(name);
      if (!found.ok) throw new TroupeError('internal', found.message);
      return specOf(found.value, message, world.roles.get(found.value.role));
    },
    get areAwaited() {
      return world.whenTaskEnds !== 'detach' && ownOf(book, taskId).length > 0;
    },
    async settled(signal) {
      if (world.whenTaskEnds === 'cancel') {
        for (const agent of ownOf(book, taskId)) {
          agent.isTold = true;
          void stop(book, agent);
        }
      }
      await withoutSlot(book, async () => {
        while (!signal.aborted && keptInputs(book).length === 0 && ownOf(book, taskId).length > 0)
          await book.agents?.waits.changed(signal);
      });
      return keptInputs(book).length > 0;
    },
  };
}

const UNBORN = {
  taskId: '',
  owner: '',
  status: 'queued',
  sessionId: null,
  result: null,
  isTold: false,
  noticeId: null,
} as const;

/** The agents that work for a task. */
function ownOf(book: Book, taskId: string): readonly Agent[] {
  return agentsOf(book).filter((agent) => agent.owner === taskId && isWorking(agent));
}

function isWorking({ status }: Agent): boolean {
  return status === 'queued' || status === 'running';
}

/** Why no agent of this role may begin, in words for the model. */
function whyNone(book: Book, role: string): string | null {
  const { roles } = book.world;
  if (!roles.has(role)) return `Unknown kind of agent "${role}". There are: ${[...roles.keys()].join(', ')}.`;
  const { depthMax } = book.settings.limits;
  if (book.path.length > depthMax) return `Agents may not be more than ${depthMax} deep. Do the work yourself.`;
  const spent = whyNoSpawn(book);
  return spent === null ? null : `${spent} Do the work yourself.`;
}

/** Has an agent do something: a task of its own, which belongs to the one that wants it. */
function begin(book: Book, agent: Agent, message: string, owner: TaskRecord['order']): void {
  const { world } = book;
  const { name, role } = agent;
  const order = { ...orderOf(world, 'agent', { agent: name, role, message }, owner.context), owner: owner.taskId };
  Object.assign(agent, { taskId: order.taskId, owner: owner.taskId, status: 'queued', result: null });
  Object.assign(agent, { sessionId: null, isTold: false, noticeId: null });
  world.listeners.set(order.taskId, {
    disposed: () => {},
    decided: (outcome) => noteEnd(book, agent, outcome),
    ended: () => {},
  });
  if (tell(book, { type: 'op.start', order, at: world.clock.now() }) && book.tasks.get(order.taskId) !== undefined)
    return;
  world.listeners.delete(order.taskId);
  Object.assign(agent, { status: 'failed', result: 'The session closes: nothing starts any more.' });
}

function specOf(agent: Agent, message: string, role: AgentRole | undefined): DelegateSpec {
  const { instructions, tools, sandbox, effort, budget } = role ?? {};
  const input = [message, ...agent.unread.splice(0)].join('\n\n');
  return {
    input,
    as: agent.role,
    history: agent.history,
    callId: agent.callId,
    context: { ...(sandbox === undefined ? {} : { sandbox }), ...(effort === undefined ? {} : { effort }) },
    ...(instructions === undefined ? {} : { instructions }),
    ...(tools === undefined ? {} : { tools }),
    ...(budget === undefined ? {} : { budget }),
    opened(sessionId) {
      agent.sessionId = sessionId;
      agent.status = 'running';
    },
  };
}

/** An agent has decided its end: whoever waits for it is told, or else its parent, at its next step or by a task of its own. */
function noteEnd(book: Book, agent: Agent, outcome: TaskOutcome): void {
  const child = book.tasks.get(agent.taskId)?.children.at(-1);
  if (child !== undefined) agent.history = child.history.slice();
  agent.status = outcome.status;
  agent.result = resultOf(outcome);
  forgetOldest(book);
  const owner = book.tasks.get(agent.owner);
  const ownerStops = owner?.done.has('abort') === true;
  // What was stopped together with the task that wanted it is no news for anybody.
  if (ownerStops || (outcome.status === 'aborted' && owner === undefined)) agent.isTold = true;
  const isWaitedFor = book.agents?.waits.ended(agent.name) === true;
  if (isWaitedFor || agent.isTold) return;
  agent.isTold = true;
  agent.noticeId = sayTo(book, noticeOf(agent));
}

function resultOf(outcome: TaskOutcome): string {
  switch (outcome.status) {
    case 'completed':
      return outcome.answer ?? 'It ended without an answer.';
    case 'failed':
      return outcome.error.message;
    case 'aborted':
      return `It was stopped (${outcome.reason}) before it had finished.`;
    default:
      return outcome satisfies never;
  }
}

function noticeOf({ name, status, result }: Agent): string {
  return `<agent_ended agent="${name}" status="${status}">\n${result}\n</agent_ended>`;
}

function waited(book: Book, why: Waited['why'], agents: readonly Agent[]): Waited {
  for (const agent of agents) {
    agent.isTold = true;
    dropNotice(book, agent);
  }
  return { why: agents.length > 0 ? 'ended' : why, ended: agents.map(viewOf) };
}

/** What was on its way to the model is not needed any more: it has been told in another way. */
function dropNotice(book: Book, agent: Agent): void {
  if (agent.noticeId !== null) tell(book, { type: 'inputs.taken', inputIds: [agent.noticeId] });
  agent.noticeId = null;
}

/** Stops an agent; resolves when it has ended, which is within the bound of an abort. */
async function stop(book: Book, agent: Agent): Promise<void> {
  const at = book.world.clock.now();
  const { taskId } = agent;
  tell(book, { type: 'op.abort', taskId, reason: 'interrupted', at, deadline: at + book.settings.limits.graceMs });
  while (agent.taskId === taskId && isWorking(agent)) await book.agents?.waits.changed(null);
}

/** Something was said to the session: who waits for agents is to know it, unless it is only word of one of them. */
export function inputCame(book: Book, inputId: string): void {
  if (book.agents === null) return;
  const isNotice = [...book.agents.agents.values()].some((agent) => agent.noticeId === inputId);
  if (isNotice) book.agents.waits.noted();
  else book.agents.waits.said();
}

/** The model has been told how it ended, or will not be; what is only on its way may still be told in another way. */
function isKnown(book: Book, { isTold, noticeId }: Agent): boolean {
  return isTold && (noticeId === null || keptInputs(book).every(({ inputId }) => inputId !== noticeId));
}

function agentsOf(book: Book): readonly Agent[] {
  return [...(book.agents?.agents.values() ?? [])];
}

/** Something that a person has said waits to be taken; what agents have to say does not count. */
function hasNewInput(book: Book): boolean {
  const notices = new Set(agentsOf(book).map(({ noticeId }) => noticeId));
  return keptInputs(book).some(({ inputId }) => !notices.has(inputId));
}

function keptInputs(book: Book): readonly KeptInput[] {
  return book.actor?.getSnapshot().context.inputs ?? [];
}

/** A sub-session that waits for its agents works no more: others may meanwhile. */
async function withoutSlot<T>(book: Book, wait: () => Promise<T>): Promise<T> {
  const { slots } = book.world;
  const holds = book.parent !== null;
  if (holds) freeSlot(slots, book.settings.limits.agentsMax);
  try {
    return await wait();
  } finally {
    // It goes on at once, even if others have taken its place: that holds up nobody.
    if (holds) slots.working += 1;
  }
}

function forgetOldest(book: Book): void {
  const ended = agentsOf(book).filter((agent) => !isWorking(agent));
  for (const agent of ended.slice(0, -REMEMBERING_MAX)) agent.history = [];
}

function viewOf({ name, role, status, sessionId, result }: Agent): AgentView {
  return { agent: name, role, status, sessionId, result };
}

function refused(message: string): Readonly<{ ok: false; message: string }> {
  return { ok: false, message };
}
