import { type FindLines, lineFinder } from './find-lines.ts';
import type { Chunk, ChunkLine } from './parse.ts';
import type { TextFile, TextLine } from './text-file.ts';

/** How many lines of a chunk that fits nowhere are told back. */
const LINES_SHOWN_MAX = 12;

export type Matched = Readonly<{ ok: true; file: TextFile }> | Readonly<{ ok: false; message: string }>;

/**
 * The file with the chunks applied. Each is looked for behind the one before; the first place that fits is taken. Lines
 * that a chunk keeps stay as they are in the file; lines that it adds, and a last line that has no ending, get the file's
 * most frequent one.
 */
export function applyChunks(file: TextFile, chunks: readonly Chunk[]): Matched {
  const find = lineFinder(file.lines.map((line) => line.text));
  const edits: Edit[] = [];
  let from = 0;
  for (const [index, chunk] of chunks.entries()) {
    const place = placeOf(chunk, find, from, file.lines.length);
    if ('lacking' in place) {
      return { ok: false, message: mismatch(index, chunk, place, find) };
    }
    edits.push(place);
    // What is appended to the file does not keep later chunks from matching before it.
    const appends = place.at === file.lines.length;
    if (!appends) from = place.at + oldLines(place.lines).length;
  }
  return { ok: true, file: { ...file, lines: edited(file, edits) } };
}

type Edit = Readonly<{ at: number; lines: readonly ChunkLine[] }>;
type Lack = Readonly<{ lacking: readonly string[]; from: number; isContext: boolean }>;

function placeOf(chunk: Chunk, find: FindLines, start: number, fileLength: number): Edit | Lack {
  let from = start;
  for (const context of chunk.contexts) {
    const found = find([context], from, false);
    if (found === null) return { lacking: [context], from, isContext: true };
    from = found + 1;
  }
  const old = oldLines(chunk.lines);
  if (old.length === 0) {
    const isHere = chunk.contexts.length > 0 && !chunk.endOfFile;
    return { at: isHere ? from : fileLength, lines: chunk.lines };
  }
  const found = find(old, from, chunk.endOfFile);
  if (found !== null) return { at: found, lines: chunk.lines };
  // A last old line that is empty may mean the newline at the end of the file.
  if (old.at(-1) === '') {
    const shorter = old.slice(0, -1);
    const at = fileLength - shorter.length;
    if (at >= from && find(shorter, at, false) === at) return { at, lines: withoutLastOld(chunk.lines) };
  }
  return { lacking: old, from, isContext: false };
}

function oldLines(lines: readonly ChunkLine[]): readonly string[] {
  return lines.flatMap((line) => (line.kind === 'add' ? [] : [line.text]));
}

function withoutLastOld(lines: readonly ChunkLine[]): readonly ChunkLine[] {
  const last = lines.findLastIndex((line) => line.kind !== 'add');
  return lines.flatMap((line, index): readonly ChunkLine[] => {
    if (index !== last) return [line];
    return line.kind === 'context' && last < lines.length - 1 ? [{ kind: 'add', text: '' }] : [];
  });
}

function edited(file: TextFile, edits: readonly Edit[]): readonly TextLine[] {
  const lines: TextLine[] = [];
  let at = 0;
  const keepUntil = (end: number) => {
    for (const line of file.lines.slice(at, end))
      lines.push(line.ending === '' ? { ...line, ending: file.newline } : line);
    at = Math.max(at, end);
  };
  for (const edit of edits.toSorted((a, b) => a.at - b.at)) {
    keepUntil(edit.at);
    for (const line of edit.lines) {
      if (line.kind === 'context') keepUntil(at + 1);
      else if (line.kind === 'remove') at += 1;
      else lines.push({ text: line.text, ending: file.newline });
    }
  }
  keepUntil(file.lines.length);
  return lines;
}

function mismatch(index: number, chunk: Chunk, lack: Lack, find: FindLines): string {
  const what = lack.isContext ? 'the line that `@@` names' : 'these lines';
  const where = lack.from === 0 ? 'in the file' : `behind line ${lack.from} of the file`;
  const shown = lack.lacking.slice(0, LINES_SHOWN_MAX).map((line) => `    ${line}`);
  if (lack.lacking.length > shown.length) shown.push(`    … (${lack.lacking.length - shown.length} more lines)`);
  const earlier = lack.from === 0 ? null : find(lack.lacking, 0, false);
  const hint =
    earlier === null
      ? 'Read the file again and send what it says now.'
      : `They are at line ${earlier + 1}: chunks must come in the order of the file and may not overlap.`;
  return `chunk ${index + 1} (line ${chunk.line} of the patch): expected to find ${what} ${where}, got no such place:\n${shown.join('\n')}\n${hint}`;
}
