import { hasLetter, hasLong, type LooseWord, operandsOf } from './command-words.ts';

/** What a git command, given without its `git`, does to work that is in no commit or on a server; null when none is known. */
export function gitDestroys(words: readonly LooseWord[]): string | null {
  const [before, [command, ...rest]] = split(words);
  if (before.some((word) => word?.includes('!') || /^alias\./i.test(word ?? ''))) return 'runs what an alias says.';
  if (command === undefined) return null;
  if (command === null) return 'is given a command that is computed.';
  const destroys = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  return destroys?.(rest, operandsOf(rest)) ? `${command} ${WHAT[command] ?? 'throws changes away.'}` : null;
}

/** Options of git itself that take the next word. */
const VALUED = new Set(['-C', '-c', '--git-dir', '--work-tree', '--namespace', '--exec-path', '--config-env']);

/** The options of git itself, and the command with its words. */
function split(words: readonly LooseWord[]): readonly [readonly LooseWord[], readonly LooseWord[]] {
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? null;
    if (word === null || !word.startsWith('-')) break;
    at += VALUED.has(word) ? 2 : 1;
  }
  return [words.slice(0, at), words.slice(at)];
}

const WHAT: Readonly<Record<string, string>> = {
  push: 'overwrites or deletes what others see.',
  branch: 'deletes a branch.',
  tag: 'deletes a tag.',
  stash: 'deletes what was put away.',
  clean: 'deletes files that git does not know.',
  rm: 'deletes files.',
  'filter-branch': 'rewrites the history.',
  'filter-repo': 'rewrites the history.',
  reflog: 'deletes the way back to lost commits.',
  gc: 'deletes the way back to lost commits.',
  prune: 'deletes the way back to lost commits.',
  'update-ref': 'moves or deletes a branch.',
  worktree: 'deletes a work tree.',
};

type Destroys = (words: readonly LooseWord[], operands: readonly LooseWord[]) => boolean;

const always: Destroys = () => true;

const COMMANDS: Readonly<Record<string, Destroys>> = {
  reset: (words) => hasLong(words, 'hard', 'merge', 'keep') || words.includes(null),
  clean: (words) => !(hasLetter(words, 'n') || hasLong(words, 'dry-run')) || words.includes(null),
  // With a path it takes files back; without one it changes the branch, and stops where work would be lost.
  checkout: (words, operands) =>
    words.includes('--') ||
    words.includes(null) ||
    hasLetter(words, 'fBp') ||
    hasLong(words, 'force', 'ours', 'theirs', 'patch', 'pathspec-from-file') ||
    (operands.length > 1 && !hasLetter(words, 'b') && !hasLong(words, 'orphan', 'track')) ||
    operands.some((operand) => operand !== null && /^(?:\.|:|.*[*?/.]$|.*\.\w{1,5}$)/.test(operand)),
  restore: (words) => !hasLong(words, 'staged') || hasLetter(words, 'W') || hasLong(words, 'worktree'),
  switch: (words) => hasLetter(words, 'fC') || hasLong(words, 'force', 'discard-changes', 'force-create'),
  push: (words, operands) =>
    words.includes(null) ||
    hasLetter(words, 'fd') ||
    hasLong(words, 'force', 'force-with-lease', 'force-if-includes', 'mirror', 'delete', 'prune') ||
    operands.some((operand) => operand?.startsWith('+') || operand?.startsWith(':')),
  branch: (words) => hasLetter(words, 'dDMCf') || hasLong(words, 'delete', 'force'),
  tag: (words) => hasLetter(words, 'df') || hasLong(words, 'delete', 'force'),
  stash: ([command]) => command === 'drop' || command === 'clear' || command === null,
  rm: (words) => hasLetter(words, 'rf') || hasLong(words, 'force'),
  reflog: ([command]) => command === 'expire' || command === 'delete',
  gc: (words) => hasLong(words, 'prune'),
  prune: always,
  'update-ref': always,
  'filter-branch': always,
  'filter-repo': always,
  'read-tree': (words) => hasLong(words, 'reset') || hasLetter(words, 'u'),
  'checkout-index': (words) => hasLetter(words, 'f') || hasLong(words, 'force'),
  worktree: ([command, ...words]) => command === 'remove' && (hasLetter(words, 'f') || hasLong(words, 'force')),
  submodule: ([command]) => command === 'deinit',
};
