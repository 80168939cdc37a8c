/** One thing that can happen next, and the world after it. */
export type Choice<W> = Readonly<{ what: string; next: () => W }>;

export type Exploration<W> = Readonly<{
  start: W;
  /** All that can happen in a world; none when it is over. */
  choices: (world: W) => readonly Choice<W>[];
  /** The same for two worlds only if the same can become of them. */
  keyOf: (world: W) => string;
  /** What is wrong with a world; null when nothing is. */
  wrongWith: (world: W) => string | null;
  /** Nothing more is to happen in it. */
  isOver: (world: W) => boolean;
  statesMax?: number;
}>;

/** `wrong` is a sentence with the shortest trace to what it tells of; null when every state is right. */
export type Explored = Readonly<{ states: number; transitions: number; over: number; wrong: string | null }>;

const STATES_MAX = 500_000;

type Seen = { from: number; what: string; before: number[]; isOver: boolean };

/**
 * Goes through every state that can be reached, the nearest first, so that the first trace found is a shortest one. Each
 * state is right by itself, is over or has a way on, and from each of them an end can be reached.
 */
export function explore<W>({
  start,
  choices,
  keyOf,
  wrongWith,
  isOver,
  statesMax = STATES_MAX,
}: Exploration<W>): Explored {
  const known = new Map([[keyOf(start), 0]]);
  const seen: Seen[] = [{ from: -1, what: 'the start', before: [], isOver: isOver(start) }];
  let [level, transitions]: [readonly (readonly [W, number])[], number] = [[[start, 0]], 0];
  const found = (wrong: string | null) => ({
    states: seen.length,
    transitions,
    over: seen.filter((state) => state.isOver).length,
    wrong,
  });
  const first = wrongWith(start);
  if (first !== null) return found(first);
  while (level.length > 0) {
    const next: [W, number][] = [];
    for (const [world, at] of level) {
      const open = choices(world);
      if (open.length === 0 && !isOver(world)) return found(told('Nothing can happen any more', seen, at));
      for (const { what, next: go } of open) {
        const after = go();
        transitions += 1;
        const key = keyOf(after);
        const old = known.get(key);
        if (old !== undefined) {
          seen[old]?.before.push(at);
          continue;
        }
        known.set(key, seen.length);
        seen.push({ from: at, what, before: [at], isOver: isOver(after) });
        const wrong = wrongWith(after);
        if (wrong !== null) return found(told(wrong, seen, seen.length - 1));
        if (seen.length > statesMax)
          throw new Error(`Expected at most ${statesMax} states, got more: bound the scope.`);
        next.push([after, seen.length - 1]);
      }
    }
    level = next;
  }
  const lost = firstWithoutEnd(seen);
  return found(lost === null ? null : told('No end can be reached any more', seen, lost));
}

/** Walks back from all ends. */
function firstWithoutEnd(seen: readonly Seen[]): number | null {
  const reaches = seen.map((state) => state.isOver);
  const open = seen.flatMap((state, at) => (state.isOver ? [at] : []));
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const before of seen[at]?.before ?? []) {
      if (reaches[before]) continue;
      reaches[before] = true;
      open.push(before);
    }
  }
  const lost = reaches.indexOf(false);
  return lost === -1 ? null : lost;
}

function told(wrong: string, seen: readonly Seen[], end: number): string {
  const trace: string[] = [];
  for (let at = end; at > 0; at = seen[at]?.from ?? 0) trace.unshift(seen[at]?.what ?? '');
  return [`${wrong}, after ${trace.length} steps:`, ...trace.map((what, at) => `  ${at + 1}. ${what}`)].join('\n');
}
