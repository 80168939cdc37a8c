import type { SessionEvent } from '../../protocol/events.ts';
import type { LogRecord } from '../../rollout/record.ts';

/**
 * Something that holds in every run of a session tree, as an observer of what its root tells, what its logs keep and what the process
 * table shows. `id` is a letter for what it is about (tasks, aborts, events, requests, calls, processes, policy, log, sub-sessions)
 * and a number that stays.
 */
export type Invariant = Readonly<{ id: string; promise: string; watch(): Watch }>;

/** Watches one run. Each gives a sentence for people when the promise is broken, else null. */
export type Watch = Readonly<{
  /** The next event, in the order in which the root told it. */
  event(event: SessionEvent): string | null;
  /** The next record of a session's log, in its order there; before or after the event that tells of it. */
  record?(sessionId: string, record: LogRecord): string | null;
  /** A process of a command has started, or is seen no more. */
  process?(change: ProcessChange): string | null;
  /** The run is over: the root has closed. */
  end?(): string | null;
}>;

/** What became of a process. Ids are used again by the machine, so a process starts with `started` whatever was there before. */
export type ProcessChange = Readonly<{ pid: number; change: 'started' | 'ended' }>;

export type Broken = Readonly<{ id: string; promise: string; why: string }>;
