import type { CommittedBody, CommittedEvent, SessionEvent, TransientBody } from '../protocol/events.ts';
import type { HistoryChange } from '../protocol/history.ts';
import { isoTime } from '../protocol/iso-time.ts';
import type { Timer } from '../runtime/clock.ts';
import type { Book } from './book.ts';

/** How an event goes through the gate. */
export interface CommitOptions {
  readonly taskId?: string;
  /** A change of history that is part of the same record. */
  readonly history?: HistoryChange;
  /** A durability point: the record is to reach the disk soon, whatever else is written. */
  readonly sync?: boolean;
  /** Shown only once it is on the disk and `after` has settled, or, after the commit bound, as `durable: false`. */
  readonly hold?: { readonly after: readonly Promise<unknown>[]; released(): void };
}

/** Where a session's events get their place: numbered, logged, held if need be, and let out in order. */
export type Gate = {
  /** The number of the next committed event. */
  nextSeq: number;
  /** What has not been let out yet, in order. */
  readonly waiting: Waiting[];
  /** Who waits for everything to be let out. */
  readonly flushing: (() => void)[];
};

type Waiting = { event: SessionEvent; ready: boolean; released: (() => void) | null };

export function createGate(nextSeq = 0): Gate {
  return { nextSeq, waiting: [], flushing: [] };
}

/** Gives an event its number, logs it, and lets it out as soon as it may be seen. */
export function passCommitted(book: Book, body: CommittedBody, options: CommitOptions): CommittedEvent {
  announceResumed(book, body);
  const { gate, writer, epoch } = book;
  const { taskId, history, sync, hold } = options;
  const seq = gate.nextSeq;
  const time = isoTime(book.world.clock.now());
  const named = taskId === undefined ? {} : { taskId };
  const event: CommittedEvent = { seq, epoch, time, sessionId: book.id, path: book.path, ...named, ...body };
  if (writer !== null) {
    const payload = { ...named, ...body, ...(history === undefined ? {} : { history }) };
    writer.append({ seq, epoch, time, type: body.type, payload }, { sync: sync === true || hold !== undefined });
  }
  gate.nextSeq = seq + 1;
  if (hold === undefined && gate.waiting.length === 0) {
    book.channel.tell(event);
    return event;
  }
  const entry: Waiting = { event, ready: true, released: hold?.released ?? null };
  gate.waiting.push(entry);
  if (hold !== undefined && (writer !== null || hold.after.length > 0)) holdBack(book, entry, hold.after);
  letOut(book);
  return event;
}

/** A session that was opened again says so with the first thing that it has to say. */
function announceResumed(book: Book, { type }: CommittedBody): void {
  const { resumedWith } = book;
  if (resumedWith === null || type === 'session.resumed') return;
  book.resumedWith = null;
  const { damage, unclosed } = resumedWith;
  passCommitted(
    book,
    { type: 'session.resumed', damage, ...(unclosed.length === 0 ? {} : { unclosed }) },
    { sync: true },
  );
}

/** Tells a transient event at once, but never before what was said of the same task. */
export function passTransient(book: Book, body: TransientBody, taskId: string | undefined): void {
  const { gate, id: sessionId, path } = book;
  const time = isoTime(book.world.clock.now());
  const named = taskId === undefined ? {} : { taskId };
  const event: SessionEvent = { seq: null, epoch: book.epoch, time, sessionId, path, ...named, ...body };
  if (gate.waiting.length > 0 && gate.waiting.some((entry) => entry.event.taskId === taskId)) {
    gate.waiting.push({ event, ready: true, released: null });
  } else book.channel.tell(event);
}

/** Tells what a sub-session says, but never before it was told that the sub-session is opened. */
export function passFromBelow(book: Book, child: Book, event: SessionEvent): void {
  const { waiting } = book.gate;
  if (waiting.length === 0) {
    book.channel.tell(event);
    return;
  }
  const isItsOwn = ({ event: { sessionId, seq, path } }: Waiting) =>
    path[child.path.length - 1]?.sessionId === child.id || (sessionId === book.id && seq === child.openedAtSeq);
  const last = waiting.findLastIndex(isItsOwn);
  if (last === -1) book.channel.tell(event);
  else waiting.splice(last + 1, 0, { event, ready: true, released: null });
}

/** Resolves true when all that was committed so far is safe, false when that failed or took too long. */
export function safe(book: Book): Promise<boolean> {
  return book.writer === null ? Promise.resolve(true) : inTime(book, isFound(book, book.gate.nextSeq - 1));
}

/** Whether a record is on the disk where a resume finds it: a log of which the parent's says nothing is found by nobody. */
async function isFound({ writer, parent, openedAtSeq }: Book, seq: number): Promise<boolean> {
  const own = writer === null || writer.safe(seq);
  const opening = parent === null || openedAtSeq === null || isFound(parent, openedAtSeq);
  return (await own) && (await opening);
}

/** Resolves when everything has been let out. */
export function flushed({ gate }: Book): Promise<void> {
  return gate.waiting.length === 0 ? Promise.resolve() : new Promise((resolve) => gate.flushing.push(resolve));
}

/** The log has failed or is too slow: said once, and from then on each terminal says whether it is safe. */
export function degrade(book: Book, reason: string): void {
  if (book.degraded) return;
  book.degraded = true;
  if (!book.closed) passCommitted(book, { type: 'session.degraded', reason }, {});
}

/** Why its log has failed, or one above, without which nobody finds it. */
function failureOf({ writer, parent }: Book): string | null {
  return writer?.failure ?? (parent === null ? null : failureOf(parent));
}

function holdBack(book: Book, entry: Waiting, after: readonly Promise<unknown>[]): void {
  entry.ready = false;
  const all = Promise.all([isFound(book, entry.event.seq ?? 0), Promise.allSettled(after)]).then(
    ([isLogged]) => isLogged,
  );
  void inTime(book, all).then((isSafe) => {
    if (!isSafe) {
      entry.event = { ...entry.event, durable: false } as SessionEvent; // Only committed events are held.
      degrade(book, failureOf(book) ?? `the log did not confirm a record within ${book.settings.limits.commitMs} ms`);
    }
    entry.ready = true;
    letOut(book);
  });
}

function letOut(book: Book): void {
  const { waiting, flushing } = book.gate;
  for (let first = waiting[0]; first?.ready; first = waiting[0]) {
    waiting.shift();
    book.channel.tell(first.event);
    first.released?.();
  }
  if (waiting.length === 0) for (const resolve of flushing.splice(0)) resolve();
}

function inTime({ world, settings }: Book, what: Promise<boolean>): Promise<boolean> {
  let timer: Timer;
  const late = new Promise<boolean>((resolve) => {
    timer = world.clock.setTimeout(() => resolve(false), settings.limits.commitMs);
  });
  return Promise.race([what, late]).finally(() => world.clock.clearTimeout(timer));
}
