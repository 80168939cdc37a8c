/** What a program says of its own runs: what always holds, what comes about in at least one, and what never does. */
export type Assertions = Readonly<{
  /** Broken as soon as the condition does not hold. */
  always(id: string, condition: boolean): void;
  /** Reached once the condition has held. */
  sometimes(id: string, condition?: boolean): void;
  /** Broken as soon as it is called. */
  unreachable(id: string): void;
  /** After all runs: a sentence for each that was broken, and for each `sometimes` that was never reached. */
  end(): readonly string[];
}>;

/**
 * Collects them over as many runs as there are. `expected` are the points that have to be reached even if no code that names them
 * is ever run.
 */
export function assertions(expected: readonly string[] = []): Assertions {
  const broken = new Map<string, string>();
  const points = new Map(expected.map((id) => [id, false]));
  return {
    always(id, condition) {
      if (!condition) broken.set(id, `always, and once not: ${id}`);
    },
    sometimes(id, condition = true) {
      points.set(id, condition || (points.get(id) ?? false));
    },
    unreachable(id) {
      broken.set(id, `unreachable, and reached: ${id}`);
    },
    end: () => [
      ...broken.values(),
      ...[...points].flatMap(([id, isReached]) => (isReached ? [] : [`sometimes, and never reached: ${id}`])),
    ],
  };
}
