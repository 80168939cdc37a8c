import { createHash } from 'node:crypto';
import type { Ending } from '../../machines/own-requests.ts';
import { counted } from '../../machines/session-asking.ts';
import { RESOLVED_MAX } from '../limits.ts';
import { messageOf, TroupeError } from '../protocol/errors.ts';
import { isoTime } from '../protocol/iso-time.ts';
import {
  type Decision,
  decisionWord,
  type RequestSubject,
  type Resolution,
  type SessionRequest,
  type Unshown,
} from '../protocol/requests.ts';
import type { AskOptions } from '../tasks/ports.ts';
import type { Asking, Book } from './book.ts';
import { commit } from './commit.ts';
import { tell } from './telling.ts';

/** Asks, and waits for the decision: the chart says whether and when it is shown. Throws when it is withdrawn. */
export function ask(book: Book, taskId: string, subject: RequestSubject, options: AskOptions): Promise<Decision> {
  const { world, settings } = book;
  const { reason, callId, signal } = options;
  if (signal?.aborted) return Promise.reject(withdrawn('the task was aborted'));
  if (settings.context.approvalPolicy === 'never' && isApproval(subject)) return Promise.resolve(REFUSED_BY_POLICY);
  const now = world.clock.now();
  const requestId = `req_${world.ids.secret()}`;
  const boundTo = hashOf(subject);
  const request: SessionRequest = {
    seq: book.gate.nextSeq,
    epoch: 0,
    time: isoTime(now),
    sessionId: book.id,
    path: book.path,
    taskId,
    id: requestId,
    ...(callId === undefined ? {} : { callId }),
    ...(reason === undefined ? {} : { reason }),
    boundTo,
    subject,
  };
  const resolved = new Promise<Resolution>((settle) => {
    book.askings ??= new Map();
    book.askings.set(requestId, { request, taskId, settle, isShown: false });
  });
  const withdraw = () => tell(book, { type: 'request.settled', requestId, resolution: ABORTED, at: world.clock.now() });
  signal?.addEventListener('abort', withdraw, { once: true });
  const identity = identityOf(book, taskId, boundTo, callId);
  tell(book, { type: 'request.asked', taskId, requestId, identity, boundTo, at: now });
  return resolved.then((resolution) => {
    signal?.removeEventListener('abort', withdraw);
    return decisionOf(resolution, settings.limits.requestTimeoutMs);
  });
}

/** The chart has taken a request in: it is logged, and shown unless the chart says why not. */
export function announceAsked(book: Book, requestId: string, unshown: Unshown | null): void {
  const asking = book.askings?.get(requestId);
  if (asking === undefined) return;
  asking.request = { ...asking.request, seq: book.gate.nextSeq };
  if (unshown === null) show(book, asking, 'request.opened');
  else
    commit(book, { type: 'request.opened', request: asking.request, unshown }, { taskId: asking.taskId, sync: true });
}

/** The turn of a request has come. */
export function announceDue(book: Book, requestId: string, count: number): void {
  const asking = book.askings?.get(requestId);
  if (asking === undefined) return;
  asking.request = counted(asking.request, count);
  show(book, asking, 'request.shown');
}

/** A request stands for more than it did: whoever was shown it can see that. */
export function announceCount(book: Book, requestId: string, count: number): void {
  const asking = book.askings?.get(requestId);
  if (asking === undefined || !asking.isShown) return;
  asking.request = counted(asking.request, count);
  tell(book, { type: 'request.counted', requestId, count });
  book.channel.announce({ type: 'counted', requestId, count });
}

/** Ends requests of this session's own with another one, or because of what was decided before. */
export function endRequests(book: Book, ends: readonly Ending[]): void {
  for (const { requestId, resolution } of ends) {
    settle(book, requestId, resolution);
    tell(book, { type: 'request.closed', requestId });
  }
}

