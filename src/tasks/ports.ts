import type { AnyActorRef } from 'xstate';
import type { ModelAnswer, ModelProgress, ModelRequest } from '../model/port.ts';
import type { Redact } from '../policy/redact.ts';
import type { Budget } from '../protocol/budget.ts';
import type { TransientBody } from '../protocol/events.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { UserInput } from '../protocol/input.ts';
import type { Item, ItemDraft } from '../protocol/items.ts';
import type { Disposition, TaskOutcome } from '../protocol/outcomes.ts';
import type { Decision, RequestSubject, SessionRequest } from '../protocol/requests.ts';
import type { TaskContext } from '../protocol/settings.ts';
import type { Usage } from '../protocol/usage.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Agents } from '../tools/agent-port.ts';
import type { Tool } from '../tools/tool.ts';
import type { Git } from '../workspace/git.ts';
import type { GitResult } from '../workspace/hardened-git.ts';
import type { WorkHistory } from '../workspace/work-history.ts';

/** What a work may commit: items, the steps of its loop, and warnings. */
export type WorkEvent =
  | { type: 'item.started' | 'item.completed'; item: Item }
  | { type: 'step.started'; step: number }
  | { type: 'step.completed'; step: number; calls: number }
  | { type: 'warning.raised'; code: string; message: string };

/** What a sub-session is given. All of it is optional but the input: what is left out is the parent's. */
export type DelegateSpec = Readonly<{
  /** The kind of the task that the sub-session runs; `regular` when left out. */
  kind?: string;
  input: unknown;
  /** What the sub-session is called in paths; the task's own kind when left out. */
  as?: string;
  instructions?: string;
  /** What it knows: nothing (when left out), a copy of the parent's history, or what is given. */
  history?: 'empty' | 'fork' | readonly HistoryEntry[];
  context?: Partial<TaskContext>;
  /** Names of the parent's tools that it has; all when left out. */
  tools?: readonly string[];
  /** The policy of this hop: a decision, a narrowed request, or null to pass it on. */
  consider?: (request: SessionRequest) => Decision | SessionRequest | null;
  /** Kinds of transient events that are not passed on. */
  hides?: readonly TransientBody['type'][];
  /** Its history is taken as it is, however long it is. */
  compacts?: false;
  /** What it and all below it may use, out of what its parent may. */
  budget?: Budget;
  /** The tool call that asked for it. */
  callId?: string;
  /** Told the id of its session before anything happens in it. */
  opened?: (sessionId: string) => void;
  /**
   * Called with what the first task came to, while the sub-session stays open: it may be given more to do, one task after the other.
   * It closes when this has returned.
   */
  converse?: (sub: SubSession, first: TaskOutcome) => Promise<void>;
}>;

/** A sub-session that is open between its tasks, for the work that has opened it. */
export interface SubSession {
  readonly id: string;
  /** One more task, `regular` unless `kind` says otherwise. It ends as aborted with the task that has opened the sub-session. Throws while one runs. */
  run(input: unknown, options?: Readonly<{ kind?: string; context?: Partial<TaskContext> }>): Promise<TaskOutcome>;
  /** Says something to the task that runs. */
  steer(input: UserInput): Disposition;
  /** What has been said and done in it. */
  history(): readonly Item[];
}

export type AskOptions = Readonly<{ reason?: string; callId?: string; signal?: AbortSignal }>;

/**
 * What a work may use, and all that it may use. Once its task has ended every one of these is void: calls throw, and
 * nothing has an effect.
 */
export interface TaskPorts {
  /** Logs and tells an event; `append` adds to the history in the same record. */
  commit(event: WorkEvent, append?: readonly HistoryEntry[]): void;
  /** Tells something that is not logged. */
  emit(event: TransientBody): void;
  /** Asks a person, or the policies on the way to one. Throws when the task is aborted. */
  ask(subject: RequestSubject, options?: AskOptions): Promise<Decision>;
  /** Opens a sub-session, starts one task in it, or more (`converse`), and gives the outcome of the last when the sub-session has closed. */
  delegate(spec: DelegateSpec): Promise<TaskOutcome>;
  /** One model request with the session's history, instructions and tools, unless `request` says otherwise. */
  sample(request: Partial<ModelRequest>, onProgress: (progress: ModelProgress) => void): Promise<ModelAnswer>;
  /** The tools of the session, by name. */
  readonly tools: ReadonlyMap<string, Tool>;
  /** Where the task works, and how: its frozen settings. */
  readonly workspace: TaskContext;
  readonly clock: Clock;
}

