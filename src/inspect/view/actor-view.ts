/** An actor as it is shown. Times in ms since 1970. */
export type ActorView = Readonly<{
  id: string;
  parent: string | null;
  /** Its name among its parent's actors. */
  name: string;
  /** The names from the root to it: `root/regular/foreground/work`. */
  path: string;
  /** Which chart it runs; null for actors without states. */
  chart: string | null;
  /** The states that it is in, each by its keys from the machine down, with dots between them. */
  active: readonly string[];
  status: 'active' | 'done' | 'error' | 'stopped';
  /** The session that it is, or works for. */
  sessionId: string | null;
  /** The task whose lifecycle it is. */
  taskId: string | null;
  /** When its states changed last. */
  since: number;
  last: TransitionView | null;
  rev: number;
}>;

/** What moved an actor last: the event, and the transitions that it took, by their names in the chart. */
export type TransitionView = Readonly<{ event: string; transitions: readonly string[]; at: number }>;

/** A message from one actor to another, or what a session told. `number` grows by one with each; `detail` is JSON, cut short. */
export type MessageView = Readonly<{
  number: number;
  at: number;
  /** Paths of names; null: from outside. */
  from: string | null;
  to: string;
  type: string;
  detail: string | null;
  sessionId: string | null;
}>;

/** The name of a transition in a chart: the path of its source, and which one of that it is. */
export function transitionName(sourcePath: string, index: number): string {
  return `${sourcePath}#${index}`;
}

/** The states that a state value stands for, from the machine down: `{ a: 'b' }` is `a` and `a.b`. */
export function statesOf(value: unknown, above = ''): readonly string[] {
  if (typeof value === 'string') return [`${above}${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => [`${above}${key}`, ...statesOf(below, `${above}${key}.`)]);
}
