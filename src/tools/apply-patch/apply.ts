import { dirname } from 'node:path';
import type { Files } from '../files.ts';
import { fileErrorText } from './file-error.ts';
import { pathText } from './paths.ts';
import type { Plan, PlannedFile } from './plan-changes.ts';

/** How applying ended. Unless it is `applied`, nothing is changed, or `message` says what could not be undone. */
export type Applied = Readonly<{ status: 'applied' }> | Readonly<{ status: 'failed' | 'aborted'; message: string }>;

/**
 * Writes what was planned, all or nothing: a file that is not as it was planned from, an error of any kind, or an abort on
 * the way undoes what was done before. New contents come first, removals last, so that no content is ever nowhere.
 */
export async function applyPlan(files: Files, plan: Plan, signal: AbortSignal): Promise<Applied> {
  const changing = plan.files.filter((file) => !sameBytes(file.before, file.after));
  const inOrder = [
    ...changing.filter((file) => file.after !== null),
    ...changing.filter((file) => file.after === null),
  ];
  const journal: Done[] = [];
  const stopped =
    (await each(inOrder, signal, (file) => changeOnDisk(files, file))) ??
    (await each(inOrder, signal, (file) => carryOut(files, file, journal)));
  if (stopped === null) return { status: 'applied' };
  const left = await undo(files, journal);
  const ending = left.length === 0 ? 'Nothing was changed.' : `What could not be undone: ${left.join('; ')}.`;
  return { status: stopped.status, message: `${stopped.message} ${ending}` };
}

/** One thing done, or begun. */
type Done = Readonly<{ type: 'file'; file: PlannedFile }> | Readonly<{ type: 'directory'; path: string }>;
type Stopped = Readonly<{ status: 'failed' | 'aborted'; message: string }>;

async function each(
  files: readonly PlannedFile[],
  signal: AbortSignal,
  act: (file: PlannedFile) => Promise<string | null>,
): Promise<Stopped | null> {
  for (const file of files) {
    if (signal.aborted) return { status: 'aborted', message: 'The patch was aborted.' };
    const message = await act(file);
    if (message !== null) return { status: 'failed', message };
  }
  return null;
}

/** What has become of a file since the patch was planned, in words; null when it is as it was. */
async function changeOnDisk(files: Files, file: PlannedFile): Promise<string | null> {
  const name = pathText(file.given);
  try {
    if (sameBytes(await contentOf(files, file.path), file.before)) return null;
    return `${name} has changed on the disk since the patch was read. Read it again and send a new patch.`;
  } catch (error) {
    return `${name} could not be read again: ${fileErrorText(error)}.`;
  }
}

/** Does what is planned for one file, if that file is still as it was, and notes it. Gives what went wrong, in words. */
async function carryOut(files: Files, file: PlannedFile, journal: Done[]): Promise<string | null> {
  const changed = await changeOnDisk(files, file);
  if (changed !== null) return changed;
  const name = pathText(file.given);
  try {
    const above = await existingAbove(files, file.path);
    if ((await files.realPath(above)) !== above) {
      return `${name}: a directory on the way to it has become a link. Look at ${pathText(above)} before going on.`;
    }
    for (const directory of between(above, file.path)) {
      await files.makeDirectory(directory);
      journal.push({ type: 'directory', path: directory });
    }
    // Noted before it is done: an error may come after the deed.
    journal.push({ type: 'file', file });
    if (file.after === null) await files.remove(file.path);
    else await files.write(file.path, file.after, file.modeAfter ?? undefined);
    return null;
  } catch (error) {
    return `${name} could not be ${file.after === null ? 'removed' : 'written'}: ${fileErrorText(error)}.`;
  }
}

/** The bytes of a file; null when there is nothing; an error of its own when there is something else. */
async function contentOf(files: Files, path: string): Promise<Uint8Array | null> {
  const kind = await files.kind(path);
  if (kind === 'missing') return null;
  if (kind === 'file') return files.read(path);
  throw Object.assign(new Error(`it is no file any more, but a ${kind}`), { code: 'EINVAL' });
}

async function existingAbove(files: Files, path: string): Promise<string> {
  let above = dirname(path);
  while ((await files.kind(above)) === 'missing' && dirname(above) !== above) above = dirname(above);
  return above;
}

/** The directories that lie between a directory and a file somewhere below it, outermost first. */
function between(directory: string, path: string): readonly string[] {
  const found: string[] = [];
  for (let above = dirname(path); above !== directory; above = dirname(above)) found.unshift(above);
  return found;
}

/** Undoes the last first, as what it frees is what the one before needs. Gives what it could not undo, in words. */
async function undo(files: Files, journal: readonly Done[]): Promise<readonly string[]> {
  const left: string[] = [];
  for (const done of journal.toReversed()) {
    try {
      if (done.type === 'directory') await files.removeDirectory(done.path);
      else await putBack(files, done.file);
    } catch (error) {
      left.push(`${pathText(done.type === 'file' ? done.file.given : done.path)} (${fileErrorText(error)})`);
    }
  }
  return left;
}

async function putBack(files: Files, { path, before, after, modeBefore }: PlannedFile): Promise<void> {
  const now = await contentOf(files, path);
  if (sameBytes(now, before)) return;
  if (!sameBytes(now, after)) throw Object.assign(new Error('somebody else has changed it since'), { code: 'EBUSY' });
  if (before === null) await files.remove(path);
  else await files.write(path, before, modeBefore ?? undefined);
}

function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a === b || (a.length === b.length && Buffer.compare(a, b) === 0);
}