/** Everything that is asked below is denied from now on: in the sub-sessions of a task (null: in all). */
export function passDenial(book: Book, taskId: string | null, message: string | null, at: number): void {
  const opened = taskId === null ? null : (book.tasks.get(taskId)?.children ?? []);
  for (const child of book.children) {
    if (opened === null || opened.includes(child)) tell(child, { type: 'op.deny-all', message, at });
  }
}

/** Puts a request in front of people, once it is on the disk. How long it may stay open counts from here. */
function show(book: Book, asking: Asking, type: 'request.opened' | 'request.shown'): void {
  const { requestTimeoutMs } = book.settings.limits;
  const expiry = requestTimeoutMs === null ? {} : { expiresAt: isoTime(book.world.clock.now() + requestTimeoutMs) };
  const request = { ...asking.request, ...expiry };
  asking.request = request;
  asking.isShown = true;
  tell(book, { type: 'request.opened', request });
  // In a turn of its own: nobody is asked within a transition, and what is asked in one go is counted together.
  const released = () => queueMicrotask(() => offer(book, asking.request));
  commit(book, { type, request }, { taskId: asking.taskId, hold: { after: [], released } });
}

/** Shows a request to whoever may decide it: the hop above, or, at the root, the caller. */
export function offer(book: Book, request: SessionRequest): void {
  const { world } = book;
  if (world.resolved?.has(request.id)) return;
  if (book.parent !== null) {
    book.channel.announce({ type: 'opened', request });
    return;
  }
  if (world.onRequest === null && !book.channel.listened) denyUnheard(book, request);
  if (book.channel.listened) book.channel.announce({ type: 'opened', request });
  if (world.onRequest !== null) consult(book, request, world.onRequest);
}

/** A request has ended: whoever was shown it is told, up to the root. */
export function announceClosed(book: Book, requestId: string, resolution: Resolution): void {
  if (book.parent === null) {
    book.world.handlers?.get(requestId)?.abort();
    book.world.handlers?.delete(requestId);
  }
  book.channel.announce({ type: 'closed', requestId, resolution });
}

/** Ends a request of this session's own: logs it, tells it, and lets the asker go on. Once; later ends are nothing. */
export function settle(book: Book, requestId: string, resolution: Resolution): void {
  const asking = book.askings?.get(requestId);
  if (asking === undefined) return;
  book.askings?.delete(requestId);
  remember(book, requestId, resolution.how);
  const { taskId } = asking;
  // Who asked goes on first; all that follows is for those who look on.
  asking.settle(resolution);
  if (resolution.how === 'withdrawn') book.tasks.get(taskId)?.withdrawn.push(requestId);
  commit(book, { type: 'request.resolved', requestId, resolution }, { taskId, sync: true });
  if (asking.isShown) announceClosed(book, requestId, resolution);
  if (resolution.how !== 'answered' || decisionWord(resolution.decision) !== 'abort') return;
  const at = book.world.clock.now();
  tell(book, { type: 'op.abort', taskId, reason: 'interrupted', at, deadline: at + book.settings.limits.graceMs });
}

/** Whether a decision fits what was asked; if not, what would. */
export function misfit(subject: RequestSubject, decision: Decision): string | null {
  const word = decisionWord(decision);
  const fitting = FITTING[subject.kind];
  if (
    typeof decision === 'object' &&
    'count' in decision &&
    !(Number.isInteger(decision.count) && decision.count > 0)
  ) {
    return `Expected count to be how often it is approved, 1 or more, got ${decision.count}.`;
  }
  if (fitting.includes(word)) return null;
  return `Expected a decision for a ${subject.kind} request (${fitting.join(', ')}), got "${word}".`;
}

const APPROVALS = ['approved', 'approved-for-session', 'approved-with-rule', 'denied', 'abort'];
const FITTING: Readonly<Record<RequestSubject['kind'], readonly string[]>> = {
  command: APPROVALS,
  patch: APPROVALS,
  question: ['answered', 'denied', 'abort'],
  permissions: ['granted', 'denied', 'abort'],
  elicitation: ['accept', 'decline', 'cancel', 'denied', 'abort'],
};

