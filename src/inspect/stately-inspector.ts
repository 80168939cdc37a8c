import type { AnyActorRef, InspectionEvent } from 'xstate';
import { messageOf, TroupeError } from '../protocol/errors.ts';
import { actorPath } from './actor-path.ts';
import { sanitized } from './sanitize.ts';

export type StatelyInspectorOptions = Readonly<{
  /**
   * Where the events go: the address of an inspector's server (`createInspectorServer` of `@statelyai/inspect/server`, or the second
   * address of `troupe inspect`). `ws://localhost:8080` when left out. In a browser without it, Stately's window is opened.
   */
  url?: string;
  /**
   * `true` when left out: only names, numbers and states are sent, and not what was said, run or written. `false`: everything. Or what
   * is made of each context and each event.
   */
  sanitize?:
    | boolean
    | Readonly<{ context?: (context: unknown) => unknown; event?: (event: { type: string }) => { type: string } }>;
}>;

/** An inspector for `createSession({ inspect })`. */
export type StatelyInspector = Readonly<{ inspect: (event: InspectionEvent) => void; stop(): void }>;

type Snapshot = Readonly<Record<string, unknown>>;
type Sent = Readonly<{ type: string; sessionId: string; name?: string; snapshot?: Snapshot }>;
const SAYING: ReadonlySet<string> = new Set(['input', 'output', 'error']);

type Options = Readonly<{
  url?: string;
  serialize: (event: Sent) => unknown;
  sanitizeContext: (context: unknown) => unknown;
  sanitizeEvent: (event: { type: string }) => { type: string };
}>;
type Inspector = Readonly<{ inspect: { next?: (event: InspectionEvent) => void }; stop(): void }>;
type Package = Readonly<{
  createWebSocketInspector(options: Options): Inspector;
  createBrowserInspector(options: Options): Inspector;
}>;

/**
 * Stately's inspector for sessions: actors are named by their paths, and what people and models have said stays here. Needs the
 * package `@statelyai/inspect`, which does not come with this one; rejects, saying so, when it is not there.
 */
export async function statelyInspector({
  url,
  sanitize = true,
}: StatelyInspectorOptions = {}): Promise<StatelyInspector> {
  const { createWebSocketInspector, createBrowserInspector } = await load();
  const paths = new WeakMap<AnyActorRef, string>();
  /** Of the actors that were not sent yet, by their ids. */
  const unsent = new Map<string, string>();
  const given = typeof sanitize === 'object' ? sanitize : {};
  const otherwise = <V>(value: V): V => (sanitize === false ? value : (sanitized(value) as V)); // A copy of the same shape.
  /** What began an actor and what it came to say as much as its context, and the package's own options leave them as they are. */
  const snapshotFor = (snapshot: Snapshot | undefined) =>
    snapshot === undefined
      ? undefined
      : Object.fromEntries(
          Object.entries(snapshot).map(([key, value]) => [key, SAYING.has(key) ? otherwise(value) : value]),
        );
  const options: Options = {
    ...(url === undefined ? {} : { url }),
    serialize(event) {
      const { type, sessionId, name, snapshot, ...rest } = event;
      const path = type === '@xstate.actor' ? unsent.get(sessionId) : undefined;
      unsent.delete(sessionId);
      return { ...rest, type, sessionId, name: path ?? name, snapshot: snapshotFor(snapshot) };
    },
    sanitizeContext: given.context ?? otherwise,
    sanitizeEvent: given.event ?? otherwise,
  };
  const isInBrowser = 'document' in globalThis;
  const inspector =
    isInBrowser && url === undefined ? createBrowserInspector(options) : createWebSocketInspector(options);
  return {
    inspect(event) {
      // An actor has a snapshot, and with it a path, when it is told its first event; only after that is anything sent of it.
      if (event.type === '@xstate.event' && event.event.type === 'xstate.init') {
        const ref = event.actorRef as AnyActorRef; // XState tells of the actor itself.
        unsent.set(ref.sessionId, pathOf(ref, paths));
      }
      inspector.inspect.next?.(event);
    },
    stop: () => inspector.stop(),
  };
}

function pathOf(ref: AnyActorRef, paths: WeakMap<AnyActorRef, string>): string {
  const path = paths.get(ref) ?? actorPath(ref, ref._parent === undefined ? null : pathOf(ref._parent, paths));
  paths.set(ref, path);
  return path;
}

async function load(): Promise<Package> {
  try {
    return (await import('@statelyai/inspect')) as unknown as Package; // As much of it as is used here.
  } catch (error) {
    throw new TroupeError(
      'invalid-config',
      `Expected the package @statelyai/inspect, got: ${messageOf(error)}. Install it with: npm install @statelyai/inspect`,
    );
  }
}
