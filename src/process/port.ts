/**
 * What a sandboxed command may do. Paths are absolute; what is below a path is meant with it. Everything else can be
 * read, and nothing else be written.
 */
export type SandboxProfile = Readonly<{
  /** Where it may write, beside temporary directories of its own; nowhere when empty. */
  writableRoots: readonly string[];
  /** Names of files and directories that stay as they are at any depth of a writable root: others run or obey them. */
  protectedNames: readonly string[];
  /** Those of which none can be made directly in a writable root either. */
  reservedNames: readonly string[];
  /** What it sees even where a temporary directory would cover it. */
  visible: readonly string[];
  /** What it does not see: secrets, and our own state. */
  hidden: readonly string[];
  network: boolean;
  /** A directory of ours in which we note what has to be tidied up. */
  state: string;
}>;

/** What stands between a command and the machine. A container is a process namespace: what is in it dies with it, and with us. */
export type Confinement =
  | Readonly<{ type: 'sandbox'; profile: SandboxProfile }>
  | Readonly<{ type: 'container' }>
  | Readonly<{ type: 'none' }>;

/** One thing that was tried out, in words for a person. */
export type ContainmentCheck = Readonly<{ name: string; holds: boolean; words: string }>;

/** What can confine commands on this machine, as it was tried out. */
export type Containment = Readonly<{
  /** Files and the network can be confined. */
  sandbox: boolean;
  /** All that a command starts dies with it, and with us. */
  container: boolean;
  /** Why there is no sandbox, in one sentence for a person; null when there is one. */
  why: string | null;
  /** The one command that mends it; null when there is nothing to mend, or no such command. */
  mend: string | null;
  checks: readonly ContainmentCheck[];
}>;

/** A command to run. It gets no environment but `env`. Times in ms, sizes in bytes. */
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
  /**
   * `none` when left out. A sandbox that cannot be had is no reason to run without: then nothing is started. In place of a
   * container there is a process group, whose promise is weaker.
   */
  confinement?: Confinement;
  /** Its standard input; it gets none when left out. */
  input?: Uint8Array;
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
  /** Set when what confines it could not be set up: then it is certain that nothing of it was run. */
  notSetUp?: true;
  /** What was wrong with how it was confined, in sentences for a person. */
  notes?: readonly string[];
  durationMs: number;
  killed: KillReport | null;
}>;

/** What killing did. `killed` counts processes that were alive and are gone; `survivors` those that are still there. */
export type KillReport = Readonly<{ graceful: boolean; killed: number; survivors: number }>;

export interface RunningProcess {
  /** Null until it has begun, and when it could not begin. */
  readonly pid: number | null;
  /** Settles on exit plus a bounded drain, never on the closing of a pipe alone; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** TERM now, KILL after `graceMs`, to everything that the command started. Idempotent; never rejects. */
  kill(graceMs: number): Promise<KillReport>;
}

/** Processes. The only way to start one. */
export interface Proc {
  /** What can confine commands here. It is tried out with the first question, and again after it has failed. */
  containment(): Promise<Containment>;
  spawn(spec: ProcessSpec): RunningProcess;
}
