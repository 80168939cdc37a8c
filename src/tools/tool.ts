import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { KillReport } from '../process/port.ts';
import type { ItemDraft } from '../protocol/items.ts';
import type { Decision, RequestSubject } from '../protocol/requests.ts';
import type { TaskContext } from '../protocol/settings.ts';
import type { Agents } from './agent-port.ts';

/** What a tool asks before it runs: nothing, a decision, or it refuses and says why. */
export type Check =
  | Readonly<{ verdict: 'allow' }>
  | Readonly<{ verdict: 'ask'; subject: RequestSubject; reason?: string; key: string }>
  | Readonly<{ verdict: 'refuse'; message: string }>;

/** What a call came to. `output` goes to the model; `item` is what people see. */
export type ToolResult = Readonly<{ output: string; success: boolean; item?: Partial<ItemDraft>; killed?: KillReport }>;

/** What a running tool may use. All of it is void once the task has ended. */
export type ToolScope = Readonly<{
  /** Aborted when the task is; then the call has until the end of the grace to stop by itself. */
  signal: AbortSignal;
  callId: string;
  context: TaskContext;
  /** What a person, or a grant for the session, has said yes to before this call was run; null when nobody was asked. */
  approved: RequestSubject | null;
  /** Shows output while it runs (a piece of text to append). */
  progress(text: string): void;
  /** Asks a person (or the policy). Throws when the task is aborted. */
  ask(subject: RequestSubject, options?: { reason?: string }): Promise<Decision>;
  /** The agents of the session; none where there is no session. */
  agents?: Agents;
  /** Names something that is to be killed when the call is. Gives back how to let go of it. */
  own?(owned: { kill(graceMs: number): Promise<{ killed: number; survivors: number }> }): () => void;
}>;

/** A tool as the session runs it: the input has been parsed and validated. `I` is only known to the tool itself. */
export type Tool = Readonly<{
  name: string;
  description: string;
  parameters: Readonly<Record<string, unknown>>;
  /** May run beside other calls of the same step that may, too. */
  parallel: boolean;
  /** Validates what the model sent. */
  parse(input: unknown): Promise<{ ok: true; input: unknown } | { ok: false; message: string }>;
  /** The item that shows a call, before it runs. */
  present(input: unknown, call: { callId: string; context: TaskContext }): ItemDraft;
  check(input: unknown, context: TaskContext): Promise<Check>;
  /** Whether a call may change files of the work tree: it waits until the state before is kept. Not when left out. */
  mayChangeFiles?(input: unknown, context: TaskContext): boolean | Promise<boolean>;
  execute(input: unknown, scope: ToolScope): Promise<ToolResult>;
}>;

/** The type that a schema gives. */
export type Parsed<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;
