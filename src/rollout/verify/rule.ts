/** A record as a reader sees it who knows nothing but the format. */
export type Seen = Readonly<{
  line: number;
  seq: number;
  epoch: number;
  time: string;
  type: string;
  taskId: string | null;
  payload: Readonly<Record<string, unknown>>;
}>;

/** Looks at one record after the other; says what is not legal in one, or null. */
export type Watch = (record: Seen) => string | null;

/** One law that a log keeps. `invariants` are numbers of the list that the project holds itself to (docs/verify.md). */
export type Rule = Readonly<{ name: string; invariants: readonly number[]; law: string; watch(): Watch }>;

/** A member of a payload as an object; empty when it is none. */
export function objectIn(payload: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> {
  const value = payload[key];
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

export function textIn(payload: Readonly<Record<string, unknown>>, key: string): string | null {
  const value = payload[key];
  return typeof value === 'string' ? value : null;
}

/** The name of what a payload is about. All that have none are one thing to a reader. */
export function nameIn(payload: Readonly<Record<string, unknown>>, key: string): string {
  return textIn(payload, key) ?? 'without a name';
}

export function numberIn(payload: Readonly<Record<string, unknown>>, key: string): number | null {
  const value = payload[key];
  return typeof value === 'number' ? value : null;
}

/** How many a payload says that there are; none when it does not say. */
export function countIn(payload: Readonly<Record<string, unknown>>, key: string): number {
  return numberIn(payload, key) ?? 0;
}

const TERMINALS = new Set(['task.completed', 'task.failed', 'task.aborted']);

export function isTerminal({ type }: Seen): boolean {
  return TERMINALS.has(type);
}

/** What a record adds to the history, as it is written. */
export function entriesIn({ payload }: Seen): readonly Readonly<Record<string, unknown>>[] {
  const { entries } = objectIn(payload, 'history');
  return Array.isArray(entries) ? entries.filter((entry) => typeof entry === 'object' && entry !== null) : [];
}
