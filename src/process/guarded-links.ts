import { lstatSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import type { Link } from './bubblewrap-arguments.ts';

/**
 * Puts back what a command has made of guarded links: nothing can be mounted on a link, so this is found only afterwards.
 * What stood there instead is kept beside. Gives a sentence for each.
 */
export function changedLinks(links: readonly Link[]): readonly string[] {
  return links.flatMap((link) => {
    const { path, target } = link;
    if (targetOf(path) === target) return [];
    try {
      const aside = lstatSync(path, { throwIfNoEntry: false }) === undefined ? null : `${path}.replaced-${Date.now()}`;
      if (aside !== null) renameSync(path, aside);
      symlinkSync(target, path);
      return [
        `${path} is protected and was changed by the command: it is a link to ${target} again` +
          (aside === null ? '.' : `, and what stood there is ${aside}. Look at it before you use it.`),
      ];
    } catch {
      return [
        `${path} is protected, was changed by the command, and could not be put back. It was a link to ${target}.`,
      ];
    }
  });
}

function targetOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
