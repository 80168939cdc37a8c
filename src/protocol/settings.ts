export type SandboxMode = 'read-only' | 'workspace-write' | 'danger-full-access';
export type ApprovalPolicy = 'untrusted' | 'on-request' | 'never';
export type Effort = 'minimal' | 'low' | 'medium' | 'high';

/** A task's own settings, frozen and logged when it starts. */
export type TaskContext = Readonly<{
  model: string;
  effort?: Effort;
  cwd: string;
  sandbox: SandboxMode;
  approvalPolicy: ApprovalPolicy;
  instructions?: string;
  outputSchema?: unknown;
}>;

/** Times in ms, the rest in pieces. */
export type Limits = Readonly<{
  /** How long an aborted task may take to stop by itself, counted from the abort. */
  graceMs: number;
  /** How long killing may take after that. */
  killMs: number;
  /** How long a terminal event waits for the disk before it is shown with `durable: false`. */
  commitMs: number;
  /** How many sessions may stand below each other, the root not counted. */
  depthMax: number;
  /** How many sub-sessions of one tree may run at once. */
  agentsMax: number;
  /** How long a request may stay open; null: as long as it takes. */
  requestTimeoutMs: number | null;
  /** How many requests of one sub-session are in front of people at once; null: all of them. The root's own are not limited. */
  requestsOpenMax: number | null;
  /** How many requests of one sub-session are put in front of people within a minute; null: all of them. */
  requestsPerMinuteMax: number | null;
}>;

export type WhenBusy = 'replace' | 'queue' | 'reject';
export type Placement = 'foreground' | 'beside';
