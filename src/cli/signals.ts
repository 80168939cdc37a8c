/** What a shell shows for a program that a signal ended: 128 and the number of the signal. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
/** How long closing may take before the process ends without it, in ms: more than the bounds of the library together. */
const CLOSE_MAX_MS = 5_000;

export type StopHandlers = Readonly<{
  /** The first signal: stop what runs, and go on to the end. */
  interrupt(signal: NodeJS.Signals): void;
  /** The second one: close at once. */
  close(): Promise<void>;
}>;

export type SignalWatch = Readonly<{
  /** With which code the process is to exit because of a signal; null while there was none. */
  exitCode(): number | null;
  /** Signals do again what they do by themselves. */
  release(): void;
}>;

/** Turns SIGINT, SIGTERM and SIGHUP into an orderly end; the third one ends the process where it stands. */
export function watchSignals(handlers: StopHandlers): SignalWatch {
  let count = 0;
  let code: number | null = null;

  const onSignal = (signal: NodeJS.Signals) => {
    const exitCode = codeOf(signal);
    code ??= exitCode;
    count += 1;
    if (count === 1) return handlers.interrupt(signal);
    const exit = () => process.exit(code ?? exitCode);
    if (count > 2) exit();
    setTimeout(exit, CLOSE_MAX_MS).unref();
    handlers.close().then(exit, exit);
  };
  const signals = Object.keys(EXIT_CODES);
  for (const signal of signals) process.on(signal, onSignal);
  return {
    exitCode: () => code,
    release() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

function codeOf(signal: string): number {
  return Object.entries(EXIT_CODES).find(([name]) => name === signal)?.[1] ?? 1;
}
