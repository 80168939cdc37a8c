import type { BashGrammar } from './bash-grammar.ts';
import { builtinDenial } from './denied-programs.ts';
import { destructionBy } from './destructive-commands.ts';
import { directoryContains } from './directory-contains.ts';
import { plainCommands } from './plain-commands.ts';
import type { PlainCommand } from './raw-commands.ts';
import { type Parse, type Reached, reachedByWords, reachedInTree } from './reached-commands.ts';
import { isReadOnly } from './read-only-command.ts';
import { allowingRule, type CommandRules, denyingRule, isProgramName, type ResolveProgram } from './rules.ts';
import { ruleFor } from './safe-rule.ts';

/** What a command is judged by. */
export type CommandFacts = Readonly<{
  grammar: BashGrammar;
  resolveProgram: ResolveProgram;
  rules: CommandRules;
  /** The directory of the work, and the one in which the command would run: absolute. */
  workspace: string;
  cwd: string;
  /** Whether a sandbox keeps the command from writing elsewhere, and from the network. */
  confined: boolean;
}>;

/** What is to become of a command, or of a part of it; the most restrictive part counts for all. */
export type Judgement =
  | Readonly<{ verdict: 'allow' }>
  | Readonly<{
      verdict: 'ask';
      /** Why a person is to be asked even when a sandbox confines it, in a sentence for people; null: no reason to. */
      always: string | null;
      /** A rule that would allow the same next time; null where there is no safe one. */
      suggestedRule: readonly string[] | null;
    }>
  | Readonly<{ verdict: 'deny'; message: string }>;

/**
 * Judges a command for `bash -c`. Allowed is only what is nothing but plain words, joined by `&&`, `||`, `|`, `;` and line
 * feeds, each part of which only reads or has a rule. What cannot be read asks. Denials and destruction are looked for
 * wherever the words show them, also within substitutions and programs that run others.
 */
export function judgeCommand(command: string, facts: CommandFacts): Judgement {
  const { grammar } = facts;
  if (grammar.status === 'missing') return ask(`Commands cannot be judged here. ${grammar.why}`);
  const root = grammar.parse(command);
  if (root === null) return ask(UNREADABLE);
  const plain = plainCommands(command, root);
  if (plain === null) return judgeReached(reachedInTree(root, grammar.parse), facts);
  return strictest(plain.map(({ words }) => judgePart(words, facts, grammar.parse)));
}

/** The same by nothing but what the user has denied: for a caller that has asked for no other limits. */
export function userDenial(command: string, { grammar, rules }: CommandFacts): Judgement {
  if (rules.deny.length === 0) return { verdict: 'allow' };
  if (grammar.status === 'missing') return ask(`Commands cannot be judged here. ${grammar.why}`);
  const root = grammar.parse(command);
  if (root === null) return ask(UNREADABLE);
  const message = deniedByRule(reachedInTree(root, grammar.parse), rules);
  return message === null ? { verdict: 'allow' } : { verdict: 'deny', message };
}

export const UNREADABLE = 'This command could not be read: it is no complete bash, or too long to be judged.';

function ask(always: string | null, suggestedRule: readonly string[] | null = null): Judgement {
  return { verdict: 'ask', always, suggestedRule };
}

function judgePart(words: PlainCommand['words'], facts: CommandFacts, parse: Parse): Judgement {
  const reached = judgeReached(reachedByWords(words, parse), facts);
  if (reached.verdict !== 'ask') return reached;
  const rule = allowingRule(words, facts.rules, facts.resolveProgram);
  if (reached.always !== null) {
    // A rule allows destruction only where its own words say so: `git push` is not meant for `git push --force`.
    const covered = rule !== null && destructionBy({ words: rule, repeated: false }) !== null;
    return covered ? { verdict: 'allow' } : reached;
  }
  if (rule !== null || onlyReads(words, facts)) return { verdict: 'allow' };
  const [name] = words;
  const isRunnable = name !== undefined && isProgramName(name) && facts.resolveProgram(name) !== null;
  return ask(null, isRunnable ? ruleFor(words) : null);
}

/** A read in a directory that the model chose elsewhere is no read of the workspace; from `/` all can be reached. */
function onlyReads(words: readonly string[], { workspace, cwd, confined, resolveProgram }: CommandFacts): boolean {
  if (cwd === '/' || !directoryContains(workspace, cwd) || !isReadOnly(words, { workspace, confined })) return false;
  const [name = ''] = words;
  return !isProgramName(name) || resolveProgram(name) !== null;
}

function judgeReached({ commands, unseen }: Reached, { rules }: CommandFacts): Judgement {
  const denial =
    deniedByRule({ commands, unseen }, rules) ??
    commands.map(({ words }) => builtinDenial(words)).find((message) => message !== null) ??
    null;
  if (denial !== null) return { verdict: 'deny', message: denial };
  const destruction = commands.map(destructionBy).find((what) => what !== null);
  return ask(destruction ?? unseen);
}

function deniedByRule({ commands }: Reached, rules: CommandRules): string | null {
  const rule = commands.map(({ words }) => denyingRule(words, rules)).find((found) => found !== null) ?? null;
  return rule === null
    ? null
    : `A rule of the user denies \`${rule.join(' ')}\`. Do it in another way, or ask the user.`;
}

function strictest(parts: readonly Judgement[]): Judgement {
  const denied = parts.find(({ verdict }) => verdict === 'deny');
  if (denied !== undefined) return denied;
  const asking = parts.filter((part) => part.verdict === 'ask');
  const [first] = asking;
  if (first === undefined) return parts.length === 0 ? ask(UNREADABLE) : { verdict: 'allow' };
  const always = asking.find(({ always }) => always !== null)?.always ?? null;
  return ask(always, asking.length === 1 && always === null ? first.suggestedRule : null);
}
