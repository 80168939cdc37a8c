import { dirname, join } from 'node:path';
import { errorCode } from '../../protocol/errors.ts';
import type { Files } from '../files.ts';
import { fileErrorText } from './file-error.ts';
import type { Journal } from './journal.ts';
import { pathText } from './paths.ts';
import type { PlannedFile } from './plan-changes.ts';

/** One thing done, or begun. */
export type Done = Readonly<{ type: 'file'; file: PlannedFile }> | Readonly<{ type: 'directory'; path: string }>;

/** Undoes the last first, as what it frees is what the one before needs. Gives what it could not undo, in words. */
export async function undo(files: Files, done: readonly Done[]): Promise<readonly string[]> {
  const left: string[] = [];
  for (const one of done.toReversed()) {
    try {
      if (one.type === 'directory') await takeAway(files, one.path);
      else await putBack(files, one.file);
    } catch (error) {
      left.push(`${pathText(one.type === 'file' ? one.file.given : one.path)} (${fileErrorText(error)})`);
    }
  }
  return left;
}

/** How an undoing ended, as the end of a message. */
export function endingOf(left: readonly string[]): string {
  return left.length === 0 ? 'Nothing was changed.' : `What could not be undone: ${left.join('; ')}.`;
}

/** What became of a patch that was cut: it was done already, or it is undone but for what is `left`, in words. */
export type CutPatch = Readonly<{ status: 'done' }> | Readonly<{ status: 'undone'; left: readonly string[] }>;

/** Undoes whatever was done of what a journal says, nobody knows how far. What somebody else has changed since stays. */
export async function undoCut(files: Files, journal: Journal): Promise<CutPatch> {
  if (await isDone(files, journal)) return { status: 'done' };
  return { status: 'undone', left: await undoAll(files, journal) };
}

/** Whether nothing at all of what a journal says has been done, or begun. */
export async function isUntouched(files: Files, journal: Journal): Promise<boolean> {
  try {
    for (const { path, before } of journal.files) {
      if (!sameBytes(await contentOf(files, path), before)) return false;
      if ((await files.kind(join(dirname(path), unfinishedName(journal.id)))) !== 'missing') return false;
    }
    for (const path of journal.directories) if ((await files.kind(path)) !== 'missing') return false;
    return true;
  } catch {
    return false; // What cannot be looked at may have been changed.
  }
}

/** Undoes a cut patch also where all of it was done. Gives what could not be undone, in words. */
export async function undoAll(files: Files, journal: Journal): Promise<readonly string[]> {
  const left = await removeUnfinished(files, journal);
  left.push(
    ...(await undo(
      files,
      journal.files.map((file) => ({ type: 'file', file })),
    )),
  );
  for (const path of journal.directories.toReversed()) {
    try {
      await files.removeDirectory(path);
    } catch (error) {
      // Not made yet, gone, or somebody has put something in it.
      if (!['ENOENT', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) left.push(`${path} (${fileErrorText(error)})`);
    }
  }
  return left;
}

/** The name of a new content that is not complete yet; it is in the directory of the file that it will be. */
export function unfinishedName(id: string): string {
  return `.troupe-${id}.tmp`;
}

async function isDone(files: Files, journal: Journal): Promise<boolean> {
  try {
    for (const { path, after } of journal.files) if (!sameBytes(await contentOf(files, path), after)) return false;
    return true;
  } catch {
    return false; // Then it is no file that a patch would have left.
  }
}

async function removeUnfinished(files: Files, { id, files: planned }: Journal): Promise<string[]> {
  const left: string[] = [];
  for (const directory of new Set(planned.map(({ path }) => dirname(path)))) {
    const path = join(directory, unfinishedName(id));
    try {
      if ((await files.kind(path)) === 'file') await files.remove(path);
    } catch (error) {
      left.push(`${pathText(path)} (${fileErrorText(error)})`);
    }
  }
  return left;
}

/** It may not be there at all: an error stood in the way of making it. */
async function takeAway(files: Files, path: string): Promise<void> {
  if ((await files.kind(path)) !== 'missing') await files.removeDirectory(path);
}

async function putBack(files: Files, { path, before, after, modeBefore }: PlannedFile): Promise<void> {
  const now = await contentOf(files, path);
  if (sameBytes(now, before)) return;
  if (!sameBytes(now, after)) throw Object.assign(new Error('somebody else has changed it since'), { code: 'EBUSY' });
  if (before === null) await files.remove(path);
  else await files.write(path, before, modeBefore ?? undefined);
}

/** The bytes of a file; null when there is nothing; an error of its own when there is something else. */
export async function contentOf(files: Files, path: string): Promise<Uint8Array | null> {
  const kind = await files.kind(path);
  if (kind === 'missing') return null;
  if (kind === 'file') return files.read(path);
  throw Object.assign(new Error(`it is no file any more, but a ${kind}`), { code: 'EINVAL' });
}

export function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0);
}
