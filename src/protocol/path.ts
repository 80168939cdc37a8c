/** One session on the way from the root to who is speaking: which session, what opened it, and in which task and call. */
export type Segment = Readonly<{ sessionId: string; kind: string; taskId?: string; callId?: string }>;

/** Root first, one entry a session; the root's kind is `root`. */
export type Path = readonly Segment[];

/** A path as people read it: `root/review/regular`. */
export function pathText(path: Path): string {
  return path.map((segment) => segment.kind).join('/');
}
