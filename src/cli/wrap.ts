import { eastAsianWidth } from 'get-east-asian-width';

/** Where the next tab stop is, in cells. */
const TAB_CELLS = 8;

/**
 * How many cells a character may take: the most that any terminal gives it (one to a mark that it does not know), because a line that is wider than we think goes
 * on at the very left of the screen, where only our own words stand.
 */
export function cellsOf(character: string): number {
  if (/\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(character)) return 2;
  return eastAsianWidth(character.codePointAt(0) ?? 0, { ambiguousAsWide: true });
}

/** The cells from `column` to the next tab stop, as blanks. */
export function tabAt(column: number): string {
  return ' '.repeat(TAB_CELLS - (column % TAB_CELLS));
}

/** Cuts a line of safe text, painted or not, into lines of at most so many cells. Tabs become blanks. */
export function wrapped(line: string, cells: number): readonly string[] {
  const lines: string[] = [];
  const styles: string[] = [];
  let text = '';
  let column = 0;
  const put = (characters: string, width: number) => {
    if (column + width > cells && column > 0) {
      lines.push(styles.length === 0 ? text : `${text}${UNSTYLED}`);
      text = styles.join('');
      column = 0;
    }
    text += characters;
    column += width;
  };
  for (const [piece, style] of line.matchAll(PIECE)) {
    if (style !== undefined) {
      text += piece;
      if (CLOSING.has(style)) styles.length = 0;
      else styles.push(piece);
    } else if (piece === '\t') for (const blank of tabAt(column)) put(blank, 1);
    else put(piece, cellsOf(piece));
  }
  return [...lines, text];
}

/** Our own colours and weights, the only escapes in safe text; or a character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: It is what a terminal takes for the beginning of a style.
const PIECE = /\u001b\[(\d+)m|[\s\S]/gu;
/** No emphasis of ours is within another one, so what ends one ends all. */
const CLOSING = new Set(['0', '22', '39']);
const UNSTYLED = '\u001b[0m';
