import type { CommittedBody, CommittedEvent, SessionEvent, TransientBody } from '../protocol/events.ts';
import type { HistoryChange } from '../protocol/history.ts';
import { isoTime } from '../protocol/iso-time.ts';
import type { Path } from '../protocol/path.ts';
import type { LogWriter } from '../rollout/writer.ts';
import type { Clock, Timer } from '../runtime/clock.ts';

/** How an event goes through the gate. */
export interface CommitOptions {
  readonly taskId?: string;
  /** A change of history that is part of the same record. */
  readonly history?: HistoryChange;
  /** A durability point: the record is to reach the disk soon, whatever else is written. */
  readonly sync?: boolean;
  /** Shown only once it is on the disk and `after` has settled, or, after the commit bound, as `durable: false`. */
  readonly hold?: { readonly after: readonly Promise<unknown>[]; released(event: CommittedEvent): void };
}

/** Gives events their place, logs them, and lets them out in order. */
export interface Gate {
  commit(body: CommittedBody, options?: CommitOptions): CommittedEvent;
  emit(body: TransientBody, taskId?: string): void;
  /** Resolves true when all that was committed so far is safe, false when that failed or took too long. */
  safe(): Promise<boolean>;
  /** Resolves when everything has been let out. */
  flushed(): Promise<void>;
  readonly lastSeq: number;
}

export interface GateOptions {
  readonly sessionId: string;
  readonly path: Path;
  readonly epoch: number;
  readonly clock: Clock;
  /** Null when nothing is logged. */
  readonly writer: LogWriter | null;
  readonly commitMs: number;
  tell(event: SessionEvent): void;
  /** The disk was too late, or failed; told once. */
  degraded(reason: string): void;
}

type Waiting = { event: CommittedEvent; ready: boolean; released?: (event: CommittedEvent) => void };

export function createGate(options: GateOptions): Gate {
  const { sessionId, path, epoch, clock, writer, commitMs, tell } = options;
  const waiting: Waiting[] = [];
  const flushWaiters: (() => void)[] = [];
  let seq = 0;

  const letOut = () => {
    for (let first = waiting[0]; first?.ready; first = waiting[0]) {
      waiting.shift();
      tell(first.event);
      first.released?.(first.event);
    }
    if (waiting.length === 0) for (const resolve of flushWaiters.splice(0)) resolve();
  };

  const within = (what: Promise<boolean>): Promise<boolean> => {
    let timer: Timer;
    const late = new Promise<boolean>((resolve) => {
      timer = clock.setTimeout(() => resolve(false), commitMs);
    });
    return Promise.race([what, late]).finally(() => clock.clearTimeout(timer));
  };

  const hold = (entry: Waiting, held: NonNullable<CommitOptions['hold']>) => {
    entry.ready = false;
    entry.released = held.released;
    const logged = writer === null ? Promise.resolve(true) : writer.safe(entry.event.seq ?? 0);
    const settled = Promise.allSettled(held.after);
    void within(Promise.all([logged, settled]).then(([safe]) => safe)).then((safe) => {
      if (!safe) {
        entry.event = { ...entry.event, durable: false };
        options.degraded(writer?.failure ?? `the log did not confirm a record within ${commitMs} ms`);
      }
      entry.ready = true;
      letOut();
    });
  };

  return {
    get lastSeq() {
      return seq - 1;
    },
    commit(body, { taskId, history, sync, hold: held } = {}) {
      const envelope = {
        seq,
        epoch,
        time: isoTime(clock.now()),
        sessionId,
        path,
        ...(taskId === undefined ? {} : { taskId }),
      };
      const event: CommittedEvent = { ...envelope, ...body };
      if (writer !== null) {
        const payload = {
          ...(taskId === undefined ? {} : { taskId }),
          ...body,
          ...(history === undefined ? {} : { history }),
        };
        writer.append(
          { seq, epoch, time: envelope.time, type: body.type, payload },
          { sync: sync === true || held !== undefined },
        );
      }
      seq += 1;
      const entry: Waiting = { event, ready: true };
      if (held !== undefined && (writer !== null || held.after.length > 0)) hold(entry, held);
      else if (held !== undefined) entry.released = held.released;
      waiting.push(entry);
      letOut();
      return event;
    },
    emit(body, taskId) {
      const event: SessionEvent = {
        seq: null,
        epoch,
        time: isoTime(clock.now()),
        sessionId,
        path,
        ...(taskId === undefined ? {} : { taskId }),
        ...body,
      };
      // What is said of a task never overtakes what was said of it before.
      if (waiting.some((entry) => entry.event.taskId === taskId)) waiting.push({ event: event as never, ready: true });
      else tell(event);
    },
    safe: () => (writer === null ? Promise.resolve(true) : within(writer.safe(seq - 1))),
    flushed: () => (waiting.length === 0 ? Promise.resolve() : new Promise((resolve) => flushWaiters.push(resolve))),
  };
}
