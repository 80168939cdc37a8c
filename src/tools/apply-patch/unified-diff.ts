import type { StructuredPatchHunk } from 'diff';
// By its own file: the rest of the library is not needed, and a start would wait for it.
import { formatPatch, structuredPatch } from 'diff/lib/patch/create.js';
import type { FileChange } from '../../protocol/items.ts';
import type { PlannedChange } from './plan-changes.ts';
import { decodeText } from './text-file.ts';

/** How many lines around a change are shown. */
const CONTEXT_LINES = 3;
/** How many changed lines a careful diff may have; beyond that, what differs is shown as one block. */
const EDITS_MAX = 1_000;

/** The changes as people see them before they decide, each with its diff. */
export function changesWithDiff(changes: readonly PlannedChange[]): readonly FileChange[] {
  return changes.map((change) => ({ ...changeOf(change), diff: unifiedDiff(change) }));
}

/** A change without what is in it. */
export function changeOf({ path, kind, movedTo }: Pick<PlannedChange, 'path' | 'kind' | 'movedTo'>): FileChange {
  return { path, kind, ...(movedTo === null ? {} : { movedTo }) };
}

function unifiedDiff({ path, movedTo, before, after }: PlannedChange): string {
  const oldName = before === null ? '/dev/null' : `a/${path}`;
  const newName = after === null ? '/dev/null' : `b/${movedTo ?? path}`;
  const oldText = textOf(before);
  const newText = textOf(after);
  if (oldText === null || newText === null) return `Binary files ${oldName} and ${newName} differ\n`;
  const options = { context: CONTEXT_LINES, maxEditLength: EDITS_MAX };
  const careful = structuredPatch(oldName, newName, oldText, newText, undefined, undefined, options);
  const patch = careful ?? {
    oldFileName: oldName,
    newFileName: newName,
    oldHeader: undefined,
    newHeader: undefined,
    hunks: [blockHunk(oldText, newText)],
  };
  return formatPatch(patch, { includeIndex: false, includeUnderline: false, includeFileHeaders: true });
}

function textOf(bytes: Uint8Array | null): string | null {
  if (bytes === null) return '';
  return decodeText(bytes) === null ? null : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** One hunk for everything between the first and the last line that differ: cheap for any two texts. */
function blockHunk(oldText: string, newText: string): StructuredPatchHunk {
  const oldLines = linesOf(oldText);
  const newLines = linesOf(newText);
  const shorter = Math.min(oldLines.length, newLines.length);
  let same = 0;
  while (same < shorter && oldLines[same] === newLines[same]) same += 1;
  let sameAtEnd = 0;
  while (sameAtEnd < shorter - same && oldLines.at(-1 - sameAtEnd) === newLines.at(-1 - sameAtEnd)) sameAtEnd += 1;
  const start = Math.max(0, same - CONTEXT_LINES);
  const extra = Math.min(sameAtEnd, CONTEXT_LINES);
  const oldEnd = oldLines.length - sameAtEnd;
  const newEnd = newLines.length - sameAtEnd;
  return {
    oldStart: start + 1,
    oldLines: oldEnd + extra - start,
    newStart: start + 1,
    newLines: newEnd + extra - start,
    lines: [
      ...marked(' ', oldLines.slice(start, same)),
      ...marked('-', oldLines.slice(same, oldEnd)),
      ...marked('+', newLines.slice(same, newEnd)),
      ...marked(' ', oldLines.slice(oldEnd, oldEnd + extra)),
    ],
  };
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(/(?<=\n)/);
}

function marked(mark: string, lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) =>
    line.endsWith('\n') ? [mark + line.slice(0, -1)] : [mark + line, '\\ No newline at end of file'],
  );
}
