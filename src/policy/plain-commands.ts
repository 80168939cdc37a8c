import type { BashNode } from './bash-grammar.ts';
import { parsedCommands } from './parsed-commands.ts';
import { type PlainCommand, rawCommands } from './raw-commands.ts';

/**
 * The simple commands of a text that is nothing but plain words and what joins them, by two opinions that know nothing of
 * each other: the grammar of bash (`root` is what it makes of the text) and our own look at the characters. Null when
 * either finds anything else, or they do not agree on every word.
 */
export function plainCommands(text: string, root: BashNode): readonly PlainCommand[] | null {
  const raw = rawCommands(text);
  const parsed = raw === null ? null : parsedCommands(root);
  if (raw === null || parsed === null || raw.length !== parsed.length) return null;
  const agree = raw.every(({ words }, at) => sameWords(words, parsed[at]));
  return agree ? raw : null;
}

function sameWords(one: readonly string[], other: readonly string[] | undefined): boolean {
  return one.length === other?.length && one.every((word, at) => word === other[at]);
}
