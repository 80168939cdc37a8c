import { plainWords } from './plain-words.ts';

/**
 * Whether a command for `bash -c` does nothing but read, so that it may run without asking. The list of programs and
 * of their flags is tiny on purpose, and what is not on it is not read-only: one simple command of plain words, no
 * operators, no path to the program, no file under /proc, /dev or /sys. It is a convenience and not a boundary: it says
 * nothing about secrets in files, nor about where links lead.
 */
export function isPlainlyReadOnly(command: string): boolean {
  const [name, ...words] = plainWords(command) ?? [];
  if (name === undefined || !Object.hasOwn(PROGRAMS, name)) return false;
  const program = PROGRAMS[name];
  return program !== undefined && wordsAllowed(program, words);
}

/** Which words a program may be given. Single letters may be joined: `-la`. */
type Program = Readonly<{
  /** Letters of flags without a value. */
  flags?: string;
  /** Letters of flags that take a value, in the same word or the next. */
  valued?: string;
  /** What such a value must look like. */
  value?: RegExp;
  /** Long flags, without their dashes; one that ends in `=` takes any value. */
  long?: readonly string[];
  /** May be given a count as `-20`. */
  count?: true;
  /** May be given words that are no flags: files (the default), any text, or none. */
  operands?: 'files' | 'text' | 'none';
  /** Goes through directories with one of these flags, or by itself: then only below the working directory. */
  recursive?: 'always' | readonly string[];
}>;

const COUNT = /^[+-]?\d{1,15}$/;

const PROGRAMS: Readonly<Record<string, Program>> = {
  ls: {
    flags: 'aAlhrtSRd1Fisp',
    long: ['all', 'almost-all', 'human-readable', 'reverse', 'recursive', 'directory', 'inode', 'size'],
    recursive: ['R', 'recursive'],
  },
  pwd: { flags: 'LP', operands: 'none' },
  cat: { flags: 'nbsEvTAet', long: ['number', 'number-nonblank', 'squeeze-blank', 'show-all'] },
  head: { flags: 'qv', valued: 'nc', value: COUNT, count: true },
  tail: { flags: 'qv', valued: 'nc', value: COUNT, count: true },
  wc: { flags: 'lwcmL', long: ['lines', 'words', 'bytes', 'chars'] },
  nl: { valued: 'bwv', value: /^[atn]$|^\d{1,9}$/ },
  stat: { flags: 'Lt', valued: 'c' },
  echo: { flags: 'neE', operands: 'text' },
  true: { operands: 'none' },
  false: { operands: 'none' },
  uname: { flags: 'asnrvmpio', operands: 'none' },
  whoami: { operands: 'none' },
  id: { flags: 'ugGnr', operands: 'text' },
  date: { operands: 'none' },
  grep: {
    flags: 'EFGivwxnHhlLcoqsrI',
    valued: 'ABCme',
    long: [
      ...['ignore-case', 'line-number', 'count', 'files-with-matches', 'files-without-match', 'only-matching'],
      ...['invert-match', 'word-regexp', 'extended-regexp', 'fixed-strings', 'recursive', 'no-messages'],
      ...['include=', 'exclude=', 'exclude-dir=', 'max-count=', 'regexp='],
    ],
    recursive: ['r', 'recursive'],
  },
  rg: {
    flags: 'iSsnNHIvwxclFou',
    valued: 'ABCmegtT',
    long: [
      ...['ignore-case', 'smart-case', 'line-number', 'count', 'files-with-matches', 'only-matching', 'files'],
      ...['invert-match', 'word-regexp', 'fixed-strings', 'hidden', 'no-ignore', 'no-heading', 'heading'],
      ...['glob=', 'type=', 'max-count=', 'max-depth=', 'regexp='],
    ],
    recursive: 'always',
  },
};

function wordsAllowed(program: Program, words: readonly string[]): boolean {
  const operands: string[] = [];
  const recursiveFlags = program.recursive === 'always' ? [] : (program.recursive ?? []);
  let recursive = program.recursive === 'always';
  let onlyOperands = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (onlyOperands || !word.startsWith('-') || word === '-') {
      operands.push(word);
    } else if (word === '--') {
      onlyOperands = true;
    } else {
      const flag = readFlag(program, word, words[at + 1]);
      if (flag === null) return false;
      if (flag.takesNext) at += 1;
      recursive ||= flag.names.some((name) => recursiveFlags.includes(name));
    }
  }
  switch (program.operands ?? 'files') {
    case 'none':
      return operands.length === 0;
    case 'text':
      return true;
    case 'files':
      return operands.every((operand) => mayRead(operand, recursive));
  }
}

type Flag = Readonly<{ names: readonly string[]; takesNext: boolean }>;

/** What a flag means; null when the program may not be given it. */
function readFlag(program: Program, word: string, next: string | undefined): Flag | null {
  if (word.startsWith('--')) {
    const name = word.slice(2);
    const equals = name.indexOf('=');
    const listed = equals < 0 ? name : name.slice(0, equals + 1);
    return program.long?.includes(listed) ? { names: [listed], takesNext: false } : null;
  }
  if (program.count && /^-\d{1,9}$/.test(word)) return { names: [], takesNext: false };
  const letters = word.slice(1);
  for (const [at, letter] of [...letters].entries()) {
    if (program.flags?.includes(letter)) continue;
    if (!program.valued?.includes(letter)) return null;
    const joined = letters.slice(at + 1);
    const value = joined === '' ? next : joined;
    if (value === undefined || program.value?.test(value) === false) return null;
    return { names: [...letters.slice(0, at + 1)], takesNext: joined === '' };
  }
  return { names: [...letters], takesNext: false };
}

/** Directories whose files are not files: reading them tells secrets of other processes, or does something. */
const NOT_FILES = ['proc', 'dev', 'sys'];

function mayRead(path: string, recursive: boolean): boolean {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) return false;
  if (!path.startsWith('/')) return true;
  return !recursive && segments[0] !== undefined && !NOT_FILES.includes(segments[0]);
}
