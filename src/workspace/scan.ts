import { directoriesAbove, type IgnoreRules, isIgnored, rulesIn } from './ignore-rules.ts';
import { childPath, type Entry, type RawPath, type WorkTree } from './work-tree.ts';

/** Sizes in bytes, times in ms, the rest in pieces. */
export type CheckpointLimits = Readonly<{
  /** A file that is larger and not tracked by git is left out (10 MiB, as Codex has it). */
  untrackedFileMaxBytes: number;
  /** A directory with so many untracked files in itself is left out with them (200, as Codex has it). */
  untrackedFilesMax: number;
  /** All of a checkpoint; a larger one is none (2 GB). */
  totalMaxBytes: number;
  /** How long making one may take (20 s). */
  durationMaxMs: number;
  /** How many files there may be in all (1,000,000). */
  filesMax: number;
}>;

export const CHECKPOINT_LIMITS: CheckpointLimits = Object.freeze({
  untrackedFileMaxBytes: 10_485_760,
  untrackedFilesMax: 200,
  totalMaxBytes: 2_000_000_000,
  durationMaxMs: 20_000,
  filesMax: 1_000_000,
});

/** Something that a checkpoint leaves out, and would not bring back. */
export type LeftOut = Readonly<{
  path: RawPath;
  why: 'large-file' | 'many-files' | 'not-a-file' | 'unreadable';
}>;

export type Found = Readonly<{ path: RawPath; entry: Extract<Entry, { type: 'file' | 'link' }> }>;

/** What belongs to a work tree: what git tracks, and what nothing says to ignore. */
export type Scan = Readonly<{
  files: readonly Found[];
  directories: ReadonlyMap<RawPath, number>;
  leftOut: readonly LeftOut[];
}>;

/** Never part of a checkpoint: repositories have their own history, and ours is not to touch it. */
const REPOSITORIES = new Set(['.git', '.hg', '.svn']);

/**
 * Looks through a work tree; null when `signal` is aborted first. `tracked` are the paths that git tracks, null where there is
 * no git. Never opens anything but `.gitignore`.
 */
export async function scan(
  tree: WorkTree,
  tracked: ReadonlySet<RawPath> | null,
  limits: CheckpointLimits,
  signal?: AbortSignal,
): Promise<Scan | null> {
  const files: Found[] = [];
  const directories = new Map<RawPath, number>();
  const leftOut: LeftOut[] = [];
  const holdsTracked = new Set([...(tracked ?? [])].flatMap(directoriesAbove));

  const visit = async (directory: RawPath, rules: IgnoreRules | null, onlyTracked: boolean): Promise<void> => {
    const names = namesIn(tree, directory, leftOut);
    const inside = rulesIn(directory, names.includes('.gitignore') ? ignoreText(tree, directory) : null, rules);
    const untracked: Found[] = [];
    for (const name of names) {
      const turn = tree.breathe();
      if (turn !== null) await turn; // There are very many of these, and an await costs more than most of them.
      if (signal?.aborted) return;
      if (REPOSITORIES.has(name)) continue;
      const path = childPath(directory, name);
      const entry = look(tree, path, leftOut);
      if (entry === null) continue;
      const isTracked = tracked?.has(path) === true;
      const isLeftAlone = onlyTracked || isIgnored(inside, name, entry.type === 'directory');
      if (entry.type === 'directory') {
        if (isLeftAlone && !holdsTracked.has(path)) continue;
        directories.set(path, entry.mode);
        await visit(path, inside, isLeftAlone);
      } else if (isTracked || !isLeftAlone) {
        if (entry.type === 'other') leftOut.push({ path, why: 'not-a-file' });
        else if (isTracked) files.push({ path, entry });
        else if (entry.type === 'file' && entry.size > limits.untrackedFileMaxBytes)
          leftOut.push({ path, why: 'large-file' });
        else untracked.push({ path, entry });
      }
    }
    // Without git nothing is tracked, and everything would be left out of a large directory.
    if (tracked !== null && untracked.length >= limits.untrackedFilesMax)
      leftOut.push({ path: directory, why: 'many-files' });
    else files.push(...untracked);
  };

  await visit('', null, false);
  if (signal?.aborted) return null;
  return { files, directories, leftOut };
}

function namesIn(tree: WorkTree, directory: RawPath, leftOut: LeftOut[]): readonly string[] {
  try {
    return tree.names(directory);
  } catch {
    leftOut.push({ path: directory, why: 'unreadable' });
    return [];
  }
}

function look(tree: WorkTree, path: RawPath, leftOut: LeftOut[]): Entry | null {
  try {
    return tree.look(path);
  } catch {
    leftOut.push({ path, why: 'unreadable' });
    return null;
  }
}

function ignoreText(tree: WorkTree, directory: RawPath): string | null {
  const path = childPath(directory, '.gitignore');
  try {
    return tree.look(path)?.type === 'file' ? Buffer.from(tree.read(path)).toString('utf8') : null;
  } catch {
    return null;
  }
}
