import { hash } from 'node:crypto';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { dirname, extname, isAbsolute, join, relative } from 'node:path';
import type { Confinement, Proc, SandboxProfile } from '../process/port.ts';
import { messageOf } from '../protocol/errors.ts';
import type { TaskContext } from '../protocol/settings.ts';
import {
  type Applied,
  type Apply,
  type ApplyOrder,
  applyPlan,
  changesInOrder,
  existingAbove,
  missingAbove,
} from '../tools/apply-patch/apply.ts';
import { pathText } from '../tools/apply-patch/paths.ts';
import type { Plan } from '../tools/apply-patch/plan-changes.ts';
import { isUntouched } from '../tools/apply-patch/undo.ts';
import { type JournalStore, journalStore, journalsOf, type StoredJournal } from './journal-store.ts';
import { runPatchHelper } from './run-patch-helper.ts';
import { systemFiles } from './system-files.ts';

export type PatchApplierOptions = Readonly<{
  proc: Proc;
  /** Where the journals are. */
  state: string;
  /** What is to confine a process of a task; `escalated` is one that was allowed more. */
  confine(context: TaskContext, escalated: boolean): Confinement;
  /** What is run as the helper; our own when left out. */
  program?: string;
}>;

/** Patches of this machine's files. */
export interface PatchApplier {
  readonly apply: Apply;
  /** Whether anything is left of a patch in a workspace, so that there is something to look at. */
  mayBeCut(cwd: string): boolean;
  /** Undoes what is left of patches that were cut in a workspace, as when this died on the way. Tells of each in a sentence. */
  recover(context: TaskContext): Promise<readonly string[]>;
}

/** The helper beside this file: TypeScript in a clone, JavaScript in a package. */
const HELPER = join(import.meta.dirname, `patch-helper${extname(import.meta.filename)}`);

/**
 * Carries patches out in a process of its own, where the task's sandbox lets it write and nowhere else, so that the kernel
 * decides; what a person has allowed beyond that is open to this one process. A journal is on the disk before anything
 * changes, and a helper that is killed, whenever that is, leaves all or nothing.
 */
export function patchApplier(options: PatchApplierOptions): PatchApplier {
  const ports: Ports = { program: HELPER, ...options };
  const storeOf = async ({ cwd }: TaskContext) => journalStore(ports.state, keyOf(await systemFiles.realPath(cwd)));
  const begin = async (plan: Plan, order: ApplyOrder) => {
    const store = await storeOf(order.context);
    const { left } = await recoverIn(store, order.context, ports);
    if (left.length > 0) return nothingDone(left.join(' '));
    return { store, stored: await store.open(await contentOf(plan, order, ports)) };
  };
  // Where somebody has bundled us into one file there is no helper; the files are still changed through no link.
  const hasHelper = existsSync(ports.program);
  return {
    async apply(plan, order) {
      if (!hasHelper) return applyPlan(systemFiles, plan, order.signal);
      if (changesInOrder(plan).length === 0) return { status: 'applied' };
      const begun = await begin(plan, order).catch((error: unknown) => messageOf(error));
      if (typeof begun === 'string') {
        return nothingDone(`What is to be done could not be noted in ${ports.state} before: ${begun}.`);
      }
      return 'status' in begun ? begun : applyStored(begun.store, begun.stored, order, ports);
    },
    mayBeCut(cwd) {
      try {
        const journals = journalsOf(ports.state, keyOf(realpathSync.native(cwd)));
        // Asked for by each session, and there is nothing nearly always: an error made only to say so costs the most.
        return existsSync(journals) && readdirSync(journals).length > 0;
      } catch {
        return false; // No patch was ever applied there, or nobody could have noted one.
      }
    },
    async recover(context) {
      if (!hasHelper) return [];
      const { told, left } = await recoverIn(await storeOf(context), context, ports);
      return [...told, ...left];
    },
  };
}

function keyOf(realDirectory: string): string {
  return hash('sha256', realDirectory).slice(0, 32);
}

type Ports = PatchApplierOptions & Readonly<{ program: string }>;

async function contentOf(plan: Plan, { context, lifted }: ApplyOrder, { confine }: PatchApplierOptions) {
  const files = changesInOrder(plan);
  const directories = new Set<string>();
  for (const { path, after } of files) {
    if (after !== null) for (const directory of await missingAbove(systemFiles, path)) directories.add(directory);
  }
  const confinement = confine(context, false);
  const given = confinement.type === 'sandbox' ? confinement.profile.writableRoots : [];
  const opened = await Promise.all(lifted.map((path) => existingAbove(systemFiles, path)));
  return { files, directories: [...directories], roots: [...new Set([...given, ...opened])] };
}

