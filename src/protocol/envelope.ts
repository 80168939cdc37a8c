import type { Path } from './path.ts';

/**
 * Who says something, when, and where it stands in the session's log. `seq` is gapless per session for committed events
 * and null for transient ones; `epoch` grows by one at each resume; `time` is ISO 8601 in UTC.
 */
export type Envelope = Readonly<{
  seq: number | null;
  epoch: number;
  time: string;
  sessionId: string;
  path: Path;
  taskId?: string;
}>;
