import type { AgentRole, AgentStatus, AgentView } from '../protocol/agents.ts';

/** What a model may do with the agents of its session. Failures are values, in words for the model. */
export interface Agents {
  readonly roles: ReadonlyMap<string, AgentRole>;
  /** Starts one with a copy of what is known here (`fork`), or with nothing. */
  spawn(order: { message: string; role: string; fork: boolean; callId: string }): Told<AgentView>;
  /** Says something to one: to what it does, or, when it has ended or is interrupted, as the next thing to do. */
  send(agent: string, message: string, interrupt: boolean): Promise<Told<'steered' | 'started'>>;
  /** Resolves when one of them has ended (of none: any), something was said to this session, or time is up. */
  wait(agents: readonly string[], timeoutMs: number, signal: AbortSignal): Promise<Told<Waited>>;
  /** Stops one, whatever it does, within the bound of an abort; tells how it was before. */
  close(agent: string): Promise<Told<AgentStatus>>;
  list(): readonly AgentView[];
}

export type Told<T> = Readonly<{ ok: true; value: T }> | Readonly<{ ok: false; message: string }>;

/** What a wait came to: the agents that have ended and had not been told of before. */
export type Waited = Readonly<{ why: 'ended' | 'new-input' | 'timed-out' | 'stopped'; ended: readonly AgentView[] }>;
