import type { BashGrammar, BashNode } from './bash-grammar.ts';
import { baseName, isOption, type LooseWord } from './command-words.ts';

/** Every simple command that a text shows it may run, at any depth. */
export type Reached = Readonly<{
  commands: readonly ReachedCommand[];
  /** What of it could not be seen, in words for people; null when everything was. */
  unseen: string | null;
}>;
export type ReachedCommand = Readonly<{
  words: readonly LooseWord[];
  /** Runs for things that are not named: by `xargs` or `find -exec`. */
  repeated: boolean;
}>;

/** How deep code may stand in code: `bash -c "bash -c '…'"`. */
const DEPTH_MAX = 8;

/**
 * Goes through the tree of a text, into substitutions, functions and loops, through programs that run others (`env`,
 * `xargs`, `timeout`) and into code given as a word (`bash -c`, `eval`). It finds what the words show, to be warned of;
 * it proves nothing.
 */
export function reachedInTree(root: BashNode, parse: Parse): Reached {
  return gathered((found) => walkAll(root, found, parse, 0));
}

/** The same for the words of one simple command. */
export function reachedByWords(words: readonly LooseWord[], parse: Parse): Reached {
  return gathered((found) => reach({ words, repeated: false }, found, parse, 0));
}

export type Parse = Extract<BashGrammar, { status: 'ready' }>['parse'];

type Found = { readonly commands: ReachedCommand[]; unseen: string | null };

function gathered(gather: (found: Found) => void): Reached {
  const found: Found = { commands: [], unseen: null };
  gather(found);
  return found;
}

/**
 * Bash joins a line that ends in a backslash to the next before it looks for words, and the grammar ends a word there: so a
 * text is looked at both as it is and joined. Both, because in a comment nothing is joined.
 */
function walkAll(root: BashNode, found: Found, parse: Parse, depth: number): void {
  walk(root, found, parse, depth);
  if (!root.text.includes(GOES_ON)) return;
  const joined = parse(root.text.replaceAll(GOES_ON, ''));
  if (joined === null) found.unseen ??= 'A line in it goes on in the next, and it could not be read as one.';
  else walk(joined, found, parse, depth);
}

const GOES_ON = '\\\n';

function walk(node: BashNode, found: Found, parse: Parse, depth: number): void {
  if (node.type === 'command' && !isArithmetic(node))
    reach({ words: looseWords(node), repeated: false }, found, parse, depth);
  for (const child of node.children) walk(child, found, parse, depth);
}

