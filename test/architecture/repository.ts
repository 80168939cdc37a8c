import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Files } from './rules.ts';

/** The root of the repository. */
export const ROOT = join(import.meta.dirname, '../..');

/** The sources under src/ and machines/, by their path from the root. */
export function readSources(): Files {
  const paths = ['src', 'machines'].flatMap((folder) => filesIn(folder)).filter((path) => path.endsWith('.ts'));
  return new Map(paths.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
}

/** The files of a folder and of those in it, by their path from the root; what is installed or built is no part of it. */
export function filesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = relative(ROOT, join(entry.parentPath, entry.name));
    if (['.git', 'node_modules', 'dist', 'coverage'].includes(entry.name)) return [];
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}
