import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, relative } from 'node:path';

/** Where anybody may put a program. */
const ANYONE_WRITES = ['/tmp', '/var/tmp', '/dev/shm'];

/**
 * The path of a program as `path` finds it, links resolved, looking only where neither a stranger nor what works in
 * `workspace` can put one; null when there is none.
 */
export function trustedProgram(name: string, path: string, workspace: string): string | null {
  const untrusted = [workspace, ...ANYONE_WRITES];
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder) || untrusted.some((place) => contains(place, folder))) continue;
    const found = executable(join(folder, name));
    if (found !== null && !untrusted.some((place) => contains(place, found))) return found;
  }
  return null;
}

function executable(path: string): string | null {
  try {
    accessSync(path, constants.X_OK);
    const real = realpathSync(path);
    return statSync(real).isFile() ? real : null;
  } catch {
    return null; // Not here; perhaps in the next folder.
  }
}

function contains(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way === '' || (way.split('/')[0] !== '..' && !isAbsolute(way));
}
