import * as z from 'zod';
import { messageOf } from '../protocol/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { planLines, planUndo, type UndoPlan } from './plan-undo.ts';
import type { CheckpointLimits } from './scan.ts';
import type { StoreFiles } from './store-files.ts';
import { type Taken, takeCheckpoint } from './take-checkpoint.ts';
import { carryOutUndo, type Undone } from './undo.ts';
import { type RawPath, readablePath, type WorkTree } from './work-tree.ts';

/** What happened to a work tree between two checkpoints. Ids sort by time. */
export type Change = Readonly<{
  id: string;
  /** ISO 8601, UTC. */
  time: string;
  sessionId: string;
  taskId: string;
  /** `asked`: a checkpoint that somebody has asked for, and whatever came after it. */
  by: 'task' | 'undo' | 'asked';
  before: string;
  /** Null while it goes on, when its end was not kept, and for one that was asked for. */
  after: string | null;
  /** What has changed after this, ms since 1970, is of somebody else, although the checkpoint after it has it; null when nobody knows. */
  endedAtMs: number | null;
  /** The changes that this one, an undo, has taken back. */
  undoes: readonly string[];
  /** The undo that has taken it back. */
  undoneBy: string | null;
}>;

/** What became of a path. `keptAt`: where its former state lies, for a person to compare. */
export type UndonePath = Readonly<{
  path: string;
  result: 'restored' | 'removed' | 'conflict' | 'failed';
  keptAt?: string;
  message?: string;
}>;

/** What an undo did, or, in a dry run, would do. */
export type UndoReport = Readonly<{
  /** The changes that are taken back, the newest first. */
  changes: readonly string[];
  paths: readonly UndonePath[];
  /** In a dry run: what would be done, a line a path. */
  plan: readonly string[];
  /** False when the end of a change was not kept: what came after it could not be told from it, and was taken back as well. */
  isExact: boolean;
  /** The change that the undo itself is; with it the undo can be undone. Null in a dry run, and when nothing was to be done. */
  undo: string | null;
  /** It was stopped before it had done everything. */
  isCut: boolean;
}>;

export type UndoOrder = Readonly<{
  id: string;
  sessionId: string;
  taskId: string;
  /** The id of a change (an undo's, to undo that), or how many changes; 1 when left out. */
  to?: string | number;
  dryRun?: boolean;
  signal: AbortSignal;
}>;

type Ended = Readonly<{ changeId: string; endedAtMs: number }>;
type Of = Readonly<{ id: string; sessionId: string; taskId: string; by: Change['by'] }>;
type Result<T> = Readonly<{ ok: true; value: T }> | Readonly<{ ok: false; why: string }>;

/** The checkpoints of one work tree, and what happened between them. All failures are values. */
export interface WorkHistory {
  readonly root: string;
  /** Takes a checkpoint before a change. */
  begin(of: Of, signal: AbortSignal): Promise<Taken>;
  /** Takes a checkpoint after the change of this id, which was over at `endedAtMs`; nothing when there is none. */
  end(of: Ended, checkpointId: string, signal: AbortSignal): Promise<Taken | null>;
  /** The oldest first. */
  changes(): Promise<readonly Change[]>;
  undo(order: UndoOrder): Promise<Result<UndoReport>>;
}

export type WorkHistoryPorts = Readonly<{
  tree: WorkTree;
  files: StoreFiles;
  store: CheckpointStore;
  clock: Clock;
  /** What git tracks at this moment; null where there is no git. */
  tracked(): Promise<ReadonlySet<RawPath> | null>;
  limits: CheckpointLimits;
}>;

const CHANGES = 'changes';
const KEPT = 'kept';

const change = z.object({
  id: z.string(),
  time: z.string(),
  sessionId: z.string(),
  taskId: z.string(),
  by: z.enum(['task', 'undo', 'asked']),
  before: z.string(),
  after: z.string().nullable(),
  endedAtMs: z.number().nullable().default(null),
  undoes: z.array(z.string()),
  undoneBy: z.string().nullable(),
});

