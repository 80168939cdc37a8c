import { basename, dirname, join, relative, resolve } from 'node:path';
import { messageOf } from '../protocol/errors.ts';
import type { Files } from '../tools/files.ts';
import { type GitPorts, type GitResult, type RepositoryPlace, runGit } from './hardened-git.ts';

/**
 * The repository that `directory` is in, found without git; null where there is none. A `.git` that names a place elsewhere
 * is believed only when that place names it back, as a linked worktree and a submodule do: otherwise whoever writes to a
 * workspace could have any repository of this machine shown as its own.
 */
export async function repositoryPlace(
  ports: GitPorts,
  files: Files,
  directory: string,
): Promise<GitResult<RepositoryPlace | null>> {
  try {
    const root = await rootAbove(files, await files.realPath(directory));
    return root === null ? { ok: true, value: null } : await placeAt(ports, files, root);
  } catch (error) {
    const why = `Expected to be able to look for a repository above ${directory}, got: ${messageOf(error)}`;
    return { ok: false, why };
  }
}

async function rootAbove(files: Files, from: string): Promise<string | null> {
  for (let directory = from; ; directory = dirname(directory)) {
    if ((await files.kind(join(directory, '.git'))) !== 'missing') return directory;
    if (dirname(directory) === directory) return null;
  }
}

async function placeAt(ports: GitPorts, files: Files, root: string): Promise<GitResult<RepositoryPlace>> {
  const entry = join(root, '.git');
  if ((await files.kind(entry)) === 'directory') {
    return { ok: true, value: { root, gitDirectory: entry, commonDirectory: entry } };
  }
  const real = await files.realPath(entry);
  const named = (await files.kind(real)) === 'file' ? nameIn(await textOf(files, real)) : real;
  if (named === null)
    return { ok: false, why: `Expected ${entry} to name a repository (gitdir: …), got something else.` };
  const gitDirectory = await files.realPath(resolve(root, named));
  const commonText = await textIfThere(files, join(gitDirectory, 'commondir'));
  const commonDirectory = dirname(dirname(gitDirectory));
  if (commonText !== null && (await isWorktree(files, root, gitDirectory, commonText))) {
    return { ok: true, value: { root, gitDirectory, commonDirectory } };
  }
  const place = { root, gitDirectory, commonDirectory: gitDirectory };
  if (isBelow(root, gitDirectory) || (await namesBack(ports, files, place))) return { ok: true, value: place };
  const why = `Expected ${gitDirectory}, which ${entry} names, to be a worktree or a submodule of this directory, but it does not name it back.`;
  return { ok: false, why };
}

function nameIn(text: string): string | null {
  return /^gitdir: (.+?)\s*$/.exec(text)?.[1] ?? null;
}

/** `<common>/worktrees/<name>`: only who may write to the repository can have put that there (gitrepository-layout(5)). */
async function isWorktree(files: Files, root: string, gitDirectory: string, commonText: string): Promise<boolean> {
  const common = dirname(dirname(gitDirectory));
  if (basename(dirname(gitDirectory)) !== 'worktrees') return false;
  if ((await realPathOrNull(files, resolve(gitDirectory, commonText.trim()))) !== common) return false;
  const back = await textIfThere(files, join(gitDirectory, 'gitdir'));
  if (back === null) return false;
  const named = resolve(gitDirectory, back.trim());
  return basename(named) === '.git' && (await realPathOrNull(files, dirname(named))) === root;
}

async function namesBack(ports: GitPorts, files: Files, place: RepositoryPlace): Promise<boolean> {
  const config = join(place.gitDirectory, 'config');
  const found = await runGit(ports, place, {
    arguments: ['config', '--file', config, '--no-includes', '--get', 'core.worktree'],
    answers: [1],
  });
  if (!found.ok || found.value.exitCode !== 0) return false;
  const worktree = found.value.text.replace(/\n$/, '');
  return (await realPathOrNull(files, resolve(place.gitDirectory, worktree))) === place.root;
}

async function textOf(files: Files, path: string): Promise<string> {
  return Buffer.from(await files.read(path)).toString();
}

async function textIfThere(files: Files, path: string): Promise<string | null> {
  return (await files.kind(path)) === 'file' ? textOf(files, path) : null;
}

function realPathOrNull(files: Files, path: string): Promise<string | null> {
  return files.realPath(path).catch(() => null);
}

function isBelow(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way !== '' && way !== '..' && !way.startsWith('../');
}
