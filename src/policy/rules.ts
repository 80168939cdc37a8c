import { BASH_BUILTINS } from './bash-builtins.ts';
import { baseName, isOption, type LooseWord } from './command-words.ts';
import { whyUnsafeRule } from './safe-rule.ts';

/** The words that a command begins with. The first names the program: alone, or with its whole path. */
export type CommandRule = readonly string[];
export type CommandRules = Readonly<{ allow: readonly CommandRule[]; deny: readonly CommandRule[] }>;

export const NO_RULES: CommandRules = { allow: [], deny: [] };

/** Where a program is that a bare name stands for; null when it is nowhere, or where not only the system writes. */
export type ResolveProgram = (name: string) => string | null;

/**
 * The rule that allows a simple command: its words are the first ones of the command. The command must give the program by
 * its bare name, and this must be found where the system's programs are; a look-alike elsewhere matches no rule.
 */
export function allowingRule(
  words: readonly string[],
  rules: CommandRules,
  resolveProgram: ResolveProgram,
): CommandRule | null {
  const [name = ''] = words;
  const program = isProgramName(name) ? resolveProgram(name) : null;
  if (program === null) return null;
  const matches = ([first, ...rest]: CommandRule) =>
    (first === name || first === program) && rest.every((word, at) => word === words[at + 1]);
  return rules.allow.find((rule) => matches(rule) && whyUnsafeRule(rule) === null) ?? null;
}

/**
 * The rule that denies a command: its words stand in the command in this order, with nothing but options and their values
 * between them. The program counts by its base name, however it is spelled.
 */
export function denyingRule([name, ...words]: readonly LooseWord[], rules: CommandRules): CommandRule | null {
  if (typeof name !== 'string') return null;
  const matches = ([first = '', ...rest]: CommandRule) => baseName(first) === baseName(name) && inOrder(words, rest);
  return rules.deny.find(matches) ?? null;
}

/** Whether a name stands for a program of the PATH: no path, no built-in of the shell. */
export function isProgramName(name: string): boolean {
  return name !== '' && !name.includes('/') && !BASH_BUILTINS.has(name);
}

/**
 * Why a rule is not kept that somebody gave in answer to a question, in words for people; null when it may be kept. It must
 * say at least as much as the rule that was shown, so that nobody allows more than he has seen.
 */
export function whyNotKept(rule: CommandRule, shown: CommandRule | undefined): string | null {
  if (shown === undefined) return 'Expected no rule for this command: none was shown with the question.';
  if (isWithin(rule, shown)) return whyUnsafeRule(rule);
  return `Expected a rule that begins with ${JSON.stringify(shown)}, as it was shown, got ${JSON.stringify(rule)}.`;
}

/** Whether a rule says at least what the other one says. */
function isWithin(rule: CommandRule, shown: CommandRule): boolean {
  return shown.length > 0 && shown.every((word, at) => word === rule[at]);
}

function inOrder(words: readonly LooseWord[], wanted: readonly string[]): boolean {
  let at = 0;
  for (const want of wanted) {
    while (words[at] !== want) {
      const word = words[at];
      if (word === undefined || word === null || (!isOption(word) && !mayBeValue(words[at - 1]))) return false;
      at += 1;
    }
    at += 1;
  }
  return true;
}

function mayBeValue(before: LooseWord | undefined): boolean {
  return typeof before === 'string' && isOption(before) && !before.includes('=');
}
