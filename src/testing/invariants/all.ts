import { CALLS } from './calls.ts';
import type { Invariant } from './invariant.ts';
import { LOG } from './log.ts';
import { PROCESSES } from './processes.ts';
import { REQUESTS } from './requests.ts';
import { SUB_SESSIONS } from './sub-sessions.ts';
import { TASK_ORDER } from './task-order.ts';
import { USAGE } from './usage.ts';

/** What is watched beyond the life of single tasks, items and requests: order, sub-sessions, decisions, logs and processes. */
export const FURTHER_INVARIANTS: readonly Invariant[] = [
  ...TASK_ORDER,
  ...SUB_SESSIONS,
  ...REQUESTS,
  ...CALLS,
  ...LOG,
  ...USAGE,
  ...PROCESSES,
];
