import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { directoryContains } from '../policy/directory-contains.ts';
import {
  NO_PROJECT_CONFIG,
  PROJECT_CONFIG_MAX_BYTES,
  type ProjectConfig,
  parseProjectConfig,
} from '../policy/project-config.ts';
import { errorCode, hasCode } from '../protocol/errors.ts';

/** Where a project says how it is worked in, from the root of its work tree. */
export const PROJECT_CONFIG_PATH = '.troupe/config.json';

/**
 * Reads what a project asks for; `workTree` is the root of its work tree. No link out of it is followed. Never rejects: a
 * file that cannot be used counts as none, with a warning.
 */
export async function readProjectConfig(
  workTree: string,
): Promise<Readonly<{ config: ProjectConfig; warnings: readonly string[] }>> {
  const path = join(workTree, PROJECT_CONFIG_PATH);
  try {
    const text = await textWithin(workTree, path);
    if (text === null) return { config: NO_PROJECT_CONFIG, warnings: [] };
    const { config, warnings } = parseProjectConfig(text);
    return { config, warnings: warnings.map((warning) => `${path}: ${warning}`) };
  } catch (error) {
    const why = error instanceof Unusable ? error.message : `it cannot be read (${errorCode(error) ?? 'unknown'})`;
    return { config: NO_PROJECT_CONFIG, warnings: [`${path}: ${why}, so it has no effect.`] };
  }
}

class Unusable extends Error {}

/** Null when there is none. */
async function textWithin(workTree: string, path: string): Promise<string | null> {
  const target = await realpath(path).catch(absent);
  if (target === null) return null;
  if (!directoryContains(await realpath(workTree), target)) throw new Unusable('it is a link out of the work tree');
  // Not waiting for who would write to it, if it is a pipe.
  const file = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new Unusable('it is no file');
    const { bytesRead, buffer } = await file.read(Buffer.alloc(PROJECT_CONFIG_MAX_BYTES + 1));
    if (bytesRead <= PROJECT_CONFIG_MAX_BYTES) return buffer.toString('utf8', 0, bytesRead);
    throw new Unusable(`it has more than ${PROJECT_CONFIG_MAX_BYTES} bytes`);
  } finally {
    await file.close();
  }
}

function absent(error: unknown): null {
  if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null;
  throw error;
}
