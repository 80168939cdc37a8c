import type { Subscription } from 'rxjs';
import { ITERATOR_EVENTS_MAX } from '../limits.ts';
import { type TaskError, TaskFailed } from '../protocol/errors.ts';
import { isTerminal, type SessionEvent } from '../protocol/events.ts';
import type { UserInput } from '../protocol/input.ts';
import type { StartOrder } from '../protocol/messages.ts';
import {
  type AbortReason,
  type Disposition,
  NOT_RUNNING,
  type Receipt,
  type TaskOutcome,
} from '../protocol/outcomes.ts';
import { NO_USAGE } from '../protocol/usage.ts';
import type { Book } from './book.ts';
import { createEventQueue } from './event-queue.ts';
import { mergedReceipt, receiptOf } from './receipts.ts';
import { tell } from './telling.ts';

/** A task as its caller holds it. It is not thenable, so that an async function can return it. */
export interface Task<D extends object = object> extends AsyncIterable<SessionEvent> {
  readonly id: string;
  readonly kind: string;
  /** What became of the start; known at once, except when the session starts it later. */
  readonly disposition: Disposition;
  /** Resolves when the terminal is on the disk. Never rejects: an abort and a failure are outcomes. */
  readonly outcome: Promise<TaskOutcome<D>>;
  /** For scripts: the outcome if it completed; throws `TaskFailed` if it failed or was aborted. */
  orThrow(): Promise<Extract<TaskOutcome<D>, { status: 'completed' }>>;
  /** Says something to this task while it runs; rejected when it has ended. */
  steer(input: UserInput): Disposition;
  /** Asks it to finish the step that runs, and to complete. */
  cancel(): void;
  /** Stops it now. Answers with what that did; `not-running` when it had ended. */
  abort(): Promise<Receipt>;
}

export type TaskHandleOptions = Readonly<{
  book: Book;
  order: StartOrder;
  signal: AbortSignal | null;
  steer(input: UserInput): Disposition;
}>;

/** Makes the handle of a task; `begin` hands its order to the session. Events are kept for it from there on. */
export function createTaskHandle<D extends object>(options: TaskHandleOptions, begin: () => boolean): Task<D> {
  const { book, order, signal, steer } = options;
  const { taskId, kind } = order;
  const done = Promise.withResolvers<TaskOutcome<D>>();
  const kept: SessionEvent[] = [];
  let disposition: Disposition = { disposition: 'rejected', reason: 'closed' };
  let ended = false;

  const isOurs = (event: SessionEvent) =>
    (event.sessionId === book.id ? event.taskId : event.path[book.path.length]?.taskId) === taskId;
  const follow = book.channel.events$.subscribe((event) => {
    if (event.seq === null || !isOurs(event)) return;
    const isLast = event.sessionId === book.id && isTerminal(event);
    if (isLast || kept.length < ITERATOR_EVENTS_MAX) kept.push(event);
    if (isLast) follow.unsubscribe();
  });
  const end = (outcome: TaskOutcome) => {
    ended = true;
    signal?.removeEventListener('abort', onSignal);
    done.resolve(outcome as TaskOutcome<D>); // The kind's work gave the data, and `start` is typed by the kind.
  };
  const onSignal = () => void abort(reasonOf(signal));
  const abort = async (reason: AbortReason): Promise<Receipt> => {
    if (ended) return NOT_RUNNING;
    const at = book.world.clock.now();
    const owned = [...book.tasks].filter(([, record]) => record.order.owner === taskId && !record.revoked);
    const receipts = owned.map(([id]) => receiptOf(book, id));
    tell(book, { type: 'op.abort', taskId, reason, at, deadline: at + book.settings.limits.graceMs });
    const outcome = await done.promise;
    if (outcome.status !== 'aborted') return NOT_RUNNING;
    return owned.length === 0 ? outcome.receipt : mergedReceipt([outcome.receipt, ...(await Promise.all(receipts))]);
  };

  book.world.listeners.set(taskId, {
    disposed(told) {
      disposition = told;
      if (told.disposition === 'rejected') refuse(told.reason);
    },
    decided: () => {},
    ended: end,
  });
  const refuse = (reason: string) => {
    book.world.listeners.delete(taskId);
    follow.unsubscribe();
    end({ status: 'failed', error: refusal(reason), usage: NO_USAGE });
  };
  if (!begin()) refuse('closed');
  if (signal?.aborted) onSignal();
  else if (!ended) signal?.addEventListener('abort', onSignal, { once: true });

  return {
    id: taskId,
    kind,
    get disposition() {
      return disposition;
    },
    outcome: done.promise,
    async orThrow() {
      const outcome = await done.promise;
      if (outcome.status === 'completed') return outcome as Extract<TaskOutcome<D>, { status: 'completed' }>; // Checked on this line.
      throw new TaskFailed(wordsOf(kind, outcome), outcome);
    },
    steer: (input) => (ended ? { disposition: 'rejected', reason: 'not-running' } : steer(input)),
    cancel() {
      if (!ended) tell(book, { type: 'op.cancel', taskId });
    },
    abort: () => abort('interrupted'),
    [Symbol.asyncIterator]() {
      const queue = createEventQueue();
      for (const event of kept) queue.push(event);
      let live: Subscription | null = null;
      const finished = () => kept.some((event) => event.sessionId === book.id && isTerminal(event));
      if (finished() || disposition.disposition === 'rejected') queue.end();
      else {
        live = book.channel.events$.subscribe({
          next(event) {
            if (!isOurs(event)) return;
            queue.push(event);
            if (event.sessionId === book.id && isTerminal(event)) queue.end();
          },
          complete: () => queue.end(),
        });
      }
      return queue.iterator(() => live?.unsubscribe());
    },
  };
}

function reasonOf(signal: AbortSignal | null): AbortReason {
  const reason: unknown = signal?.reason;
  return reason instanceof Error && reason.name === 'TimeoutError' ? 'timeout' : 'interrupted';
}

function refusal(reason: string): TaskError {
  if (reason === 'closed') {
    return {
      code: 'closed',
      message: 'The session is closed. Start the task in another session, or resume this one.',
      retryable: false,
    };
  }
  if (reason === 'busy') {
    return {
      code: 'busy',
      message: "Another task runs, and this one was started with whenBusy: 'reject'.",
      retryable: true,
    };
  }
  return { code: 'rejected', message: `The session refused the start: ${reason}.`, retryable: false };
}

function wordsOf(kind: string, outcome: TaskOutcome): string {
  if (outcome.status === 'failed') return `The ${kind} task failed (${outcome.error.code}): ${outcome.error.message}`;
  return `The ${kind} task was aborted (${outcome.status === 'aborted' ? outcome.reason : ''}).`;
}
