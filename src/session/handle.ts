import { filter } from 'rxjs/internal/operators/filter';
import { map } from 'rxjs/internal/operators/map';
import { type EventStream, guarded } from '../channel/guarded.ts';
import type { Budget } from '../protocol/budget.ts';
import { messageOf, TroupeError } from '../protocol/errors.ts';
import type { SessionEvent } from '../protocol/events.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { UserInput } from '../protocol/input.ts';
import type { Item } from '../protocol/items.ts';
import type { Disposition, Receipt } from '../protocol/outcomes.ts';
import type { Path } from '../protocol/path.ts';
import type { Answered, Decision, SessionRequest } from '../protocol/requests.ts';
import type { TaskContext, WhenBusy } from '../protocol/settings.ts';
import type { Usage } from '../protocol/usage.ts';
import type { WaitingOn } from '../protocol/waiting.ts';
import { admissionOf } from '../runtime/admission.ts';
import type { CompactData } from '../tasks/compact.ts';
import type { DataOf, InputOf, TaskDefinitions } from '../tasks/define-task.ts';
import type { SnapshotData } from '../tasks/ghost-snapshot.ts';
import type { ReviewTarget } from '../tasks/review/target.ts';
import type { ReviewData } from '../tasks/review.ts';
import type { UndoData, UndoInput } from '../tasks/undo.ts';
import type { UserShellData } from '../tasks/user-shell.ts';
import { type AsToolOptions, type SessionTool, sessionTool } from './as-tool.ts';
import { misfit } from './asking.ts';
import type { Book } from './book.ts';
import { commit } from './commit.ts';
import { flushed } from './gate.ts';
import { orderOf } from './ordering.ts';
import { mergedReceipt, receiptOf } from './receipts.ts';
import { steer } from './steering.ts';
import { type TaskControl, taskControl } from './task-control.ts';
import { createTaskHandle, type Task } from './task-handle.ts';
import { tell } from './telling.ts';
import { eventsOf } from './unheard.ts';
import { waitingOn } from './waiting.ts';

export type StartOptions = Readonly<{
  /** Aborts the task; with a `TimeoutError` as reason, as a time-out. */
  signal?: AbortSignal;
  whenBusy?: WhenBusy;
  /** The task's own settings; what is left out is the session's. */
  context?: Partial<TaskContext>;
}>;

/** A session as callers hold it: the root's, and the same for each sub-session. */
export interface Session<T extends TaskDefinitions = TaskDefinitions> extends AsyncDisposable {
  readonly id: string;
  readonly path: Path;
  /** What this session and all below it tell. */
  readonly events$: EventStream<SessionEvent>;
  /** What this session and all below it ask. Who subscribes here is listening. */
  readonly requests$: EventStream<SessionRequest>;
  /** Where its log is; null before the first record is written, and when nothing is logged. */
  readonly logLocation: string | null;
  /** Tokens used here and below. */
  readonly usage: Usage;
  /** What it and all below it may use; null when that is only what those above it may. */
  readonly budget: Budget | null;
  /** The requests that are open, here and below, oldest first. */
  pending(): readonly SessionRequest[];
  /** Why it waits, from here to the leaf causes. */
  waitingOn(): readonly WaitingOn[];
  /** What has been said and done: the items that are complete. */
  history(): readonly Item[];
  /** What the model is shown. */
  entries(): readonly HistoryEntry[];
  /** The sub-sessions that are open, one level down. */
  children(): readonly Session<T>[];
  /** A session of this tree that is open, by its path or id; null when there is none. */
  at(path: Path | string): Session<T> | null;
  /** A task of this session that runs, by its id, to end or to stop it; null when there is none. */
  task(taskId: string): TaskControl | null;
  start<K extends keyof T & string>(kind: K, input: InputOf<T[K]>, options?: StartOptions): Task<DataOf<T[K]>>;
  /** `start('regular', …)`. */
  run(input: UserInput, options?: StartOptions): Task;
  /** Has a change looked at: `start('review', { target })`. What is not committed when nothing is said. */
  review(target?: ReviewTarget, options?: StartOptions): Task<ReviewData>;
  /** Runs a command of the user's, beside whatever runs: `start('user-shell', command)`. */
  shell(command: string, options?: StartOptions): Task<UserShellData>;
  /** Keeps the state of the work tree, to go back to: `start('ghost-snapshot', …)`. */
  snapshot(options?: StartOptions): Task<SnapshotData>;
  /** Takes back what the last task has changed: `start('undo', …)`. */
  undo(what?: UndoInput, options?: StartOptions): Task<UndoData>;
  /** Puts a summary in the place of the history: `start('compact', {})`. */
  compact(options?: StartOptions): Task<CompactData>;
  steer(input: UserInput): Disposition;
  answer(requestId: string, decision: Decision): Answered;
  /** This session as a tool: of another session, or of any loop that calls tools. A call always gets an answer. */
  asTool(options: AsToolOptions): SessionTool;
  /** Stops everything that runs, and drops what is queued. Answers when it has stopped. */
  interrupt(): Promise<Receipt>;
  /** Stops everything, logs it, and lets go. Starts are refused from then on. */
  close(): Promise<void>;
}

/** The handle of a session; one for each, however often it is asked for. */
export function handleOf(book: Book): Session {
  book.handle ??= Object.create(METHODS, { [BOOK]: { value: book } });
  return book.handle as Session; // Made on the line above, and nowhere else.
}

/** What a session tells from now on. Unlike `events$` it leaves to others what was told before anybody listened. */
export function followingOf(book: Book): EventStream<SessionEvent> {
  return guarded(book.channel.events$, (error) => reportSubscriber(book, error));
}

