/** How wide characters are at 12 px, by kinds of them: as wide as in the widest of the usual fonts, so that text fits in each. */
const NARROW = /[iljtfrI.,:;'|![\]() ]/;
const WIDE = /[mwMW@%]/;
const CAPITAL = /[A-Z0-9]/;

/** The width of a text, in px; of a title, which is larger and bold. */
export function measured(text: string, isTitle: boolean): number {
  let width = 0;
  for (const character of text) {
    if (NARROW.test(character)) width += 4.6;
    else if (WIDE.test(character)) width += 11;
    else if (CAPITAL.test(character)) width += 8.4;
    else width += (character.codePointAt(0) ?? 0) > 0x2000 ? 13 : 7.2;
  }
  return Math.ceil(isTitle ? width * 1.2 : width);
}

/** A text in lines of at most so many characters, broken between words where it can be. */
export function wrapped(text: string, most: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((one) => one !== '')) {
    for (const piece of piecesOf(word, most)) {
      if (line !== '' && line.length + 1 + piece.length > most) {
        lines.push(line);
        line = piece;
      } else line = line === '' ? piece : `${line} ${piece}`;
    }
  }
  return line === '' ? lines : [...lines, line];
}

function piecesOf(word: string, most: number): readonly string[] {
  const characters = [...word];
  const pieces: string[] = [];
  for (let at = 0; at < characters.length; at += most) pieces.push(characters.slice(at, at + most).join(''));
  return pieces;
}
