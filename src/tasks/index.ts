import { regular } from './regular.ts';

/** The kinds that every session has. */
export const builtinTasks = { regular };
