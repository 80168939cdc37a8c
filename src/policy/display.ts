/**
 * Makes foreign text safe to show to a person: whatever a terminal would act on, or an eye would not see, becomes
 * visible as `\x1b` or `\u{202e}`. Only line feeds and tabs are kept. What is shown can be read back: a backslash that
 * would itself look like such an escape is shown as `\x5c`.
 */
export function display(text: string): string {
  return text.replace(UNSEEN, visible);
}

/** A command's arguments on one line, each quoted as a shell needs it, with line feeds and tabs made visible too. */
export function displayArgv(argv: readonly string[]): string {
  return argv.map((word) => display(quote(word)).replace(/[\n\t]/g, visible)).join(' ');
}

/**
 * Controls (C0, DEL, C1), format characters (bidirectional controls, zero-width, tags), private, unassigned and
 * surrogate code points, line and paragraph separators, what fonts draw as nothing (variation selectors, fillers: the
 * Unicode property Default_Ignorable_Code_Point), the blank Braille pattern, the fifth and later of the marks that one letter
 * carries (they would cover the lines around it), and a backslash before what looks like one of our escapes.
 */
const UNSEEN = /[^\P{C}\n\t]|[\p{Zl}\p{Zp}\p{DI}\u2800]|(?<=\p{M}{4})\p{M}|\\(?=x[0-9a-f]{2}|u\{[0-9a-f]+\})/gu;

/** An `=` is plain in a flag only: `A=1` in front of a command would be no argument. */
const PLAIN_WORD = /^(?:[A-Za-z0-9_@%+:,./][A-Za-z0-9_@%+:,./-]*|-[A-Za-z0-9_@%+=:,./-]*)$/;

function visible(character: string): string {
  const code = character.codePointAt(0) as number; // What is matched is one character.
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

function quote(word: string): string {
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
