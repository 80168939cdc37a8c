import { isDeepStrictEqual } from 'node:util';
import { createSession } from '../../create-session.ts';
import { isTerminal, type SessionEvent } from '../../protocol/events.ts';
import type { TaskOutcome } from '../../protocol/outcomes.ts';
import type { Decision } from '../../protocol/requests.ts';
import type { SessionOptions } from '../../session-options.ts';
import type { TaskDefinition, TaskDefinitions } from '../../tasks/define-task.ts';
import type { TaskPorts } from '../../tasks/ports.ts';
import type { Script } from '../script.ts';
import { scriptedModel } from '../scripted-model.ts';
import { within } from './check.ts';

/** How long a task of a conformance run has to stop by itself, and how long killing may take after that. */
export const CONFORMANCE_LIMITS = { graceMs: 250, killMs: 250 };

/** A kind that is looked at, and what it is given. */
export type KindSubject = Readonly<{
  // biome-ignore lint/suspicious/noExplicitAny: a kind of any input, and a function type is contravariant in it.
  kind: TaskDefinition<any, any>;
  input: unknown;
  /** What it is called in reports. Default `kind`. */
  name?: string;
  /** What the model says; made anew for each run. Default: as often as it is asked, that it is done. */
  script?: () => Script;
  /** What people say. Default: yes to all. */
  decide?: (request: Parameters<NonNullable<SessionOptions['onRequest']>>[0]) => Decision;
  /** More for its session: other kinds, tools, where it works. */
  options?: Partial<SessionOptions<TaskDefinitions>>;
  /** How long it may take to end by itself. Default 10,000 ms. */
  withinMs?: number;
}>;

/** What one run differs in. */
export type Treatment = Readonly<{
  /** Called with each event, the start among them. */
  told?: (event: SessionEvent, task: { abort(): void; cancel(): void }) => void;
  script?: () => Script;
  decide?: Decision;
  /** Takes the place of every kind but the one that is looked at. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  children?: TaskDefinition<any, any>;
}>;

export type Observed = Readonly<{
  /** Null: it did not end in time. */
  outcome: TaskOutcome | null;
  /** Types of the committed events of its session, in order, up to the end. */
  told: readonly string[];
  events: readonly SessionEvent[];
  /** What it did with its ports once it had ended. */
  late: readonly string[];
  /** What was still open when it had ended. */
  left: readonly string[];
  /** Kinds that it has handed to sub-sessions. */
  delegated: readonly string[];
  /** What its function returned is JSON. */
  givesJson: boolean;
}>;

/** Runs the kind once in a session of its own, and looks at all that can be seen of it from outside. */
export async function observeKind(subject: KindSubject, treatment: Treatment = {}): Promise<Observed> {
  const { kind, input, options = {}, withinMs = 10_000 } = subject;
  const name = nameOf(subject);
  const seen: Seen = { works: [], returned: [], late: [], delegated: new Set(), hasEnded: false };
  const events: SessionEvent[] = [];
  const others = Object.fromEntries(
    treatment.children === undefined ? [] : CHILD_KINDS.map((child) => [child, treatment.children]),
  ) as TaskDefinitions; // All of them are there when one is.
  const watched = watchedKind(kind, seen);
  const session = createSession<TaskDefinitions>({
    model: scriptedModel((treatment.script ?? subject.script ?? agreeable)()),
    rollout: 'off',
    checkpoints: 'off',
    // People take longer than a work that does not wait for them.
    async onRequest(request) {
      await turn();
      return treatment.decide ?? subject.decide?.(request) ?? agreedTo(request.subject.kind);
    },
    ...options,
    limits: { ...CONFORMANCE_LIMITS, ...options.limits },
    tasks: { ...options.tasks, ...others, [name]: watched },
  });
  const task = session.start(name, input as never); // The session validates it.
  const handle = { abort: () => void task.abort(), cancel: () => task.cancel() };
  const follow = session.events$.subscribe((event) => {
    if (event.seq !== null) events.push(event);
    treatment.told?.(event, handle);
  });
  const ended = await within(task.outcome, withinMs);
  const own = events.filter((event) => event.path.length === 1);
  const left = [
    ...(ended?.value.status === 'aborted' ? [] : abandonedIn(own)),
    ...session.pending().map(({ subject }) => `a request (${subject.kind}) was still open`),
    ...(ended === null ? [] : session.children().map(() => 'a sub-session was still open')),
  ];
  seen.hasEnded = true;
  // A function that outlives its task shows what it does then, before it returns; one that never returns does nothing.
  await within(Promise.allSettled(seen.works), CONFORMANCE_LIMITS.graceMs);
  await within(session.close(), withinMs);
  follow.unsubscribe();
  return {
    outcome: ended?.value ?? null,
    told: own.map(({ type }) => type).filter((type) => type !== 'session.opened' && type !== 'session.closed'),
    events: own,
    late: seen.late,
    left,
    delegated: [...seen.delegated],
    givesJson: seen.returned.every(isJson),
  };
}

export function nameOf({ name = 'kind' }: Pick<KindSubject, 'name'>): string {
  return name;
}

/** How many terminals a task had. */
export function terminalsIn({ events }: Observed): number {
  return events.filter(isTerminal).length;
}

/** Built-in kinds that sub-sessions run. */
const CHILD_KINDS = ['regular', 'review', 'compact'];

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Requests that were withdrawn although nobody had aborted anything. */
function abandonedIn(events: readonly SessionEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === 'request.resolved' && event.resolution.how === 'withdrawn'
      ? ['it ended while a request of its own was open, which was withdrawn']
      : [],
  );
}

function agreeable(): Script {
  return Array.from({ length: 1_000 }, () => ({ say: 'Done.' }));
}

function agreedTo(kind: string): Decision {
  switch (kind) {
    case 'question':
      return { decision: 'answered', answers: {} };
    case 'permissions':
      return { decision: 'granted', permissions: {}, scope: 'task' };
    case 'elicitation':
      return { decision: 'accept' };
    default:
      return 'approved';
  }
}

type Seen = {
  works: Promise<unknown>[];
  returned: unknown[];
  late: string[];
  delegated: Set<string>;
  hasEnded: boolean;
};

/** The same kind, whose functions are watched; works that are actor logic are seen from outside alone. */
function watchedKind(kind: KindSubject['kind'], seen: Seen): KindSubject['kind'] {
  const { work } = kind;
  if (typeof work !== 'function') return kind;
  const watched: typeof work = async (input, ports, signal) => {
    const running = work(input, watchedPorts(ports, seen), signal);
    seen.works.push(running);
    seen.returned.push(await running);
    return running;
  };
  return { ...kind, work: watched };
}

function watchedPorts(ports: TaskPorts, seen: Seen): TaskPorts {
  return new Proxy(ports, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (seen.hasEnded) seen.late.push(String(key));
        if (key === 'delegate') seen.delegated.add((args[0] as { kind?: string }).kind ?? 'regular'); // As it takes them.
        return Reflect.apply(value, target, args);
      };
    },
  });
}

function isJson(value: unknown): boolean {
  if (value === undefined) return false;
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(value)), withoutUndefined(value));
  } catch {
    return false;
  }
}

/** A member that is undefined is one that is left out. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => (member === undefined ? [] : [[key, withoutUndefined(member)]])),
  );
}
