/** A command to run. It gets no standard input, and no environment but `env`. Times in ms, sizes in bytes. */
export type ProcessSpec = Readonly<{
  argv: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** How long a command that was told to stop (TERM) may take before it is killed. */
  graceMs: number;
  /** How much output is kept: half from the beginning, half from the end. */
  keepBytes: number;
  /** A command that writes more than this is stopped. */
  outputMaxBytes: number;
  /** Output as it comes, stdout and stderr in the order of arrival; well-formed text, cut at no character. */
  onOutput?: (text: string) => void;
}>;

/** What a command wrote: what is kept of it, and how much it was in truth. */
export type CapturedOutput = Readonly<{ text: string; totalBytes: number; truncated: boolean }>;

/** How a command ended. Codes are those that a shell shows: 124 timed out, 126 not executable, 127 not found, 128 + n. */
export type ProcessEnd = Readonly<{
  status: 'exited' | 'signalled' | 'timed-out' | 'output-limit' | 'killed' | 'not-started';
  exitCode: number;
  signal: string | null;
  output: CapturedOutput;
  /** Why it could not be started, in words; null when it was. */
  error: string | null;
  durationMs: number;
  killed: KillReport | null;
}>;

/** What killing did. `killed` counts processes that were alive and are gone; `survivors` those that are still there. */
export type KillReport = Readonly<{ graceful: boolean; killed: number; survivors: number }>;

export interface RunningProcess {
  readonly pid: number | null;
  /** Settles on exit plus a bounded drain, never on the closing of a pipe alone; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** TERM now, KILL after `graceMs`, to everything that the command started. Idempotent; never rejects. */
  kill(graceMs: number): Promise<KillReport>;
}

/** Processes. The only way to start one. */
export interface Proc {
  spawn(spec: ProcessSpec): RunningProcess;
}
