import type { AnyActorLogic, AnyActorRef } from 'xstate';
import type { Redact } from '../policy/redact.ts';
import type { AgentRole, WhenTaskEnds } from '../protocol/agents.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { Decision, Resolution, SessionRequest } from '../protocol/requests.ts';
import type { Limits } from '../protocol/settings.ts';
import type { LogStore } from '../rollout/log-store.ts';
import type { LogMode } from '../rollout/writer.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Ids } from '../runtime/ids.ts';
import type { SmallMap } from '../runtime/small-map.ts';
import type { TaskDefinition } from '../tasks/define-task.ts';
import type { Git } from '../workspace/git.ts';
import type { GitResult } from '../workspace/hardened-git.ts';
import type { WorkHistory } from '../workspace/work-history.ts';
import type { Book, TaskListener } from './book.ts';
import type { Prices } from './budget.ts';
import type { Protection } from './protection.ts';
import type { Slots } from './slots.ts';

/**
 * Decides a request; nothing (undefined) leaves it open for `answer`. `signal` aborts when the request has ended. `count`
 * gives how often it is asked by now: more of the same may have come since it was shown.
 */
export type OnRequest = (
  request: SessionRequest,
  options: { signal: AbortSignal; count?: () => number },
) => Decision | undefined | Promise<Decision | undefined>;

/** Keeps a rule that a person approved a command with; gives null, or why it was not kept. */
export type KeepRule = (rule: readonly string[]) => Promise<string | null>;

/** What all sessions of one tree share: the outside world through its ports, the kinds, and who is who. */
export type World = {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Null when nothing is logged. */
  readonly log: { readonly store: LogStore; readonly mode: LogMode } | null;
  readonly kinds: ReadonlyMap<string, TaskDefinition>;
  readonly limits: Limits;
  readonly onRequest: OnRequest | null;
  readonly sessionLogic: AnyActorLogic;
  readonly books: SmallMap<string, Book>;
  /** Keys that were approved for the session: they belong to the root, and its sub-sessions share them. */
  grants: Set<string> | null;
  /** Who is told what becomes of a task, by its id. */
  readonly listeners: SmallMap<string, TaskListener>;
  readonly prices: Prices;
  /** Keeps a rule of the user; null when nobody does. */
  readonly keepRule: KeepRule | null;
  /** Takes secrets out of what tools give back, before anybody is told, the log included. */
  readonly redact: Redact;
  /** What the project says to agents, for a working directory; read once for each. */
  readonly preamble: (cwd: string) => Promise<readonly HistoryEntry[]>;
  /** Aborts the handler of a request when the request has ended. */
  handlers: Map<string, AbortController> | null;
  /** How requests of the tree ended; the oldest are forgotten. */
  resolved: Map<string, Resolution['how']> | null;
  /** The checkpoints of a directory; in words, why there are none. */
  readonly workHistory: (cwd: string) => Promise<GitResult<WorkHistory>>;
  /** What keeps the state before changes; null when nothing does. */
  readonly protection: Protection | null;
  /** The git repository that a directory is in. */
  readonly openGit: (cwd: string) => Promise<GitResult<Git | null>>;
  readonly slots: Slots;
  /** What kinds of agents a model may start, by name. */
  readonly roles: ReadonlyMap<string, AgentRole>;
  readonly whenTaskEnds: WhenTaskEnds;
};

const worlds = new WeakMap<object, World>();

/** Joins a world to the actor system of its tree. */
export function bindWorld(system: object, world: World): void {
  worlds.set(system, world);
}

/** The book of a session, from within any actor of its tree. */
export function bookOf({ system }: { system: AnyActorRef['system'] }, sessionId: string): Book {
  const book = worlds.get(system)?.books.get(sessionId);
  if (book === undefined) {
    throw new Error(
      `Expected the session "${sessionId}" to be open in this actor system. Sessions are opened by createSession.`,
    );
  }
  return book;
}

/** The definition of a kind, from within any actor of the tree. */
export function kindOf(scope: { system: AnyActorRef['system'] }, sessionId: string, kind: string): TaskDefinition {
  const definition = bookOf(scope, sessionId).world.kinds.get(kind);
  if (definition === undefined)
    throw new Error(`Expected the kind "${kind}" to be registered, got a task of it that is not.`);
  return definition;
}
