import { isAbsolute, relative } from 'node:path';

/** Whether `path` is `directory` or below it, going by the names alone: links are not followed. */
export function directoryContains(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return way === '' || (way.split('/')[0] !== '..' && !isAbsolute(way));
}
