import { dirname } from 'node:path';
import { errorCode } from '../../protocol/errors.ts';
import type { TaskContext } from '../../protocol/settings.ts';
import type { Files } from '../files.ts';
import type { ToolScope } from '../tool.ts';
import { fileErrorText } from './file-error.ts';
import { pathText } from './paths.ts';
import type { Plan, PlannedFile } from './plan-changes.ts';
import { contentOf, type Done, endingOf, sameBytes, undo } from './undo.ts';

/** How applying ended. Unless it is `applied`, nothing is changed, or `left` says what could not be undone; `message` has both. */
export type Applied =
  | Readonly<{ status: 'applied' }>
  | Readonly<{ status: 'failed' | 'aborted'; message: string; left: readonly string[] }>;

/** Carries out what was planned and allowed, all or nothing. */
export type Apply = (plan: Plan, order: ApplyOrder) => Promise<Applied>;

/** For whom a plan is carried out. `lifted`: files of it that a person has allowed although the task may not write there. */
export type ApplyOrder = Readonly<{ context: TaskContext; lifted: readonly string[] }> &
  Pick<ToolScope, 'signal' | 'own'>;

/**
 * Writes what was planned, all or nothing: a file that is not as it was planned from, an error of any kind, or an abort on
 * the way undoes what was done before. New contents come first, removals last, so that no content is ever nowhere.
 */
export async function applyPlan(
  files: Files,
  plan: Pick<Plan, 'files'>,
  signal: Pick<AbortSignal, 'aborted'>,
): Promise<Applied> {
  const inOrder = changesInOrder(plan);
  const done: Done[] = [];
  const stopped =
    (await each(inOrder, signal, (file) => changeOnDisk(files, file))) ??
    (await each(inOrder, signal, (file) => carryOut(files, file, done)));
  if (stopped === null) return { status: 'applied' };
  const left = await undo(files, done);
  return { status: stopped.status, message: `${stopped.message} ${endingOf(left)}`, left };
}

/** The files that a plan changes, in the order in which they are. */
export function changesInOrder(plan: Pick<Plan, 'files'>): readonly PlannedFile[] {
  const changing = plan.files.filter((file) => !sameBytes(file.before, file.after));
  return [...changing.filter((file) => file.after !== null), ...changing.filter((file) => file.after === null)];
}

/** The directories that have to be made before a file can be there, outermost first. */
export async function missingAbove(files: Files, path: string): Promise<readonly string[]> {
  return between(await existingAbove(files, path), path);
}

type Stopped = Readonly<{ status: 'failed' | 'aborted'; message: string }>;

async function each(
  files: readonly PlannedFile[],
  signal: Pick<AbortSignal, 'aborted'>,
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
async function carryOut(files: Files, file: PlannedFile, done: Done[]): Promise<string | null> {
  const changed = await changeOnDisk(files, file);
  if (changed !== null) return changed;
  const name = pathText(file.given);
  try {
    const above = await existingAbove(files, file.path);
    if ((await files.realPath(above)) !== above) {
      return `${name}: a directory on the way to it has become a link. Look at ${pathText(above)} before going on.`;
    }
    for (const directory of between(above, file.path)) await make(files, directory, done);
    // Noted before it is done: an error may come after the deed.
    done.push({ type: 'file', file });
    if (file.after === null) await files.remove(file.path);
    else await files.write(file.path, file.after, file.modeAfter ?? undefined);
    return null;
  } catch (error) {
    return `${name} could not be ${file.after === null ? 'removed' : 'written'}: ${fileErrorText(error)}.`;
  }
}

/** Makes a directory, and notes it: also when it fails, for an error may come after the deed; unless somebody else has made it. */
async function make(files: Files, path: string, done: Done[]): Promise<void> {
  try {
    await files.makeDirectory(path);
    done.push({ type: 'directory', path });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') done.push({ type: 'directory', path });
    throw error;
  }
}

/** The nearest directory above a path that is there. */
export async function existingAbove(files: Files, path: string): Promise<string> {
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
