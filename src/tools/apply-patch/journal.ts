import type { PlannedFile } from './plan-changes.ts';

/** All that is needed to do a patch, and to undo it when whoever did it was cut. */
export type Journal = Readonly<{
  /** Nobody can guess it; it is part of the names of what is not complete yet. */
  id: string;
  /** What changes, in the order in which it is done. */
  files: readonly PlannedFile[];
  /** Directories that were not there before, outermost first. */
  directories: readonly string[];
  /** Where the patch may write. */
  roots: readonly string[];
}>;

/** A line of JSON, then the contents of the files, before and after each, one behind the other. */
export function encodeJournal({ files, ...rest }: Journal): Uint8Array {
  const head = {
    version: VERSION,
    ...rest,
    files: files.map(({ before, after, ...file }) => ({
      ...file,
      beforeBytes: before?.length ?? null,
      afterBytes: after?.length ?? null,
    })),
  };
  const contents = files.flatMap(({ before, after }) => [before, after]).filter((bytes) => bytes !== null);
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...contents]);
}

/** What was encoded; null for anything else, also when a byte is missing at the end. */
export function decodeJournal(bytes: Uint8Array): Journal | null {
  const lineEnd = bytes.indexOf(NEWLINE);
  if (lineEnd === -1) return null;
  const head = headIn(bytes.subarray(0, lineEnd));
  if (head === null) return null;
  let at = lineEnd + 1;
  const take = (length: number | null) => {
    if (length === null) return null;
    at += length;
    return bytes.subarray(at - length, at);
  };
  const files = head.files.map(({ beforeBytes, afterBytes, ...file }) => ({
    ...file,
    before: take(beforeBytes),
    after: take(afterBytes),
  }));
  const { id, directories, roots } = head;
  return at === bytes.length ? { id, files, directories, roots } : null;
}

const VERSION = 1;
const NEWLINE = 10;

type Head = Omit<Journal, 'files'> &
  Readonly<{
    files: readonly (Omit<PlannedFile, 'before' | 'after'> &
      Readonly<{ beforeBytes: number | null; afterBytes: number | null }>)[];
  }>;

function headIn(line: Uint8Array): Head | null {
  try {
    const head: unknown = JSON.parse(Buffer.from(line).toString());
    const isOurs =
      typeof head === 'object' &&
      head !== null &&
      'version' in head &&
      head.version === VERSION &&
      'files' in head &&
      Array.isArray(head.files);
    return isOurs ? (head as unknown as Head) : null; // Nobody but us writes journals, and this is one of this version.
  } catch {
    return null;
  }
}
