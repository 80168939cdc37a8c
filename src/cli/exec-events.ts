import { resolve } from 'node:path';
import { isTerminal, type SessionEvent } from '../protocol/events.ts';
import type { CallStatus, FileChange, Item, PlanStep } from '../protocol/items.ts';
import type { AbortReason, Receipt } from '../protocol/outcomes.ts';
import type { Usage } from '../protocol/usage.ts';

type Done = 'completed' | 'failed';

/** A thing that was said or done, as `@openai/codex-sdk` reads it. */
export type ThreadItem = Readonly<
  { id: string } & (
    | { type: 'agent_message'; text: string }
    | { type: 'reasoning'; text: string }
    | {
        type: 'command_execution';
        command: string;
        aggregated_output: string;
        exit_code?: number;
        status: 'in_progress' | 'declined' | Done;
      }
    | { type: 'file_change'; changes: readonly ThreadChange[]; status: Done }
    | {
        type: 'mcp_tool_call';
        server: string;
        tool: string;
        arguments: unknown;
        result?: ToolPayload;
        error?: Readonly<{ message: string }>;
        status: 'in_progress' | Done;
      }
    | { type: 'todo_list'; items: readonly Readonly<{ text: string; completed: boolean }>[] }
    | { type: 'error'; message: string }
  )
>;

type ThreadChange = Readonly<{ path: string; kind: FileChange['kind'] }>;
type ToolPayload = Readonly<{ content: readonly Readonly<{ type: 'text'; text: string }>[]; structured_content: null }>;
type ThreadUsage = Readonly<
  Record<'input_tokens' | 'cached_input_tokens' | 'output_tokens' | 'reasoning_output_tokens', number>
>;

/** One line of `exec --experimental-json`. */
export type ThreadEvent = Readonly<
  | { type: 'thread.started'; thread_id: string }
  | { type: 'turn.started' }
  | { type: 'turn.completed'; usage: ThreadUsage }
  | { type: 'turn.failed'; error: Readonly<{ message: string }> }
  | { type: 'error'; message: string }
  | { type: 'item.started' | 'item.updated' | 'item.completed'; item: ThreadItem }
>;

/** The server by which our own tools go, in a stream that knows tools of MCP servers only. */
const OWN_SERVER = 'troupe';

/**
 * Translates what happens in a session into the events of one turn, in order; give it every event once. What
 * sub-sessions do is not told, nor are deltas.
 */
export function createExecEvents(cwd: string): (event: SessionEvent) => readonly ThreadEvent[] {
  let plan: ThreadItem | null = null;
  let complaints = 0;
  /** Tasks beside the one that the turn is: their ends are not its end. */
  const beside = new Set<string>();
  let isTold = false;
  let isClosing = false;

  const complaint = (message: string): readonly ThreadEvent[] => {
    complaints += 1;
    return [{ type: 'item.completed', item: { id: `error_${complaints}`, type: 'error', message } }];
  };
  const planned = (id: string, steps: readonly PlanStep[]): readonly ThreadEvent[] => {
    const items = steps.map(({ step, status }) => ({ text: step, completed: status === 'completed' }));
    const type = plan === null ? 'item.started' : 'item.updated';
    plan = { id: plan?.id ?? id, type: 'todo_list', items };
    return [{ type, item: plan }];
  };
  const ended = (end: ThreadEvent): readonly ThreadEvent[] => {
    const last: readonly ThreadEvent[] = plan === null ? [] : [{ type: 'item.completed', item: plan }];
    plan = null;
    return [...last, end];
  };

  const eventsOf = (event: SessionEvent): readonly ThreadEvent[] => {
    if (event.path.length > 1 || (isTerminal(event) && beside.has(event.taskId ?? ''))) return [];
    // Where a session is opened again, what it left open is closed first: that is no part of this turn.
    if (event.type === 'session.resumed' || event.type === 'task.started') isClosing = event.type === 'session.resumed';
    if (isClosing && !COMPLAINTS.has(event.type)) return [];
    switch (event.type) {
      case 'task.started':
        if (event.placement === 'beside') beside.add(event.taskId ?? '');
        return event.placement === 'beside' ? [] : [{ type: 'turn.started' }];
      case 'item.started':
      case 'item.updated': {
        const item = begunItem(event.item);
        return item === null ? [] : [{ type: event.type, item }];
      }
      case 'item.completed': {
        if (event.item.type === 'todo_list') {
          return event.item.status === 'completed' ? planned(event.item.id, event.item.plan) : [];
        }
        const item = doneItem(event.item, cwd);
        return item === null ? [] : [{ type: 'item.completed', item }];
      }
      case 'warning.raised':
        return complaint(event.message);
      case 'session.degraded':
        return complaint(`The session goes on, but is not logged safely: ${event.reason}`);
      case 'stream.retrying': {
        const again = `The model is asked again in ${event.delayMs} ms (${event.attempt} of ${event.of})`;
        return [{ type: 'error', message: `${again}: ${event.error.message}` }];
      }
      case 'task.completed':
        return ended({ type: 'turn.completed', usage: usageOf(event.usage) });
      case 'task.failed':
        return ended(failedTurn(`${event.error.message} (${event.error.code})`));
      case 'task.aborted':
        return ended(failedTurn(abortText(event.reason, event.receipt)));
      default:
        return [];
    }
  };

  return (event) => {
    // A session that is opened again has no event of its opening.
    if (isTold || event.path.length > 1 || !OPENING.has(event.type)) return eventsOf(event);
    isTold = true;
    return [{ type: 'thread.started', thread_id: event.sessionId }, ...eventsOf(event)];
  };
}