/** What the built-in kinds may use besides: the session's own book-keeping. Not for embedders. */
export interface SessionPorts extends TaskPorts {
  readonly taskId: string;
  readonly input: unknown;
  /** A new id for an item. */
  nextItemId(): string;
  /** What the model is shown and what people are, as it stands. */
  history(): Readonly<{ entries: readonly HistoryEntry[]; items: readonly Item[] }>;
  /** Puts another history in the place of what the model is shown. */
  replaceHistory(entries: readonly HistoryEntry[], why: 'compaction' | 'undo'): void;
  readonly window: HistoryWindow;
  /** The checkpoints of where the task works; in words, why there are none. */
  workHistory(): Promise<GitResult<WorkHistory>>;
  /** Resolves when the states that ended tasks have left are kept, or cannot be. */
  changesKept(signal: AbortSignal): Promise<void>;
  /** Takes back the last tasks of the conversation; gives how many entries are gone, or in words why none. */
  cutConversation(tasks: number): GitResult<number>;
  /** Resolves when the state before the first change of this task is kept, or cannot be. */
  protect(signal: AbortSignal): Promise<void>;
  /** The git repository that the task works in; null where there is none. It runs nothing of the repository's. */
  openGit(): Promise<GitResult<Git | null>>;
  /** It was told to stop, and what it says from now on is not needed. */
  readonly isStopping: boolean;
  /** Takes what the user has said meanwhile. */
  takeInputs(): readonly Readonly<{ inputId: string; input: UserInput }>[];
  /** Something that the user said waits to be taken. */
  readonly hasInputs: boolean;
  countUsage(usage: Usage): void;
  readonly calls: CallTable;
  /** Whose wire format raw outputs of the model are in. */
  readonly provider: string;
  /** The id, or one made from it that no other call of the session has; for an empty one, a new one. */
  uniqueCallId(callId: string): string;
  /** True the first time that this task asks with `key`. */
  once(key: string): boolean;
  /** True when the log has all that was committed so far, false when it failed or took too long. */
  safe(): Promise<boolean>;
  /** Keeps a rule of the user for later; gives null, or why it was not kept. */
  keepRule(rule: readonly string[]): Promise<string | null>;
  /** Takes secrets out of a text. */
  readonly redact: Redact;
  /** Remembers, for this session tree, that `key` was approved. */
  grant(key: string): void;
  isGranted(key: string): boolean;
  beforeToolCall: BeforeToolCall | null;
  readonly agents: TaskAgents;
}

/** How long the history is, for the model of the task. Tokens are as the provider has counted them, and estimated from there on. */
export interface HistoryWindow {
  tokens(): number;
  /** How many fit; null when nobody knows. */
  readonly size: number | null;
  /** Whether it is compacted by itself. */
  readonly mayCompact: boolean;
  /** So many that it is time to compact. */
  readonly isFull: boolean;
  /** The model that has answered last. */
  readonly lastModel: string;
  /** A provider has counted the whole history as it is now. */
  measured(tokens: number): void;
}

/** The agents of a session, for one of its tasks. */
export interface TaskAgents extends Agents {
  /** Resolves when the agent whose task this is may open its sub-session; at the latest when `signal` is aborted. */
  turn(signal: AbortSignal): Promise<void>;
  /** What the sub-session of an agent is given, to do what it was told. */
  specOf(agent: string, message: string): DelegateSpec;
  /** Agents still work for this task, and it is not to end without them. */
  readonly areAwaited: boolean;
  /** Resolves when there is something new for the model (true), or no agent works for this task any more. */
  settled(signal: AbortSignal): Promise<boolean>;
}

/** What an embedder may do to a call before it runs: let it, change its input, or refuse it with a message. */
export type BeforeToolCall = (call: {
  name: string;
  input: unknown;
  callId: string;
  context: TaskContext;
}) => ToolCallVerdict | undefined | Promise<ToolCallVerdict | undefined>;

export type ToolCallVerdict =
  | Readonly<{ verdict: 'allow' }>
  | Readonly<{ verdict: 'change'; input: unknown }>
  | Readonly<{ verdict: 'refuse'; message: string }>;

/** A call from the moment it is in the history until its output is. */
export type CallRecord = {
  readonly callId: string;
  readonly name: string;
  readonly arguments: string;
  readonly custom?: true;
  /** Why it is refused before anything else; null when nothing speaks against it. */
  refusal: string | null;
  tool: Tool | null;
  input: unknown;
  itemId: string | null;
  draft: ItemDraft | null;
  subject: RequestSubject | null;
  /** What was said yes to; null when nothing was asked. */
  approved: RequestSubject | null;
  /** A person has changed its input. */
  isEdited: boolean;
  reason: string | undefined;
  key: string;
  startedAt: number;
  settled: { output: string; item: ItemDraft; partial: boolean } | null;
};

/** The calls of a task whose outputs are not in the history yet, in the order of the calls. */
export interface CallTable {
  add(call: { callId: string; name: string; arguments: string; custom?: true }): CallRecord;
  get(callId: string): CallRecord;
  /** Keeps what a call came to; outputs enter the history in the order of the calls. */
  settle(callId: string, settled: { output: string; item: ItemDraft; partial: boolean }): void;
  readonly open: readonly CallRecord[];
}

type PortsMaker = (scope: PortScope & { system: System }, sessionId: string, taskId: string) => SessionPorts;
type System = AnyActorRef['system'];
/** Whose ports they are: cancelled by its signal, void when it is revoked. */
export type PortScope = Readonly<{ signal: AbortSignal; revoked: boolean; self: AnyActorRef }>;

let makePorts: PortsMaker | null = null;

/** Tells works where their ports come from. */
export function providePorts(maker: PortsMaker): void {
  makePorts = maker;
}

/** The ports of a task, for one leaf of its work. */
export function portsOf(scope: PortScope & { system: System }, sessionId: string, taskId: string): SessionPorts {
  if (makePorts === null) throw new Error('Expected a session above this work, got a work that stands alone.');
  return makePorts(scope, sessionId, taskId);
}
