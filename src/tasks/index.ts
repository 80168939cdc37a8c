import { agent } from './agent.ts';
import { regular } from './regular.ts';

/** The kinds that every session has. */
export const builtinTasks = { regular, agent };