async function applyStored(
  store: JournalStore,
  stored: StoredJournal,
  { context, signal, own }: ApplyOrder,
  ports: Ports,
): Promise<Applied> {
  const confinement = await confinementFor(stored, context, ports);
  if (signal.aborted) {
    await store.close(stored);
    return { ...nothingDone('The patch was aborted.'), status: 'aborted' };
  }
  const helper = runPatchHelper(ports, 'apply', stored, confinement);
  const finish = async (): Promise<Applied> => {
    const end = await helper.ended;
    if (end.answer !== null) return conclude(store, stored, end.answer);
    // What confined it may also have been killed with it, which looks the same.
    if (!end.began && (await isUntouched(systemFiles, stored.journal))) {
      await store.close(stored);
      return nothingDone(end.why);
    }
    const undone = await undoIn(store, stored, confinement, ports);
    if (undone.status === 'applied') return undone;
    const [status, why] = signal.aborted
      ? (['aborted', 'The patch was aborted.'] as const)
      : (['failed', end.why] as const);
    return { status, message: `${why} ${undone.message}`, left: undone.left };
  };
  const applied = finish();
  const abort = () => helper.stop();
  signal.addEventListener('abort', abort, { once: true });
  // Whoever kills the call is told when it is known that all of it is undone.
  const release = own?.({
    async kill(graceMs) {
      const report = await helper.kill(graceMs);
      await applied;
      return report;
    },
  });
  try {
    return await applied;
  } finally {
    release?.();
    signal.removeEventListener('abort', abort);
  }
}

/** Lets go of the journal; where old contents could not be put back, they are kept. */
async function conclude(store: JournalStore, stored: StoredJournal, applied: Applied): Promise<Applied> {
  if (applied.status === 'applied' || applied.left.length === 0) {
    await store.close(stored);
    return applied;
  }
  const kept = await store.keep(stored);
  return { ...applied, message: `${applied.message} What was there before is kept in ${kept}.` };
}

async function undoIn(
  store: JournalStore,
  stored: StoredJournal,
  confinement: Confinement,
  ports: Ports,
): Promise<Applied> {
  const { answer, why } = await runPatchHelper(ports, 'roll-back', stored, confinement).ended;
  if (answer !== null) return conclude(store, stored, answer);
  store.release(stored);
  const message = `What it had done could not be undone: ${why} This is tried again before the next patch here; what was there is kept in ${stored.path} until then.`;
  return { status: 'failed', message, left: [message] };
}

/** Sentences of what became of patches that were cut, and of what could not be undone of them. */
type Recovered = Readonly<{ told: readonly string[]; left: readonly string[] }>;

async function recoverIn(store: JournalStore, context: TaskContext, ports: Ports): Promise<Recovered> {
  const told: string[] = [];
  const left: string[] = [];
  for (const stored of await store.cut()) {
    const name = `A patch of ${stored.journal.files.map(({ path }) => pathText(path)).join(', ')} was cut before`;
    const end = await undoIn(store, stored, await confinementFor(stored, context, ports), ports);
    if (end.status === 'applied') told.push(`${name}, when all of it was done.`);
    else if (end.left.length === 0) told.push(`${name}, and is undone.`);
    else left.push(`${name}. ${end.message}`);
  }
  return { told, left };
}

/** The task's sandbox, open where the patch may write; where there is none, a container. */
async function confinementFor(
  { journal }: StoredJournal,
  context: TaskContext,
  { proc, confine, program }: Ports,
): Promise<Confinement> {
  const wanted = confine(context, false);
  if (wanted.type !== 'sandbox') return wanted;
  if (!(await proc.containment()).sandbox) return confine(context, true);
  const elsewhere = new Set(
    journal.files.map(({ path }) => path).filter((path) => !journal.roots.some((root) => contains(root, path))),
  );
  // Where a temporary directory of the sandbox covered one of these, the patch would seem to succeed.
  const seen = await Promise.all([...elsewhere].map((path) => existingAbove(systemFiles, path)));
  const profile = openedProfile(wanted.profile, journal.roots, program);
  return { type: 'sandbox', profile: { ...profile, visible: [...profile.visible, ...new Set(seen)] } };
}

function openedProfile(profile: SandboxProfile, roots: readonly string[], program: string): SandboxProfile {
  const opened = roots.filter((root) => !profile.writableRoots.includes(root));
  return {
    ...profile,
    writableRoots: roots,
    // In somebody's directory that is open for this once, no names are reserved: the plan has none of them.
    reservedNames: opened.length === 0 ? profile.reservedNames : [],
    visible: [...profile.visible, PACKAGE, dirname(program), process.execPath],
    hidden: profile.hidden.filter((path) => path === profile.state || !opened.some((root) => contains(path, root))),
  };
}

/** What the helper is loaded from. */
const PACKAGE = join(import.meta.dirname, extname(import.meta.filename) === '.ts' ? '../..' : '../../..');

function contains(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way === '' || (way.split('/')[0] !== '..' && !isAbsolute(way));
}

function nothingDone(message: string): Applied & { status: 'failed' } {
  return { status: 'failed', message: `${message} Nothing was changed.`, left: [] };
}
