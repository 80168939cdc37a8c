import { mayRead, namesSecret } from './readable-paths.ts';

/** Which words a program may be given. Single letters may be joined: `-la`. */
export type Program = Readonly<{
  /** Letters of flags without a value. */
  flags?: string;
  /** Letters of flags that take a value, in the same word or the next. */
  valued?: string;
  /** What such a value must look like. */
  value?: RegExp;
  /** Long flags, without their dashes: `name` takes no value, `name=` needs one, `name[=]` may have one. */
  long?: string;
  /** May be given a count as `-20`. */
  count?: true;
  /** Words that are no flags: files (the default), any text, none, or what fits. */
  operands?: 'files' | 'text' | 'none' | RegExp;
  /** How many of them at most. */
  operandsMax?: number;
  /** None of them but beside one of these flags. */
  operandsWith?: readonly string[];
  /** The first of them is no file, unless one of these flags gave it already. */
  pattern?: readonly string[];
  /** Goes through directories with one of these flags, or by itself: then only below the working directory. */
  recursive?: 'always' | readonly string[];
}>;

/** What is known about where a command runs. */
export type Surroundings = Readonly<{
  /** The directory of the work: absolute. */
  workspace: string;
  /** Whether a sandbox keeps the command from writing and from the network. */
  confined: boolean;
}>;

/** Whether a program may be given these words. */
export function wordsAllowed(program: Program, words: readonly string[], { workspace }: Surroundings): boolean {
  const read = readWords(program, words);
  if (read === null) return false;
  const { names, operands } = read;
  if (operands.length > (program.operandsMax ?? operands.length)) return false;
  if (operands.length > 0 && program.operandsWith?.some((name) => names.includes(name)) === false) return false;
  const kind = program.operands ?? 'files';
  if (kind === 'none') return operands.length === 0;
  if (kind === 'text') return true;
  if (kind instanceof RegExp) return operands.every((operand) => kind.test(operand));
  const recursive = program.recursive === 'always' || (program.recursive ?? []).some((name) => names.includes(name));
  const hasPattern = program.pattern !== undefined && !program.pattern.some((name) => names.includes(name));
  return operands.slice(hasPattern ? 1 : 0).every((operand) => mayRead(operand, { recursive, workspace }));
}

type ReadWords = Readonly<{ names: readonly string[]; operands: readonly string[] }>;

/** The flags by their names, and the words that are none; null when a flag is not listed. */
function readWords(program: Program, words: readonly string[]): ReadWords | null {
  const names: string[] = [];
  const operands: string[] = [];
  let at = 0;
  for (let word = words[at]; word !== undefined; at += 1, word = words[at]) {
    if (word === '--') return { names, operands: [...operands, ...words.slice(at + 1)] };
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    const flag = readFlag(program, word, words[at + 1]);
    if (flag === null) return null;
    if (flag.takesNext) at += 1;
    names.push(...flag.names);
    if (GLOBS.has(flag.names.at(-1) ?? '') && namesSecret(flag.value)) return null;
  }
  return { names, operands };
}

/** Flags whose value says which files are read. */
const GLOBS = new Set(['g', 'glob', 'iglob', 'include']);

/** `value` is empty where there is none. */
type Flag = Readonly<{ names: readonly string[]; takesNext: boolean; value: string }>;

function readFlag(program: Program, word: string, next: string | undefined): Flag | null {
  return word.startsWith('--') ? readLong(program, word.slice(2), next) : readShort(program, word.slice(1), next);
}

function readLong({ long = '' }: Program, word: string, next: string | undefined): Flag | null {
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const listed = long.split(' ');
  const found = { names: [name], takesNext: false, value: equals < 0 ? '' : word.slice(equals + 1) };
  // An empty name is listed nowhere, though an empty list has one.
  if (name === '') return null;
  if (listed.includes(`${name}[=]`)) return found;
  if (listed.includes(`${name}=`)) {
    return equals >= 0 ? found : next === undefined ? null : { ...found, takesNext: true, value: next };
  }
  return equals < 0 && listed.includes(name) ? found : null;
}

function readShort({ flags, valued, value, count }: Program, letters: string, next: string | undefined): Flag | null {
  if (count && /^\d{1,9}$/.test(letters)) return { names: [], takesNext: false, value: '' };
  for (const [at, letter] of [...letters].entries()) {
    if (flags?.includes(letter)) continue;
    if (!valued?.includes(letter)) return null;
    const joined = letters.slice(at + 1);
    const given = joined === '' ? next : joined;
    if (given === undefined || value?.test(given) === false) return null;
    return { names: [...letters.slice(0, at + 1)], takesNext: joined === '', value: given };
  }
  return { names: [...letters], takesNext: false, value: '' };
}
