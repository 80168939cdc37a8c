import { baseName, hasComputed, hasLetter, hasLong, type LooseWord } from './command-words.ts';
import { gitDestroys } from './destructive-git.ts';
import type { ReachedCommand } from './reached-commands.ts';

/**
 * What a command does to the user's work that nobody can undo, in words for people; null when none is known. A sandbox does
 * not help against it: the workspace is writable inside. Where an option is computed it may be the one that destroys.
 */
export function destructionBy({ words: [name, ...words], repeated }: ReachedCommand): string | null {
  if (typeof name !== 'string') return null;
  const program = baseName(name);
  if (repeated && DELETING.has(program)) return `\`${program}\` deletes files that the command does not name.`;
  const destroys = Object.hasOwn(PROGRAMS, program) ? PROGRAMS[program] : undefined;
  const what = destroys?.(words) ?? null;
  return what === null ? null : `\`${program}\` ${what}`;
}

const DELETING = new Set(['rm', 'rmdir', 'unlink', 'shred', 'truncate']);

type Destroys = (words: readonly LooseWord[]) => string | null;

const PROGRAMS: Readonly<Record<string, Destroys>> = {
  rm: (words) =>
    hasLetter(words, 'rRf') || hasLong(words, 'recursive', 'force', 'no-preserve-root') || mayBeOption(words)
      ? 'deletes without asking, or whole directories.'
      : null,
  shred: () => 'overwrites files for good.',
  srm: () => 'overwrites files for good.',
  wipe: () => 'overwrites files for good.',
  truncate: () => 'cuts files.',
  dd: (words) => (hasComputed(words) || words.some((word) => word?.startsWith('of=')) ? 'overwrites a file.' : null),
  chmod: recursively('changes the permissions of whole directories.'),
  chown: recursively('changes the owner of whole directories.'),
  chgrp: recursively('changes the group of whole directories.'),
  find: (words) => {
    if (words.includes('-delete')) return 'deletes what it finds.';
    return words.some((word) => word?.startsWith('-fprint') || word === '-fls') ? 'overwrites a file.' : null;
  },
  rsync: (words) =>
    hasLong(words, 'delete', 'delete-before', 'delete-after', 'delete-excluded', 'remove-source-files')
      ? 'deletes files.'
      : null,
  tar: (words) => (hasLong(words, 'remove-files') ? 'deletes what it packs.' : null),
  git: gitDestroys,
  hg: ([command]) => (command === 'purge' || command === 'revert' ? 'throws changes away.' : null),
  svn: ([command]) => (command === 'revert' || command === 'cleanup' ? 'throws changes away.' : null),
  crontab: (words) => (hasLetter(words, 'r') ? 'deletes all its entries.' : null),
  systemctl: (words) => (words.some((word) => word !== null && STOPPING.has(word)) ? 'stops this machine.' : null),
};

const STOPPING = new Set(['poweroff', 'reboot', 'halt', 'kexec', 'suspend', 'hibernate', 'rescue', 'emergency']);

function recursively(what: string): Destroys {
  return (words) => (hasLetter(words, 'R') || hasLong(words, 'recursive') || mayBeOption(words) ? what : null);
}

/** Whether a computed word stands where an option could: before the first that is none, and before `--`. */
function mayBeOption(words: readonly LooseWord[]): boolean {
  const first = words.find((word) => word === null || word === '--' || !word.startsWith('-'));
  return first === null;
}