const COMPLAINTS: ReadonlySet<string> = new Set(['warning.raised', 'session.degraded']);

/** One of these comes first. */
const OPENING: ReadonlySet<string> = new Set(['session.opened', 'session.resumed', 'task.started']);

/** The end of a turn that was not completed. */
export function failedTurn(message: string): ThreadEvent {
  return { type: 'turn.failed', error: { message } };
}

/** Calls that may take long; all the rest is told when it is whole. */
function begunItem(item: Item): ThreadItem | null {
  switch (item.type) {
    case 'command_execution':
      return { ...commandOf(item), status: 'in_progress' };
    case 'tool_call':
      return { ...toolOf(item.id, OWN_SERVER, item.name, item.arguments), status: 'in_progress' };
    case 'mcp_tool_call':
      return { ...toolOf(item.id, item.server, item.tool, item.arguments), status: 'in_progress' };
    default:
      return null;
  }
}

function doneItem(item: Item, cwd: string): ThreadItem | null {
  switch (item.type) {
    case 'agent_message':
    case 'reasoning':
      return { id: item.id, type: item.type, text: item.text };
    case 'command_execution':
      return { ...commandOf(item), status: item.status === 'declined' ? 'declined' : doneStatus(item.status) };
    case 'file_change': {
      const changes = item.changes.flatMap((change) => changesOf(change, cwd));
      return { id: item.id, type: 'file_change', changes, status: doneStatus(item.status) };
    }
    case 'tool_call':
      return { ...toolOf(item.id, OWN_SERVER, item.name, item.arguments), ...toolEnd(item.status, item.output) };
    case 'mcp_tool_call':
      return { ...toolOf(item.id, item.server, item.tool, item.arguments), ...toolEnd(item.status, item.output) };
    case 'error':
      return { id: item.id, type: 'error', message: `${item.message} (${item.code})` };
    default:
      return null;
  }
}

function commandOf({ id, command, output, exitCode }: Extract<Item, { type: 'command_execution' }>) {
  const code = exitCode === null ? {} : { exit_code: exitCode };
  return { id, type: 'command_execution', command, aggregated_output: output, ...code } as const;
}

function toolOf(id: string, server: string, tool: string, input: unknown) {
  return { id, type: 'mcp_tool_call', server, tool, arguments: input } as const;
}

function toolEnd(status: CallStatus, output: string) {
  if (status !== 'completed') return { error: { message: output }, status: 'failed' } as const;
  return { result: { content: [{ type: 'text', text: output }], structured_content: null }, status } as const;
}

function doneStatus(status: CallStatus): Done {
  return status === 'completed' ? 'completed' : 'failed';
}

/** Whole paths. The stream knows no moves: one file goes, and one comes. */
function changesOf({ path, kind, movedTo }: FileChange, cwd: string): readonly ThreadChange[] {
  const from = resolve(cwd, path);
  if (movedTo === undefined) return [{ path: from, kind }];
  return [
    { path: from, kind: 'delete' },
    { path: resolve(cwd, movedTo), kind: 'add' },
  ];
}

function usageOf(usage: Usage): ThreadUsage {
  return {
    input_tokens: usage.inputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    output_tokens: usage.outputTokens,
    reasoning_output_tokens: usage.reasoningTokens,
  };
}

function abortText(reason: AbortReason, { processes }: Receipt): string {
  const counts = `processes: ${processes.killed} killed, ${processes.survivors} still alive`;
  return `The task was stopped: ${ABORT_WORDS[reason]} (${counts}).`;
}

const ABORT_WORDS: Readonly<Record<AbortReason, string>> = {
  interrupted: 'it was interrupted',
  replaced: 'another task took its place',
  'parent-aborted': 'the task that it belongs to was stopped',
  budget: 'its budget is used up',
  timeout: 'it took too long',
  disconnected: 'its client is gone',
  shutdown: 'the session was closed',
  crashed: 'the process that ran it ended',
};
