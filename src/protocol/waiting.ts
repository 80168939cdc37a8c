import type { Path } from './path.ts';

export type WaitingCause = 'model' | 'tool' | 'decision' | 'sub-session' | 'work' | 'disk' | 'abort' | 'queue';

/** One link of the chain from a session to what it waits for in the end. `forMs` counts from when the waiting began. */
export type WaitingOn = Readonly<{ path: Path; taskId: string; cause: WaitingCause; what: string; forMs: number }>;
