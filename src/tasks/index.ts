import { agent } from './agent.ts';
import { compact } from './compact.ts';
import { regular } from './regular.ts';
import { review } from './review.ts';
import { userShell } from './user-shell.ts';

/** The kinds that every session has. */
export const builtinTasks = { regular, review, compact, 'user-shell': userShell, agent };
