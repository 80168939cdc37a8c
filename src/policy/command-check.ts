import type { TaskContext } from '../protocol/settings.ts';
import type { Check } from '../tools/tool.ts';
import type { BashGrammar } from './bash-grammar.ts';
import { display } from './display.ts';
import { type CommandFacts, type Judgement, judgeCommand, userDenial } from './judge-command.ts';
import type { CommandRules, ResolveProgram } from './rules.ts';
import { shellArgv } from './shell-argv.ts';

/** What confines a command. Where nothing does, `why` and `mend` say in a few words why not, and what would help. */
export type SandboxFacts = Readonly<{ available: boolean; why: string | null; mend: string | null }>;

/** A command that the model wants to run. `cwd` is absolute; `context` is that of the task. */
export type CommandToCheck = Readonly<{
  command: string;
  cwd: string;
  /** The model asks to run it outside the sandbox. */
  escalated: boolean;
  /** Why the model wants it, in its own words. */
  justification: string | null;
  context: TaskContext;
  sandbox: SandboxFacts;
  grammar: BashGrammar;
  resolveProgram: ResolveProgram;
  rules: CommandRules;
}>;

/** What a person is told when the model asks for a command not to be confined. */
export const ESCALATED_REASON = 'This command asks to run outside the sandbox, with your full rights.';

/** What a person is told when nothing confines the command. */
export function noSandboxReason({ why, mend }: SandboxFacts): string {
  if (why === null) return 'No sandbox: this command will run with your full rights.';
  const cause = why.replace(/\.$/, '') + (mend === null ? '' : ` (${mend})`);
  return `No sandbox: ${cause}. This command will run with your full rights.`;
}

/**
 * Whether a command may run, must be asked about, or is refused. The messages of a refusal are for the model.
 *
 * With `danger-full-access` all runs but what a rule of the user denies: the caller has said what it wants. Otherwise what
 * only reads, and what a rule allows, runs unasked; under `on-request` so does what a sandbox confines and what destroys
 * nothing; everything else asks, and under `never` is refused.
 */
export function checkCommand(asked: CommandToCheck): Check {
  const { command, escalated, context } = asked;
  const unusable = whyUnusable(command);
  if (unusable !== null) return { verdict: 'refuse', message: unusable };
  const facts = factsOf(asked);
  if (context.sandbox === 'danger-full-access') return underFullAccess(asked, userDenial(command, facts));
  const judgement = judgeCommand(command, facts);
  if (judgement.verdict === 'deny')
    return { verdict: 'refuse', message: `The command was not run: ${judgement.message}` };
  if (!escalated) {
    if (judgement.verdict === 'allow') return { verdict: 'allow' };
    const mayBeUnasked = context.approvalPolicy !== 'untrusted' && asked.sandbox.available;
    if (mayBeUnasked && judgement.always === null) return { verdict: 'allow' };
  }
  if (context.approvalPolicy === 'never') return { verdict: 'refuse', message: refusalUnderNever(asked, judgement) };
  if (escalated && context.approvalPolicy !== 'on-request') {
    return {
      verdict: 'refuse',
      message:
        'Expected a command without `with_escalated_permissions`: the approval policy is ' +
        `'${context.approvalPolicy}', and only 'on-request' lets a command ask for more rights. Call it without.`,
    };
  }
  return question(asked, judgement);
}

/** What a command is judged by, for whoever runs it after it was checked. */
export function factsOf(asked: Omit<CommandToCheck, 'justification'>): CommandFacts {
  const { cwd, context, grammar, resolveProgram, rules, sandbox, escalated } = asked;
  const confined = sandbox.available && !escalated && context.sandbox !== 'danger-full-access';
  return { cwd, workspace: context.cwd, confined, grammar, resolveProgram, rules };
}

/** Where rules of the user deny commands that cannot be read, nobody knows whether they deny this one. */
function underFullAccess(asked: CommandToCheck, denial: Judgement): Check {
  switch (denial.verdict) {
    case 'allow':
      return { verdict: 'allow' };
    case 'deny':
      return { verdict: 'refuse', message: `The command was not run: ${denial.message}` };
    case 'ask': {
      if (asked.context.approvalPolicy !== 'never') return question(asked, denial);
      return { verdict: 'refuse', message: refusalUnderNever(asked, denial) };
    }
  }
}

function question(asked: CommandToCheck, judgement: Judgement): Check {
  const { command, cwd, escalated, context, sandbox } = asked;
  const argv = shellArgv(command);
  const reason = reasonFor(asked, judgement);
  // A rule speaks of commands that are confined as usual, not of more rights.
  const rule = judgement.verdict === 'ask' && !escalated ? judgement.suggestedRule : null;
  return {
    verdict: 'ask',
    subject: {
      kind: 'command',
      argv,
      shown: display(command),
      cwd,
      sandbox: sandbox.available ? context.sandbox : 'none',
      escalated,
      ...(rule === null ? {} : { suggestedRule: rule }),
    },
    ...(reason === null ? {} : { reason }),
    // An approval for the session of a confined command does not cover the same one unconfined.
    key: JSON.stringify([argv, cwd, ...(escalated ? ['escalated'] : []), ...(sandbox.available ? [] : ['unconfined'])]),
  };
}

/** What the model says stands on a line of its own below what is so, and cannot take its place. */
function reasonFor(
  { sandbox, context, escalated, justification }: CommandToCheck,
  judgement: Judgement,
): string | null {
  const words = display(justification ?? '')
    .replace(/[\n\t ]+/g, ' ')
    .trim();
  const lines = [
    ...(sandbox.available || context.sandbox === 'danger-full-access' ? [] : [noSandboxReason(sandbox)]),
    ...(sandbox.available && escalated ? [ESCALATED_REASON] : []),
    ...(judgement.verdict === 'ask' && judgement.always !== null ? [judgement.always] : []),
    ...(words === '' ? [] : [`Reason given: ${words}`]),
  ];
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

function refusalUnderNever({ escalated, sandbox }: CommandToCheck, judgement: Judgement): string {
  const always = judgement.verdict === 'ask' ? judgement.always : null;
  const why = !sandbox.available
    ? `it is not plainly read-only. ${noSandboxReason(sandbox).replace('will run', 'would run')}`
    : escalated
      ? 'it asks to run outside the sandbox.'
      : 'a person would have to be asked.';
  return (
    `The command was not run: ${why}${always === null ? '' : ` ${always}`} The approval policy 'never' lets nobody be asked. ` +
    "Plain reads such as `ls`, `cat` or `grep` run without asking. Whoever starts the session can allow all commands with sandbox: 'danger-full-access', given explicitly."
  );
}
