import { accessSync, constants, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { programDirectories } from '../policy/command-environment.ts';
import { directoryContains } from '../policy/directory-contains.ts';
import type { Programs } from '../policy/programs.ts';
import { effectiveUser } from './effective-user.ts';

/**
 * The programs of this machine that only the system and we can have put there: in directories of the PATH outside the
 * workspace and the temporary ones, where the directory, those above it, and the program itself belong to root or to us
 * and nobody else may write. What is found first counts: a program that is not trusted hides those behind it.
 */
export function findPrograms(env: Readonly<Record<string, string>>, workspace: string): Programs {
  let known: readonly string[] | null = null;
  // Most commands need none of this.
  const path = () => {
    known ??= programDirectories(env, realPathOf(workspace) ?? workspace).filter((directory) =>
      isTrustedPlace(directory, workspace),
    );
    return known;
  };
  return {
    get path() {
      return path();
    },
    resolve(name) {
      const found = path()
        .map((directory) => join(directory, name))
        .find(isProgram);
      const program = found === undefined ? null : realPathOf(found);
      return program !== null && isTrustedPlace(dirname(program), workspace) && isOurs(statSync(program))
        ? program
        : null;
    },
  };
}

/** A directory as bash will find it, links followed, and all those above it. */
function isTrustedPlace(directory: string, workspace: string): boolean {
  const real = realPathOf(directory);
  if (real === null) return false;
  const untrusted = [workspace, realPathOf(workspace) ?? workspace];
  if (untrusted.some((place) => place !== '/' && directoryContains(place, real))) return false;
  for (let place = real; ; place = dirname(place)) {
    const stats = statOf(place);
    if (stats === null || !stats.isDirectory() || !isOurs(stats)) return false;
    if (place === '/') return true;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const WRITABLE_BY_OTHERS = 0o022;

function isOurs({ uid, mode }: Stats): boolean {
  const user = effectiveUser(uid);
  return (uid === 0 || uid === user) && (mode & WRITABLE_BY_OTHERS) === 0;
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

function realPathOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
