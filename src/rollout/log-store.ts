/** Where logs are kept. All of it may fail: the errors of the disk come through as rejections. */
export interface LogStore {
  /** Makes the log of a new session; rejects if there is one already. */
  create(sessionId: string, createdAtMs: number): Promise<LogFile>;
  /** The bytes of a log, piece by piece; null when there is none. Others may be writing it. */
  pieces(sessionId: string): Promise<AsyncIterable<Uint8Array> | null>;
  /**
   * Opens a log that is there, for its one writer, who reads it first: what comes after the bytes that `read` found to be whole
   * is set aside. Rejects when somebody else writes it, when there is none, and when `read` does; then nothing is touched.
   */
  reopen(sessionId: string, read: (pieces: AsyncIterable<Uint8Array>) => Promise<number>): Promise<LogFile>;
}

export interface LogFile {
  /** Where it is, as people would look for it. */
  readonly location: string;
  /** Appends all of `bytes` or none of them. One call at a time. */
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when everything appended is on the disk. Never retried after a failure. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
