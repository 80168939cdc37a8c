import { type Surroundings, wordsAllowed } from './program-words.ts';
import { gitOnlyReads } from './read-only-git.ts';
import { READ_ONLY_PROGRAMS } from './read-only-programs.ts';
import { SPECIAL_PROGRAMS } from './read-only-special.ts';

/**
 * Whether the words of one simple command do nothing but read, so that it may run without asking: programs, flags and
 * operands that are listed, no path to the program, no file outside the workspace but those of the system, nothing that
 * is called as a secret is. It is a convenience and not a boundary: it says nothing about where links lead.
 *
 * Of git only commands that read are listed, and they count only where the command is confined: git itself runs code that
 * a repository names, in its configuration (`core.fsmonitor`, filters, textconv, external diffs, pagers).
 */
export function isReadOnly(words: readonly string[], around: Surroundings): boolean {
  const [name = '', ...rest] = words;
  if (name === 'git') return around.confined && gitOnlyReads(rest, around);
  const special = Object.hasOwn(SPECIAL_PROGRAMS, name) ? SPECIAL_PROGRAMS[name] : undefined;
  if (special !== undefined) return special(rest, around);
  const program = Object.hasOwn(READ_ONLY_PROGRAMS, name) ? READ_ONLY_PROGRAMS[name] : undefined;
  return program !== undefined && wordsAllowed(program, rest, around);
}
