import { loadBashGrammar } from '../../src/here/bash-grammar.ts';
import type { CommandFacts } from '../../src/policy/judge-command.ts';
import { NO_RULES } from '../../src/policy/rules.ts';

export const grammar = await loadBashGrammar();

/** Work in `/work` on a machine that has every program, with no sandbox and no rules. */
export const FACTS: CommandFacts = {
  grammar,
  resolveProgram: (name) => `/usr/bin/${name}`,
  rules: NO_RULES,
  workspace: '/work',
  cwd: '/work',
  confined: false,
};