const UNHEARD: Decision = { decision: 'denied', message: 'Nobody is there to decide it.' };
const ABORTED: Resolution = { how: 'withdrawn', why: 'aborted' };
const REFUSED_BY_POLICY: Decision = {
  decision: 'denied',
  message: 'The approval policy is "never": nothing is asked.',
};

/** The same for two requests of a task only if the same is run: for a call, by the same tool with the same input. */
function identityOf(book: Book, taskId: string, boundTo: string, callId: string | undefined): string {
  const call = book.tasks.get(taskId)?.calls.open.find((open) => open.callId === callId);
  return call === undefined ? boundTo : hashOf([boundTo, call.name, call.input]);
}

function isApproval(subject: RequestSubject): boolean {
  return subject.kind === 'command' || subject.kind === 'patch' || subject.kind === 'permissions';
}

function denyUnheard(book: Book, request: SessionRequest): void {
  const message =
    'A request was denied because nobody listens. Give `onRequest` to createSession, or subscribe to `requests$` and call `answer`.';
  warn(book, 'nobody-listening', message, request);
  answerOwner(book, request, 'denied', 'nobody');
}

function consult(book: Book, request: SessionRequest, onRequest: NonNullable<Book['world']['onRequest']>): void {
  const controller = new AbortController();
  book.world.handlers ??= new Map();
  book.world.handlers.set(request.id, controller);
  const count = () => {
    const open: readonly SessionRequest[] | undefined = book.actor?.getSnapshot().context.requests;
    return open?.find(({ id }) => id === request.id)?.count ?? 1;
  };
  const done = (decision: Decision | undefined) => {
    // Who leaves it open is told all the same when it has ended.
    if (decision === undefined || controller.signal.aborted) return;
    book.world.handlers?.delete(request.id);
    const wrong =
      typeof decision === 'string' || typeof decision === 'object'
        ? misfit(request.subject, decision)
        : 'It is no decision.';
    if (wrong === null) return answerOwner(book, request, decision, 'client');
    failed(wrong);
  };
  const failed = (error: unknown) => {
    book.world.handlers?.delete(request.id);
    if (controller.signal.aborted) return;
    const message = `onRequest failed, so the request was denied: ${messageOf(error)}`;
    warn(book, 'request-handler-failed', message, request);
    answerOwner(book, request, 'denied', 'nobody');
  };
  try {
    Promise.resolve(onRequest(request, { signal: controller.signal, count })).then(done, failed);
  } catch (error) {
    failed(error);
  }
}

function warn(book: Book, code: string, message: string, { sessionId, taskId }: SessionRequest): void {
  commit(book, { type: 'warning.raised', code, message }, sessionId === book.id ? { taskId } : {});
}

function answerOwner(book: Book, request: SessionRequest, decision: Decision, by: 'client' | 'nobody'): void {
  tell(book, { type: 'op.answer', requestId: request.id, decision, by });
}

function remember(book: Book, requestId: string, how: Resolution['how']): void {
  book.world.resolved ??= new Map();
  const { resolved } = book.world;
  resolved.set(requestId, how);
  if (resolved.size <= RESOLVED_MAX) return;
  for (const oldest of resolved.keys()) {
    resolved.delete(oldest);
    return;
  }
}

function decisionOf(resolution: Resolution, timeoutMs: number | null): Decision {
  if (resolution.how === 'answered') return resolution.by === 'nobody' ? UNHEARD : resolution.decision;
  if (resolution.how === 'expired') return { decision: 'denied', message: `Nobody decided within ${timeoutMs} ms.` };
  throw withdrawn(resolution.why);
}

function withdrawn(why: string): TroupeError {
  return new TroupeError('rejected', `The request was withdrawn: ${why}.`);
}

/** SHA-256 over the JSON of it, hex; that of the subject is what a decision is bound to. */
function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
