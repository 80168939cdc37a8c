import { createHash } from 'node:crypto';
import { lstatSync, realpathSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { type SandboxSettings, sandboxProfile } from '../policy/sandbox-profile.ts';
import type { Proc } from '../process/port.ts';
import { trustedProgram } from '../process/trusted-program.ts';
import { messageOf } from '../protocol/errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { checkpointStore, STORE_LIMITS, type StoreLimits } from '../workspace/checkpoint-store.ts';
import { type Git, openGit } from '../workspace/git.ts';
import type { GitResult } from '../workspace/hardened-git.ts';
import { CHECKPOINT_LIMITS, type CheckpointLimits } from '../workspace/scan.ts';
import { type WorkHistory, workHistory } from '../workspace/work-history.ts';
import type { RawPath } from '../workspace/work-tree.ts';
import { privateDirectory } from './private-directory.ts';
import { storeDirectory } from './store-directory.ts';
import { systemFiles } from './system-files.ts';
import { systemWorkTree } from './system-work-tree.ts';

export type PlaceOptions = Readonly<{
  proc: Proc;
  clock: Clock;
  /** `PATH` is where git is looked for. */
  path: string;
  userHomes: readonly string[];
  /** Our own state. */
  home: string;
  sandboxSettings: SandboxSettings;
  limits?: Partial<CheckpointLimits & StoreLimits>;
}>;

/** The repository that a directory is in, read by a git that nobody in that directory can have put there. */
export async function repositoryAt(cwd: string, options: PlaceOptions): Promise<GitResult<Git | null>> {
  const { proc, path, userHomes, home, sandboxSettings } = options;
  const program = trustedProgram('git', path, cwd);
  if (program === null) return { ok: false, why: 'there is no git that could be trusted' };
  const profile = sandboxProfile({ cwd, sandbox: 'read-only' }, sandboxSettings, {
    userHomes: [...userHomes],
    state: home,
  });
  return openGit({ proc, program, profile, withoutSandbox: { type: 'container' } }, systemFiles, cwd);
}

/**
 * The checkpoints of a directory, kept below our own state. Refuses the root of the machine and a user's home: nobody wants
 * all of that kept, or set back.
 */
export async function workHistoryAt(cwd: string, options: PlaceOptions): Promise<GitResult<WorkHistory>> {
  try {
    const root = realpathSync(cwd);
    const refused = [sep, ...options.userHomes.flatMap(realOf)];
    if (refused.includes(root) || options.userHomes.some((one) => isAbove(root, one)))
      return { ok: false, why: `there are no checkpoints of ${root}: it is a home, or what holds homes` };
    if (isAbove(root, resolve(options.home)))
      return { ok: false, why: `there are no checkpoints of ${root}: our own state is in it` };
    const { dev, ino } = lstatSync(root, { bigint: true });
    const name = createHash('sha256').update(`${root}\0${dev}:${ino}`).digest('hex').slice(0, 32);
    const { directory } = await privateDirectory(options.home, ['checkpoints', name]);
    const files = storeDirectory(directory);
    return {
      ok: true,
      value: workHistory({
        tree: systemWorkTree(root),
        files,
        store: checkpointStore(files, { ...STORE_LIMITS, ...options.limits }),
        clock: options.clock,
        tracked: () => trackedBelow(root, options),
        limits: { ...CHECKPOINT_LIMITS, ...options.limits },
      }),
    };
  } catch (error) {
    return { ok: false, why: `the checkpoints of ${cwd} cannot be kept: ${messageOf(error)}` };
  }
}

/** What git tracks below a directory; null where there is no git, or none that answers: then all that is not ignored counts. */
async function trackedBelow(root: string, options: PlaceOptions): Promise<ReadonlySet<RawPath> | null> {
  const git = await repositoryAt(root, options);
  if (!git.ok || git.value === null) return null;
  const listed = await git.value.listFiles('tracked');
  if (!listed.ok) return null;
  const way = relative(git.value.root, root);
  const prefix = way === '' ? '' : `${way}/`;
  const below = listed.value.flatMap((path) => (path.startsWith(prefix) ? [path.slice(prefix.length)] : []));
  return new Set(below.map((path) => Buffer.from(path).toString('latin1')));
}

function realOf(path: string): readonly string[] {
  try {
    return [realpathSync(path)];
  } catch {
    return [];
  }
}

/** Whether `path` is below `directory`, and not the directory itself. */
function isAbove(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== '' && way.split(sep)[0] !== '..';
}
