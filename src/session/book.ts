import type { AnyActorRef } from 'xstate';
import type { DelegateEnd } from '../../machines/delegate.machine.ts';
import { type Channel, createChannel } from '../channel/channel.ts';
import type { Model } from '../model/port.ts';
import type { Budget } from '../protocol/budget.ts';
import type { SessionEvent, TransientBody } from '../protocol/events.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { Item } from '../protocol/items.ts';
import type { StartOrder } from '../protocol/messages.ts';
import type { Disposition, TaskOutcome } from '../protocol/outcomes.ts';
import type { Path } from '../protocol/path.ts';
import type { Resolution, SessionRequest } from '../protocol/requests.ts';
import type { Effort, Limits, TaskContext } from '../protocol/settings.ts';
import { NO_USAGE, type Usage } from '../protocol/usage.ts';
import type { LogFile } from '../rollout/log-store.ts';
import type { ReplayedState } from '../rollout/replay.ts';
import { createLogWriter, type LogWriter } from '../rollout/writer.ts';
import { createSmallMap, type SmallMap } from '../runtime/small-map.ts';
import type { BeforeToolCall, DelegateSpec } from '../tasks/ports.ts';
import type { Tool } from '../tools/tool.ts';
import type { AgentBook } from './agents.ts';
import type { CallLedger } from './call-ledger.ts';
import { createGate, degrade, type Gate } from './gate.ts';
import type { Allowance } from './spending.ts';
import type { Measured } from './window.ts';
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
  /** Its history is never compacted by itself. */
  compacts?: false;
}>;

/** A request that waits for its decision. */
export type Asking = {
  request: SessionRequest;
  readonly taskId: string;
  /** It has been put in front of people. */
  isShown: boolean;
  settle(resolution: Resolution): void;
};

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
  /** The number of the record in the parent's log that says that it was opened. */
  openedAtSeq: number | null;
  readonly settings: SessionSettings;
  readonly channel: Channel;
  /** The session that it begins with a copy of. */
  readonly forkedFrom: Readonly<{ sessionId: string; seq: number }> | null;
  /** How often it was opened again. */
  readonly epoch: number;
  /** It was opened again and has not said so yet; what was found wrong with its log. */
  resumedWith: ResumedWith | null;
  /** What it told before anybody could listen; whoever listens first hears it. */
  unheard: SessionEvent[] | null;
  readonly gate: Gate;
  readonly writer: LogWriter | null;
  /** What the model is shown. */
  history: HistoryEntry[];
  /** What people are shown: the items that have completed. */
  items: Item[];
  readonly tasks: SmallMap<string, TaskRecord>;
  /** Its own open requests; made with the first. */
  askings: Map<string, Asking> | null;
  readonly children: Book[];
  readonly consider: DelegateSpec['consider'] | null;
  readonly hides: ReadonlySet<TransientBody['type']>;
  /** Tells whoever waits for this sub-session what became of it. */
  deliver: ((end: DelegateEnd) => void) | null;
  /** The ids of all calls in its history; made with the first. */
  callIds: Set<string> | null;
  actor: AnyActorRef | null;
  /** What callers hold; made when it is first asked for. */
  handle: object | null;
  /** Resolves when all that it told has gone up to the parent. */
  drained: Promise<void>;
  usage: Usage;
  /** What it and all below may use; null when that is only what those above may. */
  readonly allowance: Allowance | null;
  /** Where its foreground tasks have begun in its history, as long as that has only grown since. */
  readonly beginnings: { taskId: string; entries: number; isSaid: boolean }[];
  /** How long its history is, as far as that is known. */
  measured: Measured | null;
  /** The agents that its model has started; made with the first. */
  agents: AgentBook | null;
  dropped: number;
  /** The one close, once somebody has asked for it. */
  closing: Promise<void> | null;
  /** Resolves when a closed session has let go of its log. */
  shut: Promise<void>;
  degraded: boolean;
  /** It has ended; what is held is let out before it says so. */
  isClosing: boolean;
  /** It has said that it is closed. */
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
  budget?: Budget;
  forkedFrom?: Readonly<{ sessionId: string; seq: number }>;
  /** What its log says, where it is opened again. */
  resumed?: Resumed;
  /** Opens its log, where that is there already. */
  open?: () => Promise<LogFile>;
}>;

export type Resumed = ResumedWith & Readonly<{ state: ReplayedState }>;

/** What was found wrong with a log, in words, and the sub-sessions whose logs could not be closed. */
type ResumedWith = Readonly<{ damage: readonly string[]; unclosed: readonly string[] }>;

const HIDES_NOTHING: Book['hides'] = new Set();
const NOW = Promise.resolve();

/** Opens a book. Nothing is written before something is committed. */
export function openBook(options: BookOptions): Book {
  const { world, id, path, parent, settings, history, consider, hides, budget, resumed, open } = options;
  const { clock, log } = world;
  const createdAtMs = clock.now();
  const channel = createChannel();
  const writer =
    log === null
      ? null
      : createLogWriter({
          open: open ?? (() => log.store.create(id, createdAtMs)),
          mode: log.mode,
          sessionId: id,
          onFailure: (reason) => degrade(book, reason),
        });
  const book: Book = {
    world,
    id,
    path,
    parent,
    openedAtSeq: null,
    settings,
    channel,
    forkedFrom: options.forkedFrom ?? null,
    epoch: resumed === undefined ? 0 : resumed.state.epoch + 1,
    resumedWith: resumed === undefined ? null : { damage: resumed.damage, unclosed: resumed.unclosed },
    unheard: null,
    gate: createGate(resumed?.state.nextSeq),
    writer,
    history: history === undefined ? [] : [...history],
    items: resumed === undefined ? [] : [...resumed.state.items],
    tasks: createSmallMap(),
    askings: null,
    children: [],
    consider: consider ?? null,
    hides: hides === undefined ? HIDES_NOTHING : new Set(hides),
    deliver: null,
    callIds: null,
    actor: null,
    handle: null,
    drained: NOW,
    usage: resumed?.state.usage ?? NO_USAGE,
    allowance: budget === undefined ? null : { budget, usd: 0, spawns: 0, openedAtMs: clock.now() },
    beginnings: resumed === undefined ? [] : [...resumed.state.beginnings],
    measured: null,
    agents: null,
    dropped: 0,
    closing: null,
    shut: NOW,
    isClosing: false,
    degraded: false,
    closed: false,
  };
  world.books.set(id, book);
  parent?.children.push(book);
  return book;
}
