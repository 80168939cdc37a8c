import { closeSync, openSync, readSync } from 'node:fs';

/** What is read of a file of /proc at a time, in bytes; nearly all of them are far smaller. */
const PIECE_BYTES = 16_384;

/** Used again and again: thousands of these files are read, and Node would take 64 KiB anew for each. */
const piece = Buffer.alloc(PIECE_BYTES);

/** The text of a file of /proc, byte for byte; null where it cannot be read, as when its process has gone. */
export function procText(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return null;
  }
  try {
    let text = '';
    for (;;) {
      const length = readSync(file, piece, 0, PIECE_BYTES, null);
      if (length === 0) return text;
      text += piece.toString('latin1', 0, length);
    }
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}
