/**
 * The words of a command for bash that is nothing but words: unquoted text of a few harmless ASCII characters, single
 * quotes, and double quotes in which nothing is expanded. Null for anything else: operators, expansions, globs,
 * assignments, comments, control characters. In doubt it is null.
 */
export function plainWords(command: string): readonly string[] | null {
  if (UNSAFE_ANYWHERE.test(command)) return null;
  const words: string[] = [];
  let word: string | null = null;
  let rest = command;
  while (rest !== '') {
    const piece = PIECE.exec(rest);
    if (piece === null) return null;
    const [whole, blanks, bare, single, double] = piece;
    if (blanks === undefined) word = (word ?? '') + (bare ?? single ?? double ?? '');
    else if (word !== null) {
      words.push(word);
      word = null;
    }
    rest = rest.slice(whole.length);
  }
  if (word !== null) words.push(word);
  return words[0]?.includes('=') ? null : words;
}

/** Control, format, private, unassigned and surrogate characters, and separators but the plain blank. */
const UNSAFE_ANYWHERE = /\p{C}|\p{Zl}|\p{Zp}/u;

/** Blanks, a run of bare characters, a single-quoted text, or a double-quoted text without `$`, backquote, `\` and `!`. */
const PIECE = /^(?:( +)|([A-Za-z0-9_./:,@%+=-]+)|'([^']*)'|"([^"$`\\!]*)")/;
