import * as z from 'zod';
import { userShellWork } from '../../machines/user-shell.machine.ts';
import { TroupeError } from '../protocol/errors.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { Item } from '../protocol/items.ts';
import type { ToolResult } from '../tools/tool.ts';
import { defineTask } from './define-task.ts';
import { inStages } from './in-stages.ts';
import type { SessionPorts } from './ports.ts';

/** How long a command of the user may take (reference of behaviour, 2.6: one hour). */
const TIMEOUT_MS = 3_600_000;

const command = z.string().refine((text) => text.trim() !== '', 'expected a command');
const userShellInput = z.union([command, z.object({ command })]);

type UserShellInput = z.infer<typeof userShellInput>;
type CommandItem = Extract<Item, { type: 'command_execution' }>;
type Ran = { item: CommandItem; told: string };
export type UserShellData = { exitCode: number | null; output: string };

/** The kind of a command that the user runs: nothing asks, no sandbox confines it, and the model is told of it. */
export const userShell = defineTask<typeof userShellInput, UserShellData>({
  input: userShellInput,
  description: "The user's own command, beside whatever runs.",
  placement: 'beside',
  work: inStages(
    userShellWork,
    async (input: UserShellInput, ports, scope): Promise<Ran> => {
      const words = typeof input === 'string' ? input : input.command;
      const shell = ports.tools.get('shell');
      if (shell === undefined)
        throw new TroupeError('invalid-config', 'Expected the session to have the tool "shell", it has none.');
      const id = ports.nextItemId();
      const callId = `user_${id}`;
      const context = { ...ports.workspace, sandbox: 'danger-full-access' as const };
      const parsed = await shell.parse({ command: words, timeout_ms: TIMEOUT_MS });
      if (!parsed.ok) throw new TroupeError('invalid-input', parsed.message);
      const draft = { ...shell.present(parsed.input, { callId, context }), id } as CommandItem; // What a shell shows.
      ports.commit({ type: 'item.started', item: draft });
      if (!(await ports.safe()))
        throw new TroupeError(
          'log-failed',
          'The command was not run, because its start could not be written to the log.',
        );
      const result = await shell.execute(parsed.input, {
        signal: scope.signal,
        callId,
        context,
        approved: null,
        progress: (delta) => ports.emit({ type: 'item.delta', itemId: id, delta: ports.redact(delta) }),
        ask: (subject) => ports.ask(subject),
        own: (owned) => scope.own(owned),
      });
      if (result.killed !== undefined) scope.reportKilled(result.killed);
      const item = itemOf(draft, result, ports);
      const told = ports.redact(result.output);
      // What was stopped is told at once: the next stage does not begin.
      if (ports.isStopping && !scope.revoked) record(ports, { ...item, partial: true }, told);
      return { item, told };
    },
    ({ item, told }, ports): UserShellData => {
      record(ports, item, told);
      return { exitCode: item.exitCode, output: item.output };
    },
  ),
});

function itemOf(draft: CommandItem, { item }: ToolResult, { redact }: SessionPorts): CommandItem {
  const ended = { ...draft, ...item } as CommandItem; // A shell gives fields of its own item only.
  return { ...ended, output: redact(ended.output) };
}

function record(ports: SessionPorts, item: CommandItem, told: string): void {
  ports.commit({ type: 'item.completed', item }, [entryOf(item.command, told)]);
}

/** A message in the user's name, in the tagged form (reference of behaviour, 2.6). */
function entryOf(words: string, told: string): HistoryEntry {
  const text = `<user_shell_command>\n<command>\n${words}\n</command>\n<result>\n${told}\n</result>\n</user_shell_command>`;
  return { type: 'message', role: 'user', content: [{ type: 'text', text }] };
}
