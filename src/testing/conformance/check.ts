/** One thing that is to hold: `run` resolves when it does, and rejects with a report to read when it does not. */
export type ConformanceCheck = Readonly<{ name: string; run: () => Promise<void> }>;

/** What a check has found: what was to be, what was, and what to do about it. */
export type Finding = Readonly<{ expected: string; happened: string; remedy: string; trace?: readonly string[] }>;

/** A check that did not hold; its message is the whole report. */
export class ConformanceError extends Error {
  override readonly name = 'ConformanceError';
  readonly finding: Finding;

  constructor(subject: string, finding: Finding) {
    const { expected, happened, remedy, trace = [] } = finding;
    const told = trace.length === 0 ? [] : [`  Told before:   ${trace.join(', ')}`];
    super(
      [`${subject} ${expected}.`, `  What happened: ${happened}`, ...told, `  What to do:    ${remedy}`].join('\n'),
    );
    this.finding = finding;
  }
}

/** Makes a check of a function that gives what it has found wrong; null: nothing. */
export function checkOf(subject: string, name: string, look: () => Promise<Finding | null>): ConformanceCheck {
  return {
    name,
    async run() {
      const finding = await look();
      if (finding !== null) throw new ConformanceError(subject, finding);
    },
  };
}

/** What a promise comes to; null when it takes longer than that. A rejection is one. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<{ value: T } | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), ms);
  try {
    return await Promise.race([promise.then((value) => ({ value })), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
