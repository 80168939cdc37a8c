/** A line of a file: its text, and how it ended there (the last line of a file may have no ending). */
export type TextLine = Readonly<{ text: string; ending: '\n' | '\r\n' | '' }>;

/** A text file taken apart so that unchanged lines can be put back byte for byte. `newline` is its most frequent ending. */
export type TextFile = Readonly<{ byteOrderMark: boolean; newline: '\n' | '\r\n'; lines: readonly TextLine[] }>;

const BYTE_ORDER_MARK = '\uFEFF';

/** The text in `bytes`; null when they are not UTF-8. */
export function decodeText(bytes: Uint8Array): TextFile | null {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
  const byteOrderMark = text.startsWith(BYTE_ORDER_MARK);
  const pieces = (byteOrderMark ? text.slice(1) : text).split('\n');
  const last = pieces.pop() ?? '';
  const lines = pieces.map(
    (piece): TextLine =>
      piece.endsWith('\r') ? { text: piece.slice(0, -1), ending: '\r\n' } : { text: piece, ending: '\n' },
  );
  const carriageReturns = lines.filter((line) => line.ending === '\r\n').length;
  const newline = carriageReturns > lines.length - carriageReturns ? '\r\n' : '\n';
  return { byteOrderMark, newline, lines: last === '' ? lines : [...lines, { text: last, ending: '' }] };
}

/** The bytes of a text file. */
export function encodeText({ byteOrderMark, lines }: Omit<TextFile, 'newline'>): Uint8Array {
  const text = lines.map((line) => line.text + line.ending).join('');
  return new TextEncoder().encode(byteOrderMark ? BYTE_ORDER_MARK + text : text);
}
