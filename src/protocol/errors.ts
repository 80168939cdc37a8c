/** Why a task failed. `message` says what was expected, what came, and what a person can do. */
export type ErrorCode =
  | 'invalid-input'
  | 'invalid-config'
  | 'unknown-kind'
  | 'rejected'
  | 'closed'
  | 'busy'
  | 'model-error'
  | 'model-unreachable'
  | 'model-refused'
  | 'context-window-exceeded'
  | 'rate-limited'
  | 'unauthorized'
  | 'stream-cut'
  | 'budget-exceeded'
  | 'invalid-output'
  | 'depth-exceeded'
  | 'too-many-agents'
  | 'tool-error'
  | 'sub-session-failed'
  | 'log-failed'
  | 'internal';

export type TaskError = Readonly<{ code: ErrorCode; message: string; retryable: boolean }>;

/** Misuse of the library: thrown, and only then. Failures to be expected are values. */
export class TroupeError extends Error {
  override readonly name = 'TroupeError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Thrown by `task.orThrow()`; carries the outcome. */
export class TaskFailed extends Error {
  override readonly name = 'TaskFailed';
  readonly outcome: unknown;

  constructor(message: string, outcome: unknown) {
    super(message);
    this.outcome = outcome;
  }
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === 'string' ? error : String(error);
}

/** The `code` that errors of the system have; null for any other error. */
export function errorCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** Whether an error has one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(errorCode(error) ?? '');
}
