import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { type PatchApplier, type PatchApplierOptions, patchApplier } from '../../src/here/patch-applier.ts';
import { systemFiles } from '../../src/here/system-files.ts';
import { confinementOf } from '../../src/policy/sandbox-profile.ts';
import type { Proc, RunningProcess } from '../../src/process/port.ts';
import { systemProc } from '../../src/process/system-proc.ts';
import type { SandboxMode, TaskContext } from '../../src/protocol/settings.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Applied } from '../../src/tools/apply-patch/apply.ts';
import { parsePatch } from '../../src/tools/apply-patch/parse.ts';
import { type Plan, planChanges } from '../../src/tools/apply-patch/plan-changes.ts';
import { contextOf, patchText, patchWorkspace, type Tree, treeOf } from '../tools/patch-workspace.ts';

export const proc = systemProc(systemClock);
export const { sandbox: hasSandbox, container: hasContainer } = await proc.containment();

const HELPER = join(import.meta.dirname, '../../src/here/patch-helper.ts');

/** A workspace in which patches are applied by real helpers, and what becomes of it. */
export type PatchStage = Readonly<{
  cwd: string;
  outside: string;
  state: string;
  context: TaskContext;
  /** The tasks of the helpers that were started. */
  started: string[];
  running: RunningProcess[];
  applier(options?: Partial<PatchApplierOptions>): PatchApplier;
  /** Plans a patch as if it did not matter what is protected. */
  plan(...lines: readonly string[]): Promise<Plan>;
  apply(plan: Plan, how?: StageOptions): Promise<Applied>;
  tree(): Promise<Tree>;
  /** The names of the journals that are left. */
  journals(): Promise<readonly string[]>;
  /** A helper that does something else at its `nth` deed, see `Stop`. */
  stopping(stop: Stop, nth: number, tasks?: readonly string[]): Promise<string>;
}>;

export type StageOptions = Partial<PatchApplierOptions> &
  Readonly<{ lifted?: readonly string[]; signal?: AbortSignal }>;

/**
 * `kill`: it is killed, with half of the bytes written where it writes some. `ENOSPC`: there is no room. `hang`: it says
 * that it has come so far (its number in `reached` beside the workspace's files) and goes no further. `orphan`, `term`: the same until whoever has started it is gone, or it is told to stop.
 */
export type Stop = 'kill' | 'ENOSPC' | 'hang' | 'orphan' | 'term';

export async function patchStage(tree: Tree, sandbox: SandboxMode = 'workspace-write'): Promise<PatchStage> {
  const { root, cwd, outside } = await patchWorkspace(tree);
  const state = join(root, 'state');
  const context = contextOf(cwd, { sandbox });
  const started: string[] = [];
  const running: RunningProcess[] = [];
  const watched: Proc = {
    ...proc,
    spawn(spec) {
      started.push(spec.argv.at(-1) ?? '');
      const begun = proc.spawn(spec);
      running.push(begun);
      return begun;
    },
  };
  const applier = (options: Partial<PatchApplierOptions> = {}) =>
    patchApplier({
      proc: watched,
      state,
      confine: (task, escalated) => confinementOf(task, {}, { userHomes: [], state }, escalated),
      ...options,
    });
  return {
    cwd,
    outside,
    state,
    context,
    started,
    running,
    applier,
    async plan(...lines) {
      const parsed = parsePatch(patchText(...lines));
      if (!parsed.ok) throw new Error(parsed.message);
      const limits = { writableRoots: [], protectedNames: [] };
      const free = { cwd, sandbox: 'danger-full-access' as const };
      const planned = await planChanges(systemFiles, parsed.operations, free, limits);
      if (!planned.ok) throw new Error(planned.message);
      return planned.plan;
    },
    apply: (plan, { lifted = [], signal = new AbortController().signal, ...options } = {}) =>
      applier(options).apply(plan, { context, lifted, signal }),
    tree: () => treeOf(cwd),
    async journals() {
      const found = await fs.readdir(join(state, 'patches')).catch(() => []);
      return (await Promise.all(found.map((name) => fs.readdir(join(state, 'patches', name))))).flat();
    },
    async stopping(stop, nth, tasks = ['apply']) {
      const path = join(root, `helper-${stop}-${nth}-${tasks.join('-')}.mjs`);
      await fs.writeFile(path, stoppingText(stop, nth, tasks, join(root, 'work', 'reached')));
      return path;
    },
  };
}

/** A helper that is killed when the first file is new already, and again while it is put back. */
export async function killedTwice(stage: PatchStage): Promise<string> {
  const first = await stage.stopping('kill', 9);
  const second = await stage.stopping('kill', 3, ['roll-back']);
  const path = join(stage.state, '..', 'helper-both.mjs');
  await fs.writeFile(
    path,
    `await import(process.argv[2] === 'apply' ? ${JSON.stringify(first)} : ${JSON.stringify(second)});`,
  );
  return path;
}

function stoppingText(stop: Stop, nth: number, tasks: readonly string[], reached: string): string {
  return `
import fs from 'node:fs/promises';
import { existsSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

let deeds = 0;
const parent = process.ppid;
async function step(bytes, write) {
  deeds += 1;
  if (deeds !== ${nth}) return;
  const stop = ${JSON.stringify(stop)};
  if (stop === 'ENOSPC') throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
  if (stop === 'kill') {
    if (bytes !== undefined) await write(bytes.subarray(0, bytes.length / 2));
    process.kill(process.pid, 'SIGKILL');
  }
  writeFileSync(${JSON.stringify(reached)}, String(process.pid));
  let isOver = false;
  if (stop === 'term') process.once('SIGTERM', () => { isOver = true; });
  while (!isOver) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (stop === 'orphan' && process.ppid !== parent) isOver = true;
  }
}
function wrap(object, name, counts = () => true) {
  const really = object[name];
  object[name] = async function (...words) {
    const write = (bytes) => really.call(this, bytes);
    if (counts(...words)) await step(name === 'writeFile' ? words[0] : undefined, write);
    return really.apply(this, words);
  };
}
if (${JSON.stringify(tasks)}.includes(process.argv[2])) {
  const handle = await fs.open('/dev/null');
  for (const name of ['writeFile', 'sync', 'chmod', 'chown']) wrap(Object.getPrototypeOf(handle), name);
  await handle.close();
  for (const name of ['rename', 'unlink', 'mkdir', 'rmdir']) wrap(fs, name);
  wrap(fs, 'open', (_path, flags) => flags === 'wx');
  syncBuiltinESMExports();
}
await import(${JSON.stringify(HELPER)});
`;
}