export function workHistory(ports: WorkHistoryPorts): WorkHistory {
  const { tree, files, store, clock, tracked, limits } = ports;
  const timeNow = () => new Date(clock.now()).toISOString();
  const take = async (id: string, signal: AbortSignal): Promise<Taken> => {
    // Git may take its time; nobody waits for it any more when the checkpoint is not wanted.
    const follows = await Promise.race([tracked(), aborted(signal)]);
    if (follows === STOPPED) return { ok: false, why: 'aborted', message: 'The checkpoint was stopped.' };
    return takeCheckpoint({ id, tree, store, clock, time: timeNow(), tracked: follows, limits, signal });
  };
  const write = (one: Change) => files.create(CHANGES, `${one.id}.json`, [Buffer.from(JSON.stringify(one))]);
  const read = async (id: string): Promise<Change | null> => {
    const bytes = await files.read(CHANGES, `${id}.json`);
    return bytes === null ? null : parsed(bytes);
  };
  const changes = async () => {
    const names = (await files.names(CHANGES)).toSorted();
    const found = await Promise.all(names.map((name) => read(name.replace(/\.json$/, ''))));
    return found.filter((one) => one !== null);
  };
  const begin = async ({ id, sessionId, taskId, by }: Of, signal: AbortSignal): Promise<Taken> => {
    const taken = await take(id, signal);
    if (!taken.ok) return taken;
    const open = { after: null, endedAtMs: null, undoes: [], undoneBy: null };
    await write({ id, time: timeNow(), sessionId, taskId, by, before: id, ...open });
    return taken;
  };

  return {
    root: tree.root,
    begin: (of, signal) => asTaken(() => begin(of, signal)),
    end: ({ changeId, endedAtMs }, checkpointId, signal) =>
      asTaken(async () => {
        const one = await read(changeId);
        if (one === null) return null;
        const taken = await take(checkpointId, signal);
        if (taken.ok) await write({ ...one, after: checkpointId, endedAtMs });
        return taken;
      }),
    changes,
    async undo(order) {
      try {
        return await undo(order);
      } catch (error) {
        return { ok: false, why: `The store of checkpoints could not be used: ${messageOf(error)}.` };
      }
    },
  };

  async function undo({
    id,
    sessionId,
    taskId,
    to = 1,
    dryRun = false,
    signal,
  }: UndoOrder): Promise<Result<UndoReport>> {
    const chosen = choose(await changes(), to);
    if (!chosen.ok) return chosen;
    // The state before the undo: what came after a change whose end was not kept, and the way back from the undo.
    const now = await take(id, signal);
    if (!now.ok)
      return { ok: false, why: `Nothing was undone, because the present state could not be kept: ${now.message}` };
    const done: UndonePath[] = [];
    const plan: string[] = [];
    const undoneChanges: string[] = [];
    let isExact = true;
    for (const one of chosen.value) {
      if (signal.aborted) break;
      const before = await store.get(one.before);
      const after = one.after === null ? now.checkpoint : await store.get(one.after);
      if (before === null || after === null)
        return { ok: false, why: `The checkpoints of the change ${one.id} are not kept any more.` };
      isExact &&= one.after !== null || one.by === 'asked';
      const planned = await planUndo(tree, before, after, one.endedAtMs);
      plan.push(...planLines(planned));
      undoneChanges.push(one.id);
      if (!dryRun) done.push(...(await carriedOut(planned, id, done.length, signal)));
    }
    const isCut = signal.aborted;
    const report = { changes: undoneChanges, paths: done, plan, isExact, isCut };
    if (dryRun || done.length === 0) return { ok: true, value: { ...report, undo: null } };
    const last = await take(`${id}-after`, new AbortController().signal);
    const own = { id, time: timeNow(), sessionId, taskId, by: 'undo' as const, before: id, endedAtMs: null };
    // What was taken back only in part can be taken back again.
    const isWhole = !isCut && done.every(({ result }) => result !== 'failed');
    await write({
      ...own,
      after: last.ok ? `${id}-after` : null,
      undoes: isWhole ? undoneChanges : [],
      undoneBy: null,
    });
    if (isWhole) for (const one of chosen.value) await markUndone(one, id);
    return { ok: true, value: { ...report, undo: id } };
  }

  /** An undo of an undo gives the changes back that the first one took. */
  async function markUndone(one: Change, undoneBy: string): Promise<void> {
    await write({ ...one, undoneBy });
    for (const other of one.undoes) {
      const former = await read(other);
      if (former !== null) await write({ ...former, undoneBy: null });
    }
  }

  async function carriedOut(
    planned: UndoPlan,
    id: string,
    already: number,
    signal: AbortSignal,
  ): Promise<readonly UndonePath[]> {
    const undone = await carryOutUndo(tree, store, planned, signal);
    return Promise.all(undone.map((one, at) => shownOf(one, `${id}-${already + at + 1}`)));
  }

  async function shownOf(one: Undone, name: string): Promise<UndonePath> {
    const path = readablePath(one.path);
    if (one.result === 'failed') return { path, result: 'failed', message: one.message };
    if (one.result !== 'conflict') return { path, result: one.result };
    if (one.former === null) return { path, result: 'conflict' };
    await files.create(KEPT, name, [one.former]);
    return { path, result: 'conflict', keptAt: files.location(KEPT, name) };
  }
}

/** The changes that are meant, the newest first. */
function choose(all: readonly Change[], to: string | number): Result<readonly Change[]> {
  if (typeof to === 'string') {
    const one = all.find(({ id }) => id === to);
    if (one === undefined)
      return { ok: false, why: `Expected the id of a change, got ${JSON.stringify(to)}. ${known(all)}` };
    if (one.undoneBy !== null)
      return { ok: false, why: `The change ${to} has been undone already, by ${one.undoneBy}.` };
    return { ok: true, value: [one] };
  }
  const open = all.filter(({ undoneBy }) => undoneBy === null).toReversed();
  const ofTasks = open.filter(({ by }) => by === 'task');
  const candidates = ofTasks.length > 0 ? ofTasks : open.filter(({ by }) => by === 'asked');
  if (candidates.length < to || candidates.length === 0) {
    const have = candidates.length === 0 ? 'there is none (any more)' : `there are ${candidates.length}`;
    return { ok: false, why: `Expected ${to === 1 ? 'a change' : `${to} changes`} to undo, ${have}.` };
  }
  return { ok: true, value: candidates.slice(0, to) };
}

function known(all: readonly Change[]): string {
  const ids = all.filter(({ undoneBy }) => undoneBy === null).map(({ id }) => id);
  return ids.length === 0 ? 'There is none.' : `The newest are: ${ids.slice(-5).toReversed().join(', ')}.`;
}

function parsed(bytes: Uint8Array): Change | null {
  try {
    return change.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    return null; // Not written by us, or torn: nothing that could be undone.
  }
}

const STOPPED = Symbol('stopped');

function aborted(signal: AbortSignal): Promise<typeof STOPPED> {
  if (signal.aborted) return Promise.resolve(STOPPED);
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(STOPPED), { once: true }));
}

async function asTaken<T extends Taken | null>(take: () => Promise<T>): Promise<T | Extract<Taken, { ok: false }>> {
  try {
    return await take();
  } catch (error) {
    return { ok: false, why: 'not-kept', message: `The checkpoint could not be kept: ${messageOf(error)}.` };
  }
}
