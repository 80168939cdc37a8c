import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** A hash of everything in a directory: names, modes, contents, targets. */
export function hashOf(directory: string): string {
  const hash = createHash('sha256');
  const visit = (path: string) => {
    for (const name of readdirSync(path).toSorted()) {
      const at = join(path, name);
      const stats = lstatSync(at);
      hash.update(`${at}\0${stats.mode}\0`);
      if (stats.isDirectory()) visit(at);
      else if (stats.isSymbolicLink()) hash.update(readlinkSync(at));
      else if (stats.isFile()) hash.update(readFileSync(at));
    }
  };
  visit(directory);
  return hash.digest('hex');
}
