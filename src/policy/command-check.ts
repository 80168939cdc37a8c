import type { TaskContext } from '../protocol/settings.ts';
import type { Check } from '../tools/tool.ts';
import { directoryContains } from './directory-contains.ts';
import { display } from './display.ts';
import { isPlainlyReadOnly } from './read-only-command.ts';
import { shellArgv } from './shell-argv.ts';

/** A command that the model wants to run. `cwd` is absolute; `context` is that of the task. */
export type CommandToCheck = Readonly<{
  command: string;
  cwd: string;
  /** The model asks to run it outside the sandbox. */
  escalated: boolean;
  /** Why the model wants it, in its own words. */
  justification: string | null;
  context: TaskContext;
  sandboxAvailable: boolean;
}>;

/** What a person is told when nothing confines the command. */
export const NO_SANDBOX_REASON = 'No sandbox: this command will run with your full rights.';
/** What a person is told when the model asks for a command not to be confined. */
export const ESCALATED_REASON = 'This command asks to run outside the sandbox, with your full rights.';

/** Whether a command may run, must be asked about, or is refused. The messages of a refusal are for the model. */
export function checkCommand(asked: CommandToCheck): Check {
  const { command, cwd, escalated, context, sandboxAvailable } = asked;
  const unusable = whyUnusable(command);
  if (unusable !== null) return { verdict: 'refuse', message: unusable };
  if (context.sandbox === 'danger-full-access') return { verdict: 'allow' };
  if (!escalated && isPlainlyReadOnly(command) && isInWorkspace(cwd, context)) return { verdict: 'allow' };
  if (context.approvalPolicy === 'never') return { verdict: 'refuse', message: refusalUnderNever(asked) };
  if (escalated && context.approvalPolicy !== 'on-request') {
    return {
      verdict: 'refuse',
      message:
        'Expected a command without `with_escalated_permissions`: the approval policy is ' +
        `'${context.approvalPolicy}', and only 'on-request' lets a command ask for more rights. Call it without.`,
    };
  }
  const argv = shellArgv(command);
  const reason = reasonFor(asked);
  return {
    verdict: 'ask',
    subject: {
      kind: 'command',
      argv,
      shown: display(command),
      cwd,
      sandbox: sandboxAvailable ? context.sandbox : 'none',
      escalated,
    },
    ...(reason === null ? {} : { reason }),
    // An approval for the session of a confined command does not cover the same one unconfined.
    key: JSON.stringify([argv, cwd, ...(escalated ? ['escalated'] : []), ...(sandboxAvailable ? [] : ['unconfined'])]),
  };
}

/** What the model says stands on a line of its own below what is so, and cannot take its place. */
function reasonFor({ sandboxAvailable, escalated, justification }: CommandToCheck): string | null {
  const facts = sandboxAvailable ? (escalated ? [ESCALATED_REASON] : []) : [NO_SANDBOX_REASON];
  const words = display(justification ?? '')
    .replace(/[\n\t ]+/g, ' ')
    .trim();
  const lines = words === '' ? facts : [...facts, `Reason given: ${words}`];
  return lines.length === 0 ? null : lines.join('\n');
}

function whyUnusable(command: string): string | null {
  if (command.includes('\0')) return 'Expected a command without NUL characters. Remove them.';
  const lines = command.split('\n').map((line) => line.trim());
  if (lines.every((line) => line === '')) return 'Expected a command to run, got an empty one.';
  if (lines.every((line) => line === '' || line.startsWith('#'))) {
    return 'Expected a command to run, got only a comment.';
  }
  return null;
}

/** A read in a directory that the model chose elsewhere is no read of the workspace; from `/` all can be reached. */
function isInWorkspace(cwd: string, context: TaskContext): boolean {
  return cwd !== '/' && directoryContains(context.cwd, cwd);
}

function refusalUnderNever({ escalated, sandboxAvailable }: CommandToCheck): string {
  const why = sandboxAvailable
    ? escalated
      ? 'it asks to run outside the sandbox'
      : 'it is not plainly read-only'
    : 'there is no sandbox here and it is not plainly read-only';
  return (
    `The command was not run: ${why}, and the approval policy 'never' lets nobody be asked. ` +
    "Plain reads such as `ls`, `cat` or `grep` run without asking. Whoever starts the session can allow all commands with sandbox: 'danger-full-access', given explicitly."
  );
}