const BOOK = Symbol('book');
type Handle = Session & { readonly [BOOK]: Book };

/** All handles share these, so that a session that is idle costs little. */
const METHODS: Omit<Session, typeof Symbol.asyncDispose> & AsyncDisposable & ThisType<Handle> = {
  get id() {
    return this[BOOK].id;
  },
  get path() {
    return this[BOOK].path;
  },
  get logLocation() {
    return this[BOOK].writer?.location ?? null;
  },
  get usage() {
    return this[BOOK].usage;
  },
  get budget() {
    return this[BOOK].allowance?.budget ?? null;
  },
  get events$() {
    const book = this[BOOK];
    return guarded(eventsOf(book), (error) => reportSubscriber(book, error));
  },
  get requests$() {
    const book = this[BOOK];
    const opened = book.channel.announcements$.pipe(
      filter((announcement) => announcement.type === 'opened'),
      map(({ request }) => request),
    );
    return guarded(opened, (error) => reportSubscriber(book, error));
  },
  pending() {
    return requestsOf(this[BOOK]);
  },
  waitingOn() {
    return waitingOn(this[BOOK]);
  },
  history() {
    return [...this[BOOK].items];
  },
  entries() {
    return [...this[BOOK].history];
  },
  children() {
    return this[BOOK].children.map(handleOf);
  },
  at(path) {
    const book = this[BOOK];
    const id = typeof path === 'string' ? path : path.at(-1)?.sessionId;
    const found = id === undefined ? undefined : book.world.books.get(id);
    return found === undefined || !isBelow(book, found) ? null : handleOf(found);
  },
  task(taskId) {
    return taskControl(this[BOOK], taskId);
  },
  start(kind, input, options) {
    return start(this[BOOK], kind, input, options);
  },
  run(input, options) {
    return start(this[BOOK], 'regular', input, options);
  },
  review(target = { type: 'uncommitted' }, options) {
    return start(this[BOOK], 'review', { target }, options) as Task<ReviewData>; // What the kind gives.
  },
  shell(command, options) {
    return start(this[BOOK], 'user-shell', command, options) as Task<UserShellData>; // What the kind gives.
  },
  snapshot(options) {
    return start(this[BOOK], 'ghost-snapshot', { moment: 'now' }, options) as Task<SnapshotData>; // What the kind gives.
  },
  undo(what = {}, options) {
    return start(this[BOOK], 'undo', what, options) as Task<UndoData>; // What the kind gives.
  },
  compact(options) {
    return start(this[BOOK], 'compact', {}, options) as Task<CompactData>; // What the kind gives.
  },
  steer(input) {
    return steer(this[BOOK], input);
  },
  answer(requestId, decision) {
    return answer(this[BOOK], requestId, decision);
  },
  asTool(options) {
    return sessionTool(this[BOOK], this, options);
  },
  interrupt() {
    return interrupt(this[BOOK]);
  },
  close() {
    const book = this[BOOK];
    book.closing ??= closeDown(book);
    return book.closing;
  },
  [Symbol.asyncDispose]() {
    return this.close();
  },
};

function start(book: Book, kind: string, input: unknown, { signal, whenBusy, context }: StartOptions = {}): Task {
  const order = orderOf(book.world, kind, input, { ...book.settings.context, ...context }, whenBusy);
  const options = { book, order, signal: signal ?? null, steer: (more: UserInput) => steer(book, more) };
  const { clock } = book.world;
  const begin = () => {
    const crowded = order.placement === 'foreground' && !admissionOf(clock).enter();
    return tell(book, { type: 'op.start', order, at: clock.now(), crowded });
  };
  return createTaskHandle(options, begin);
}

function answer(book: Book, requestId: string, decision: Decision): Answered {
  const how = book.world.resolved?.get(requestId);
  if (how !== undefined) return how === 'answered' ? 'already-resolved' : 'withdrawn';
  const request = requestsOf(book).find(({ id }) => id === requestId);
  if (request === undefined) return 'unknown-request';
  const wrong = misfit(request.subject, decision);
  if (wrong !== null) throw new TroupeError('invalid-input', wrong);
  return tell(book, { type: 'op.answer', requestId, decision, by: 'client' }) ? 'accepted' : 'withdrawn';
}

async function interrupt(book: Book): Promise<Receipt> {
  const { world, settings } = book;
  const at = world.clock.now();
  const running = [...book.tasks].filter(([, record]) => !record.revoked).map(([taskId]) => taskId);
  const receipts = running.map((taskId) => receiptOf(book, taskId));
  tell(book, { type: 'op.interrupt', reason: 'interrupted', at, deadline: at + settings.limits.graceMs });
  if (running.length === 0) await flushed(book);
  return mergedReceipt(await Promise.all(receipts));
}

function requestsOf(book: Book): readonly SessionRequest[] {
  return book.actor?.getSnapshot().context.requests ?? [];
}

function reportSubscriber(book: Book, error: unknown): void {
  if (book.closed) return;
  const message = `A subscriber threw and was let go of: ${messageOf(error)}`;
  commit(book, { type: 'warning.raised', code: 'subscriber-failed', message });
}

async function closeDown(book: Book): Promise<void> {
  // What an undo needs is taken to its end; it ends within its own limit.
  await book.world.protection?.after;
  const at = book.world.clock.now();
  const closed = new Promise<void>((resolve) => {
    book.channel.events$.subscribe({ complete: resolve });
  });
  tell(book, { type: 'op.close', at, deadline: at + book.settings.limits.graceMs });
  await closed;
  await book.shut;
}

function isBelow(book: Book, other: Book): boolean {
  return other.path[book.path.length - 1]?.sessionId === book.id;
}
