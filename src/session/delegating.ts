import type { AnyActorRef } from 'xstate';
import type { DelegateEnd, DelegateInput } from '../../machines/delegate.machine.ts';
import type { Denial } from '../../machines/own-requests.ts';
import { TroupeError } from '../protocol/errors.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { SessionInput } from '../protocol/messages.ts';
import type { TaskOutcome } from '../protocol/outcomes.ts';
import type { Path, Segment } from '../protocol/path.ts';
import type { ApprovalPolicy, SandboxMode, TaskContext } from '../protocol/settings.ts';
import type { DelegateSpec } from '../tasks/ports.ts';
import { AGENT_TOOL_NAMES } from '../tools/agents.ts';
import { type Book, openBook, type TaskRecord } from './book.ts';
import { commit } from './commit.ts';
import { converse } from './conversing.ts';
import { orderOf } from './ordering.ts';
import { freeSlot, takeSlot } from './slots.ts';
import { spendSpawn, whyNoSpawn } from './spending.ts';

/** Opens a sub-session below a running task, and resolves with the outcome of its one task once it has closed. */
export function delegateTo(
  book: Book,
  record: TaskRecord,
  spec: DelegateSpec,
  leaf: AnyActorRef,
): Promise<TaskOutcome> {
  const { world } = book;
  const { limits } = book.settings;
  if (book.path.length > limits.depthMax) {
    throw new TroupeError(
      'depth-exceeded',
      `Expected at most ${limits.depthMax} sessions below the root, got one more. Do the work here, or raise limits.depthMax.`,
    );
  }
  const opener = leaf._parent;
  if (opener === undefined) throw new TroupeError('internal', 'Only a work that runs in a task can delegate.');
  const { kind = 'regular', as = record.order.kind } = spec;
  const sessionId = world.ids.next();
  const path = pathBelow(book.path, { sessionId, kind: as, taskId: record.order.taskId, callId: spec.callId });
  const order = orderOf(world, kind, spec.input, narrowed(record.order.context, spec));
  const { taskId } = record.order;
  const noSpawn = whyNoSpawn(book);
  if (noSpawn !== null) throw new TroupeError('budget-exceeded', noSpawn);
  if (!takeSlot(world.slots, limits.agentsMax, taskId)) {
    throw new TroupeError(
      'too-many-agents',
      `Expected at most ${limits.agentsMax} sub-sessions at once, got one more. Wait for one to end, or raise limits.agentsMax.`,
    );
  }
  spendSpawn(book);
  const child = openBook({
    world,
    id: sessionId,
    path,
    parent: book,
    settings: {
      ...book.settings,
      instructions: spec.instructions ?? record.order.context.instructions ?? book.settings.instructions,
      context: order.context,
      tools: toolsOf(book, spec.tools),
      ...(spec.compacts === undefined ? {} : { compacts: spec.compacts }),
    },
    history: historyOf(book, spec.history),
    consider: spec.consider,
    hides: spec.hides,
    budget: spec.budget,
  });
  record.children.push(child);
  // Without it, nobody would find the log of the sub-session after a crash: the sub-session does nothing before it is on the disk.
  child.openedAtSeq = commit(book, { type: 'child.opened', childId: sessionId, kind: as }, { taskId, sync: true }).seq;
  const input: DelegateInput = {
    session: {
      sessionId,
      path,
      graceMs: limits.graceMs,
      killMs: limits.killMs,
      requestsOpenMax: limits.requestsOpenMax,
      requestsPerMinuteMax: limits.requestsPerMinuteMax,
      ...deniedBelow(book, record.order.taskId),
    },
    relay: { parentId: book.id, childId: sessionId },
    relayId: `relay:${as}/${sessionId}`,
    order,
    at: world.clock.now(),
    ...(spec.converse === undefined ? {} : { converses: true }),
  };
  return new Promise<TaskOutcome>((resolve, reject) => {
    const talk = converse(child, spec, {
      orderFor: (next, wanted, settings) =>
        orderOf(
          world,
          next,
          wanted,
          narrowed(record.order.context, { ...spec, context: { ...spec.context, ...settings } }),
          'queue',
        ),
      tell: (op) => opener.send({ type: 'delegate.tell', sessionId, op }),
    });
    talk.follow(order);
    child.deliver = (end) => {
      freeSlot(world.slots, limits.agentsMax);
      book.children.splice(book.children.indexOf(child), 1);
      talk.over(failedToRun(end)).then(resolve, reject);
    };
    spec.opened?.(sessionId);
    opener.send({ type: 'delegate.open', input });
  });
}