function reach(command: ReachedCommand, found: Found, parse: Parse, depth: number): void {
  found.commands.push(command);
  const [name, ...words] = command.words;
  if (name === undefined) return;
  if (name === null || /[*?~{]|\[./.test(name)) {
    found.unseen ??= 'The name of a program in it is computed.';
    return;
  }
  if (depth >= DEPTH_MAX) {
    found.unseen ??= 'Commands stand in it within commands, too deep to be judged.';
    return;
  }
  const program = baseName(name);
  for (const code of codeIn(program, words)) {
    const root = code === null ? null : parse(code);
    if (root === null) found.unseen ??= `\`${program}\` in it runs code that cannot be judged before it runs.`;
    else walkAll(root, found, parse, depth + 1);
  }
  for (const wrapped of wrappedIn(program, words)) reach(wrapped, found, parse, depth + 1);
}

/** `((…))` is a command without a program. */
function isArithmetic({ text }: BashNode): boolean {
  return text.startsWith('((');
}

function looseWords({ children }: BashNode): readonly LooseWord[] {
  return children.filter(({ type }) => !BESIDE_WORDS.has(type)).map(looseWord);
}

const BESIDE_WORDS = new Set(['variable_assignment', 'file_redirect', 'heredoc_redirect', 'herestring_redirect']);

function looseWord(node: BashNode): LooseWord {
  const { type, text, children } = node;
  switch (type) {
    case 'command_name':
    case 'concatenation': {
      const parts = children.map(looseWord);
      return parts.includes(null) ? null : parts.join('');
    }
    case 'word':
    case 'number':
      return children.length === 0 ? text.replace(/\\(.)/gs, unescaped) : null;
    case 'raw_string':
      return text.slice(1, -1);
    case 'string':
      return children.every(({ type }) => type === '"' || type === 'string_content')
        ? text.slice(1, -1).replace(/\\([\n"$`\\])/g, unescaped)
        : null;
    default:
      return null;
  }
}

function unescaped(_: string, character: string): string {
  return character === '\n' ? '' : character;
}

const SHELLS = new Set(['bash', 'sh', 'dash', 'zsh', 'ksh', 'mksh', 'ash', 'fish', 'rbash']);

/** The texts that a program runs as code of bash; null for one that is computed or comes by its input. */
function codeIn(program: string, words: readonly LooseWord[]): readonly LooseWord[] {
  if (program === 'eval') return words.length === 0 ? [] : [words.includes(null) ? null : words.join(' ')];
  if (program === 'trap') return words.slice(0, 1).filter((word) => word === null || !isOption(word));
  return SHELLS.has(program) ? shellCode(words) : [];
}

function shellCode(words: readonly LooseWord[]): readonly LooseWord[] {
  let takesCode = false;
  let valueFollows = false;
  for (const word of words) {
    if (valueFollows) valueFollows = false;
    else if (word === null) return [null];
    else if (/^[-+]./.test(word) && word !== '--') {
      if (word === '--version' || word === '--help') return [];
      if (!word.startsWith('--') && word.includes('s')) return [null];
      takesCode ||= /^-[^-]*c/.test(word);
      valueFollows = /^[-+][^-]*[oO]$/.test(word) || word === '--rcfile' || word === '--init-file';
    } else if (word !== '--') return takesCode ? [word] : [];
  }
  return [null];
}

/** Programs that run another one, which their words name, and how many words of their own stand before its name. */
const WRAPPERS: Readonly<Record<string, number>> = {
  ...{ env: 0, command: 0, exec: 0, builtin: 0, nice: 0, ionice: 0, timeout: 1, nohup: 0, time: 0, stdbuf: 0 },
  ...{ setsid: 0, xargs: 0, watch: 0, parallel: 0, flock: 1, strace: 0, ltrace: 0, busybox: 0, toybox: 0, unshare: 0 },
  ...{ nsenter: 0, chroot: 1, chrt: 1, taskset: 1, coproc: 0, script: 0, unbuffer: 0, caffeinate: 0, prlimit: 0 },
  ...{ sudo: 0, doas: 0, pkexec: 0, setpriv: 0, runuser: 0 },
};

/** Whether a program is there to run another one. */
export function isWrapper(program: string): boolean {
  return Object.hasOwn(WRAPPERS, program) || SHELLS.has(program) || program === 'eval' || program === 'find';
}

/** Their last words come from somewhere else. */
const FEEDING = new Set(['xargs', 'parallel']);

function wrappedIn(program: string, words: readonly LooseWord[]): readonly ReachedCommand[] {
  if (program === 'find' || program === 'fd' || program === 'fdfind') return executedBy(words);
  const own = Object.hasOwn(WRAPPERS, program) ? WRAPPERS[program] : undefined;
  if (own === undefined || (program === 'command' && words.some((word) => word === '-v' || word === '-V'))) return [];
  const repeated = FEEDING.has(program);
  return startsIn(words, own).map((at) => ({
    words: repeated ? [...words.slice(at), null] : words.slice(at),
    repeated,
  }));
}

/**
 * Where the name of the wrapped program may stand: after the wrapper's own words, options, and assignments. An option may
 * take the next word as its value, so that after one there are two places.
 */
function startsIn(words: readonly LooseWord[], own: number): readonly number[] {
  const starts: number[] = [];
  let left = own;
  let afterOption = false;
  for (const [at, word] of words.entries()) {
    if (word === null) continue;
    if (isOption(word)) {
      afterOption = word !== '--' && !word.includes('=');
      continue;
    }
    if (/^[A-Za-z_]\w*=/.test(word)) continue;
    if (left > 0 && !afterOption) {
      left -= 1;
      continue;
    }
    starts.push(at);
    if (!afterOption) return starts;
    afterOption = false;
  }
  return starts;
}

const EXECUTING = new Set(['-exec', '-execdir', '-ok', '-okdir', '-x', '-X', '--exec', '--exec-batch']);

function executedBy(words: readonly LooseWord[]): readonly ReachedCommand[] {
  return words.flatMap((word, at) => {
    if (word === null || !EXECUTING.has(word)) return [];
    const rest = words.slice(at + 1);
    const end = rest.findIndex((each) => each === ';' || each === '+');
    return [{ words: end < 0 ? rest : rest.slice(0, end), repeated: true }];
  });
}
