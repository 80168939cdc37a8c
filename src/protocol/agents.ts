import type { Budget } from './budget.ts';
import type { Effort, SandboxMode } from './settings.ts';

/** What an agent is for, and what it has for that. What is left out is its parent's. */
export type AgentRole = Readonly<{
  /** What a model is told about it. */
  description: string;
  instructions?: string;
  /** Names of the parent's tools. */
  tools?: readonly string[];
  /** At most the parent's. */
  sandbox?: SandboxMode;
  effort?: Effort;
  /** What each agent of this role may use, out of what its parent may. */
  budget?: Budget;
}>;

export type AgentStatus = 'queued' | 'running' | 'completed' | 'failed' | 'aborted';

/** An agent as its parent sees it. `result` is what it answered, or why there is no answer; null while it works. */
export type AgentView = Readonly<{
  agent: string;
  role: string;
  status: AgentStatus;
  /** Its sub-session; null before its turn. */
  sessionId: string | null;
  result: string | null;
}>;

/**
 * What a task does when its model has nothing more to say and agents that it started still work: waits for their results
 * and goes on with them, leaves them to themselves (their results wake the session later), or stops them.
 */
export type WhenTaskEnds = 'join' | 'detach' | 'cancel';