/** What is denied to a session as a whole is denied to what it opens. */
function deniedBelow(book: Book, taskId: string): Pick<SessionInput, 'denied'> {
  const denials: readonly Denial[] = book.actor?.getSnapshot().context.denials ?? [];
  const all = denials.find((denial) => denial.boundTo === null && (denial.taskId ?? taskId) === taskId);
  return all === undefined ? {} : { denied: { message: all.message } };
}

/** A delegate has ended: whoever waits for its sub-session learns the outcome. */
export function deliver(book: Book, end: DelegateEnd): void {
  const child = book.children.find(({ id }) => id === end.sessionId);
  child?.deliver?.(end);
}

/** A delegate was refused, because its work was being stopped: its sub-session ends at once, without having begun. */
export function refuse(book: Book, sessionId: string): void {
  book.world.books.delete(sessionId);
  deliver(book, { sessionId, at: 0, end: null, error: null, report: NOTHING });
}

const NOTHING = { killed: 0, survivors: 0, unsettled: 0, sessions: [] };

function failedToRun({ error }: DelegateEnd): TaskOutcome {
  const told = error ?? {
    code: 'sub-session-failed' as const,
    message: 'The sub-session was stopped before its task began.',
    retryable: false,
  };
  return {
    status: 'failed',
    error: told,
    usage: { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0, totalTokens: 0 },
  };
}

function pathBelow(parent: Path, { callId, ...segment }: Segment): Path {
  return Object.freeze([...parent, Object.freeze(callId === undefined ? segment : { ...segment, callId })]);
}

/** What a sub-session may do: at most what its parent's task may. What the parent's answer has to be is not its business. */
function narrowed(parent: TaskContext, { context = {} }: DelegateSpec): TaskContext {
  const { outputSchema: _schema, instructions: _instructions, ...inherited } = parent;
  return {
    ...inherited,
    ...context,
    sandbox: narrower(SANDBOXES, parent.sandbox, context.sandbox),
    approvalPolicy: narrower(POLICIES, parent.approvalPolicy, context.approvalPolicy),
  };
}

const SANDBOXES: Narrower<SandboxMode> = {
  'read-only': [],
  'workspace-write': ['read-only'],
  'danger-full-access': ['workspace-write', 'read-only'],
};
/** `never` runs in the sandbox what `untrusted` asks about, and refuses what `untrusted` asks about besides: neither is narrower. */
const POLICIES: Narrower<ApprovalPolicy> = { 'on-request': ['untrusted', 'never'], untrusted: [], never: [] };

type Narrower<T extends string> = Readonly<Record<T, readonly T[]>>;

function narrower<T extends string>(than: Narrower<T>, parent: T, wanted: T | undefined): T {
  return wanted !== undefined && than[parent].includes(wanted) ? wanted : parent;
}

/** Its parent's tools, or some of them. One that may open no sub-sessions has none for that. */
function toolsOf(book: Book, names: readonly string[] | undefined) {
  const { tools, limits } = book.settings;
  const isDeepest = book.path.length >= limits.depthMax;
  if (names === undefined && !isDeepest) return tools;
  const isGiven = (name: string) => names?.includes(name) ?? true;
  return new Map([...tools].filter(([name]) => isGiven(name) && !(isDeepest && AGENT_TOOL_NAMES.includes(name))));
}

function historyOf(book: Book, wanted: DelegateSpec['history']): readonly HistoryEntry[] {
  if (wanted === undefined || wanted === 'empty') return [];
  return wanted === 'fork' ? withoutOpenCalls(book.history) : wanted;
}

/** A history as it was before the calls that have no output yet. */
export function withoutOpenCalls(history: readonly HistoryEntry[]): readonly HistoryEntry[] {
  const settled = new Set(history.flatMap((entry) => (entry.type === 'output' ? [entry.callId] : [])));
  return history.filter((entry) => entry.type !== 'call' || settled.has(entry.callId));
}
