import { agent } from './agent.ts';
import { compact } from './compact.ts';
import { ghostSnapshot } from './ghost-snapshot.ts';
import { regular } from './regular.ts';
import { review } from './review.ts';
import { undo } from './undo.ts';
import { userShell } from './user-shell.ts';

/** The kinds that every session has. */
export const builtinTasks = {
  regular,
  review,
  compact,
  'ghost-snapshot': ghostSnapshot,
  undo,
  'user-shell': userShell,
  agent,
};
