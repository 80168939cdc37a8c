import { dirname, resolve } from 'node:path';
import { errorCode } from '../../protocol/errors.ts';
import type { TaskContext } from '../../protocol/settings.ts';
import type { Files } from '../files.ts';
import { fileErrorText } from './file-error.ts';
import { applyChunks } from './match.ts';
import type { Operation } from './parse.ts';
import { locate, pathText, type Workspace } from './paths.ts';
import { decodeText, encodeText } from './text-file.ts';

/** What one operation of a patch does: paths as given, contents before and after it (null: there is no file). */
export type PlannedChange = Readonly<{
  kind: 'add' | 'delete' | 'update';
  path: string;
  movedTo: string | null;
  before: Uint8Array | null;
  after: Uint8Array | null;
}>;

/** What becomes of one file through the whole patch. `path` is absolute and real; `given` is a name the patch has for it. */
export type PlannedFile = Readonly<{
  path: string;
  given: string;
  isInside: boolean;
  before: Uint8Array | null;
  after: Uint8Array | null;
  /** Permission bits before and after; null for a file that is not there, and for a new one. */
  modeBefore: number | null;
  modeAfter: number | null;
}>;

/** All that a patch will do: operation by operation, and file by file. */
export type Plan = Readonly<{ changes: readonly PlannedChange[]; files: readonly PlannedFile[] }>;

export type Planned = Readonly<{ ok: true; plan: Plan }> | Readonly<{ ok: false; message: string }>;

/** Where tasks may write besides their working directory, and names that no file of a patch may have in a sandbox, nor a directory above it. */
export type PatchLimits = Readonly<{ writableRoots: readonly string[]; protectedNames: readonly string[] }>;

/** Reads every file that a patch names and computes what each will be; writes nothing. */
export async function planChanges(
  files: Files,
  operations: readonly Operation[],
  context: Pick<TaskContext, 'cwd' | 'sandbox'>,
  limits: PatchLimits,
): Promise<Planned> {
  const workspace = await openWorkspace(files, context, limits);
  if (!workspace.ok) return workspace;
  const states: States = new Map();
  const changes: PlannedChange[] = [];
  for (const operation of operations) {
    const change = await planOperation({ files, workspace: workspace.workspace, states }, operation);
    if (!change.ok) return change;
    changes.push(change.change);
  }
  const clash = fileUsedAsDirectory(states);
  if (clash !== null) return failure(clash);
  return { ok: true, plan: { changes, files: [...states.values()].map((state) => ({ ...state })) } };
}

type State = { -readonly [Key in keyof PlannedFile]: PlannedFile[Key] };
type States = Map<string, State>;
type Desk = Readonly<{ files: Files; workspace: Workspace; states: States }>;
type Failure = Readonly<{ ok: false; message: string }>;
type Change = Readonly<{ ok: true; change: PlannedChange }> | Failure;

async function openWorkspace(
  files: Files,
  { cwd, sandbox }: Pick<TaskContext, 'cwd' | 'sandbox'>,
  { writableRoots, protectedNames }: PatchLimits,
): Promise<Readonly<{ ok: true; workspace: Workspace }> | Failure> {
  try {
    const realDirectory = await files.realPath(cwd);
    const further = await Promise.all(writableRoots.map((root) => realPathOrNone(files, resolve(cwd, root))));
    const isFree = sandbox === 'danger-full-access';
    const workspace: Workspace = {
      directory: cwd,
      realRoots: [realDirectory, ...further.flat()],
      protectedNames: isFree ? null : protectedNames,
      parents: new Map(),
    };
    return { ok: true, workspace };
  } catch (error) {
    if (errorCode(error) === null) throw error;
    return failure(`Expected the working directory ${cwd} to be there, got: ${fileErrorText(error)}.`);
  }
}

/** A directory that is not there is no place to write. */
async function realPathOrNone(files: Files, path: string): Promise<readonly string[]> {
  try {
    return [await files.realPath(path)];
  } catch (error) {
    if (errorCode(error) === null) throw error;
    return [];
  }
}

async function planOperation(desk: Desk, operation: Operation): Promise<Change> {
  const source = await stateOf(desk, operation.path);
  if ('message' in source) return source;
  const { path } = operation;
  const before = source.after;
  if (operation.type === 'add') {
    const lines = operation.lines.map((text) => ({ text, ending: '\n' as const }));
    source.after = encodeText({ byteOrderMark: false, lines });
    return { ok: true, change: { kind: 'add', path, movedTo: null, before, after: source.after } };
  }
  if (before === null) {
    return failure(`${pathText(path)}: expected a file to ${operation.type}, got none there. Check the path.`);
  }
  if (operation.type === 'delete') {
    source.after = null;
    return { ok: true, change: { kind: 'delete', path, movedTo: null, before, after: null } };
  }
  const changed = contentAfter(operation, before);
  if (!(changed instanceof Uint8Array)) return changed;
  const target = operation.movedTo === null ? source : await stateOf(desk, operation.movedTo);
  if ('message' in target) return target;
  if (target !== source && target.after !== null) {
    return failure(
      `${pathText(target.given)}: expected no file where ${pathText(path)} is moved to, got one. Delete it first, or move to another name.`,
    );
  }
  const { modeAfter } = source;
  source.after = null;
  target.after = changed;
  target.modeAfter = modeAfter;
  const movedTo = target === source ? null : operation.movedTo;
  return { ok: true, change: { kind: 'update', path, movedTo, before, after: changed } };
}

function contentAfter(operation: Operation & { type: 'update' }, before: Uint8Array): Uint8Array | Failure {
  if (operation.chunks.length === 0) return before;
  const text = decodeText(before);
  const name = pathText(operation.path);
  if (text === null) {
    return failure(
      `${name}: expected UTF-8 text, got other bytes (a binary file, UTF-16 or Latin-1). A patch cannot update it.`,
    );
  }
  const matched = applyChunks(text, operation.chunks);
  return matched.ok ? encodeText(matched.file) : failure(`${name}, ${matched.message}`);
}

/** The file as the operations before have left it; read from the disk when it is named for the first time. */
async function stateOf(desk: Desk, given: string): Promise<State | Failure> {
  try {
    const located = await locate(desk.files, desk.workspace, given);
    if (!located.ok) return located;
    const { path, isInside, kind } = located.location;
    const known = desk.states.get(path);
    if (known !== undefined) return known;
    if (kind !== 'file' && kind !== 'missing') {
      const what = kind === 'directory' ? 'a directory' : 'a device, a pipe or a socket';
      return failure(`${pathText(given)}: expected a file, got ${what}.`);
    }
    const before = kind === 'file' ? await desk.files.read(path) : null;
    const mode = kind === 'file' ? await desk.files.mode(path) : null;
    const state: State = { path, given, isInside, before, after: before, modeBefore: mode, modeAfter: mode };
    desk.states.set(path, state);
    return state;
  } catch (error) {
    if (errorCode(error) === null) throw error;
    return failure(`${pathText(given)}: expected a file that can be read, got: ${fileErrorText(error)}.`);
  }
}

function fileUsedAsDirectory(states: States): string | null {
  for (const state of states.values()) {
    if (state.after === null) continue;
    for (let above = dirname(state.path); above !== dirname(above); above = dirname(above)) {
      const file = states.get(above);
      if (file !== undefined && file.after !== null) {
        return `${pathText(state.given)}: expected ${pathText(file.given)} to be a directory, but the patch makes it a file.`;
      }
    }
  }
  return null;
}

function failure(message: string): Failure {
  return { ok: false, message };
}
