import type { AnyActorRef } from 'xstate';
import type { DelegateEnd } from '../../machines/delegate.machine.ts';
import { type Channel, createChannel } from '../channel/channel.ts';
import type { Model } from '../model/port.ts';
import type { TransientBody } from '../protocol/events.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { Item } from '../protocol/items.ts';
import type { StartOrder } from '../protocol/messages.ts';
import type { Disposition, TaskOutcome } from '../protocol/outcomes.ts';
import type { Path } from '../protocol/path.ts';
import type { Resolution, SessionRequest } from '../protocol/requests.ts';
import type { Effort, Limits, TaskContext } from '../protocol/settings.ts';
import { NO_USAGE, type Usage } from '../protocol/usage.ts';
import { createLogWriter, type LogWriter } from '../rollout/writer.ts';
import type { BeforeToolCall, DelegateSpec } from '../tasks/ports.ts';
import type { Tool } from '../tools/tool.ts';
import type { CallLedger } from './call-ledger.ts';
import { degrade } from './commit.ts';
import { createGate, type Gate } from './gate.ts';
import type { World } from './world.ts';

/** What a session is set to; a task's own context may change part of it. */
export type SessionSettings = Readonly<{
  model: Model;
  instructions: string | null;
  context: TaskContext;
  effort?: Effort;
  tools: ReadonlyMap<string, Tool>;
  beforeToolCall: BeforeToolCall | null;
  limits: Limits;
}>;

/** A request that waits for its decision. */
export type Asking = { request: SessionRequest; taskId: string; settle(resolution: Resolution): void };

/** Something that has begun and not ended; `text` is what has been told of it so far. */
export type OpenItem = { item: Item; text: string[] };

/** What is known of a task while it lives. */
export type TaskRecord = {
  readonly order: StartOrder;
  readonly items: Item[];
  readonly open: Map<string, OpenItem>;
  readonly calls: CallLedger;
  /** Sub-sessions that it opened. */
  readonly children: Book[];
  readonly withdrawn: string[];
  readonly startedAtMs: number;
  /** What a work does only once in a task. */
  readonly done: Set<string>;
  usage: Usage;
  revoked: boolean;
};

/** How the handles of a task learn what becomes of it. */
export type TaskListener = {
  disposed(disposition: Disposition): void;
  decided(outcome: TaskOutcome): void;
  ended(outcome: TaskOutcome): void;
};

/** What a session keeps beside its actor: its one history, its log, its channel, and what is open. Nothing in it decides. */
export type Book = {
  readonly world: World;
  readonly id: string;
  readonly path: Path;
  readonly parent: Book | null;
  readonly settings: SessionSettings;
  readonly channel: Channel;
  readonly gate: Gate;
  readonly writer: LogWriter | null;
  /** What the model is shown. */
  readonly history: HistoryEntry[];
  /** What people are shown: the items that have completed. */
  readonly items: Item[];
  readonly tasks: Map<string, TaskRecord>;
  readonly listeners: Map<string, TaskListener>;
  readonly askings: Map<string, Asking>;
  readonly children: Map<string, Book>;
  readonly consider: DelegateSpec['consider'] | null;
  readonly hides: ReadonlySet<TransientBody['type']>;
  /** Resolves what waits for a sub-session, by the sub-session's id. */
  readonly delegations: Map<string, (end: DelegateEnd) => void>;
  readonly callIds: Set<string>;
  actor: AnyActorRef | null;
  /** Resolves when all that it told has gone up to the parent. */
  drained: Promise<void>;
  usage: Usage;
  dropped: number;
  /** Resolves when a closed session has let go of its log. */
  shut: Promise<void>;
  degraded: boolean;
  closed: boolean;
};

export type BookOptions = Readonly<{
  world: World;
  id: string;
  path: Path;
  parent: Book | null;
  settings: SessionSettings;
  history?: readonly HistoryEntry[];
  consider?: DelegateSpec['consider'];
  hides?: DelegateSpec['hides'];
}>;

/** Opens a book. Nothing is written before something is committed. */
export function openBook({ world, id, path, parent, settings, history, consider, hides }: BookOptions): Book {
  const { clock, log } = world;
  const channel = createChannel();
  const failed = (reason: string) => degrade(book, reason);
  const writer =
    log === null
      ? null
      : createLogWriter({
          store: log.store,
          mode: log.mode,
          sessionId: id,
          createdAtMs: clock.now(),
          onFailure: failed,
        });
  const gate = createGate({
    sessionId: id,
    path,
    epoch: 0,
    clock,
    writer,
    commitMs: settings.limits.commitMs,
    tell: (event) => channel.tell(event),
    degraded: failed,
  });
  const book: Book = {
    world,
    id,
    path,
    parent,
    settings,
    channel,
    gate,
    writer,
    history: history === undefined ? [] : [...history],
    items: [],
    tasks: new Map(),
    listeners: new Map(),
    askings: new Map(),
    children: new Map(),
    consider: consider ?? null,
    hides: new Set(hides),
    delegations: new Map(),
    callIds: new Set(),
    actor: null,
    drained: Promise.resolve(),
    usage: NO_USAGE,
    dropped: 0,
    shut: Promise.resolve(),
    degraded: false,
    closed: false,
  };
  world.books.set(id, book);
  parent?.children.set(id, book);
  return book;
}
