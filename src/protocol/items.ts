import type { Findings } from './findings.ts';
import type { InputPart } from './input.ts';

export type FileChange = Readonly<{ path: string; kind: 'add' | 'delete' | 'update'; movedTo?: string; diff?: string }>;
export type PlanStep = Readonly<{ step: string; status: 'pending' | 'in_progress' | 'completed' }>;

/** How a call that does something ended, or that it has not ended yet. `declined`: a decision or a policy refused it. */
export type CallStatus = 'in_progress' | 'completed' | 'failed' | 'declined' | 'aborted';

type ItemBody =
  /** `inputId`: it was said while something ran. */
  | { type: 'user_message'; text: string; content: readonly InputPart[]; inputId?: string }
  | { type: 'agent_message'; text: string }
  | { type: 'reasoning'; text: string }
  | {
      type: 'command_execution';
      callId: string;
      command: string;
      cwd: string;
      /** Null while it runs, and when it never ran. */
      exitCode: number | null;
      output: string;
      status: CallStatus;
    }
  | { type: 'file_change'; callId: string; changes: readonly FileChange[]; status: CallStatus; message?: string }
  | { type: 'tool_call'; callId: string; name: string; arguments: unknown; output: string; status: CallStatus }
  | {
      type: 'mcp_tool_call';
      callId: string;
      server: string;
      tool: string;
      arguments: unknown;
      output: string;
      status: CallStatus;
    }
  | { type: 'todo_list'; callId: string; plan: readonly PlanStep[]; explanation?: string; status: CallStatus }
  | {
      type: 'review';
      target: unknown;
      hint: string;
      status: 'in_progress' | 'completed' | 'interrupted' | 'failed';
      output?: Findings;
    }
  | { type: 'compaction'; status: CallStatus; tokensBefore?: number; tokensAfter?: number }
  | { type: 'checkpoint'; status: CallStatus; checkpointId?: string }
  | { type: 'undo'; status: CallStatus; paths?: readonly string[] }
  /** `agent`: its name among the agents of its parent, if it is one. */
  | { type: 'sub_session'; sessionId: string; kind: string; agent?: string; status: CallStatus }
  | { type: 'interruption'; reason: string; text: string }
  | { type: 'error'; code: string; message: string };

/** One entry of history or one thing shown to a client. `partial`: an abort cut it short. */
export type Item = Readonly<{ id: string; partial?: true } & ItemBody>;

/** An item before the session has given it an id. */
export type ItemDraft = ItemBody;
