import { type Surroundings, wordsAllowed } from './program-words.ts';
import { mayEnter, mayRead } from './readable-paths.ts';

type OnlyReads = (words: readonly string[], around: Surroundings) => boolean;

/** Programs whose words have a grammar of their own. */
export const SPECIAL_PROGRAMS: Readonly<Record<string, OnlyReads>> = {
  echo: (words, around) => wordsAllowed({ flags: 'neE', operands: 'text' }, words, around),
  pwd: (words, around) => wordsAllowed({ flags: 'LP', operands: 'none' }, words, around),
  true: nothing,
  false: nothing,
  ':': nothing,
  // Later parts run there; CDPATH is not in their environment.
  cd: ([place, ...more], { workspace }) => place !== undefined && more.length === 0 && mayEnter(place, workspace),
  // Only tells what would run.
  command: ([flag, ...names]) => (flag === '-v' || flag === '-V') && names.every(isName),
  type: (words) => words.every(isName),
  printf: ([format = '', ...values]) => isPrintFormat(format) && !values.includes('--'),
  test: testOnlyReads,
  '[': (words) => words.at(-1) === ']' && testOnlyReads(words.slice(0, -1)),
  find: findOnlyReads,
  sed: sedOnlyReads,
  jq: jqOnlyReads,
  ...tellingVersion('-v --version', 'node npm'),
  ...tellingVersion('-V --version', 'python python3'),
  ...tellingVersion('-version --version', 'java'),
  ...tellingVersion('--version', 'bash gcc g++ cc clang make cmake perl ruby curl docker tar gh uv'),
};

/**
 * Programs of which only the version may be asked. Left out are those that choose another one of themselves by what stands
 * in the workspace: `cargo`, `rustc`, `go`, `yarn`, `pnpm`.
 */
function tellingVersion(flags: string, names: string): Readonly<Record<string, OnlyReads>> {
  const tells: OnlyReads = ([flag, ...more]) =>
    flag !== undefined && more.length === 0 && flags.split(' ').includes(flag);
  return Object.fromEntries(names.split(' ').map((name) => [name, tells]));
}

function nothing(words: readonly string[]): boolean {
  return words.length === 0;
}

function isName(word: string): boolean {
  return /^[\w.+][\w.+-]*$/.test(word);
}

/** No option (`-v` sets a variable), and no directive that is not known: `%n` sets one, too. */
function isPrintFormat(format: string): boolean {
  return /^(?!-)(?:[^%]|%(?:%|[-+ 0#]*\d{0,4}(?:\.\d{0,4})?[sbqdiuxXocfeg]))*$/s.test(format);
}

/** `-v` and `-R` look into a variable, and run what stands in its index; they are not among these. */
const TEST_OPERATORS = new Set([
  ...['-a', '-b', '-c', '-d', '-e', '-f', '-g', '-h', '-k', '-n', '-o', '-p', '-r', '-s', '-t', '-u', '-w', '-x', '-z'],
  ...['-G', '-L', '-N', '-O', '-S', '-eq', '-ne', '-lt', '-le', '-gt', '-ge', '-nt', '-ot', '-ef'],
]);

function testOnlyReads(words: readonly string[]): boolean {
  return words.every((word) => !word.startsWith('-') || TEST_OPERATORS.has(word));
}

/** What `find` may be told to look at and to print; with a value, and without. */
const FIND_VALUED = new Set([
  ...['-name', '-iname', '-path', '-ipath', '-wholename', '-iwholename', '-regex', '-iregex', '-regextype', '-lname'],
  ...['-type', '-xtype', '-maxdepth', '-mindepth', '-size', '-perm', '-user', '-group', '-links', '-inum', '-fstype'],
  ...['-mtime', '-mmin', '-atime', '-amin', '-ctime', '-cmin', '-newermt', '-printf'],
]);
const FIND_PLAIN = new Set([
  ...['-print', '-print0', '-ls', '-prune', '-quit', '-depth', '-xdev', '-mount', '-empty', '-readable', '-writable'],
  ...['-executable', '-daystart', '-nouser', '-nogroup', '-true', '-false', '-not', '-and', '-or', '-a', '-o'],
  ...['!', '(', ')', ','],
]);

function findOnlyReads(words: readonly string[], { workspace }: Surroundings): boolean {
  const begins = words.findIndex((word) => /^[-(),!]/.test(word));
  const places = begins < 0 ? words : words.slice(0, begins);
  if (!places.every((place) => mayRead(place, { recursive: true, workspace }))) return false;
  let at = places.length;
  for (let word = words[at]; word !== undefined; at += 1, word = words[at]) {
    if (FIND_PLAIN.has(word)) continue;
    if (!FIND_VALUED.has(word) || words[at + 1] === undefined) return false;
    at += 1;
  }
  return true;
}

/** Only what prints lines by their numbers: `sed` writes files (`w`), runs commands (`e`) and edits in place. */
function sedOnlyReads([quiet, script = '', ...files]: readonly string[], { workspace }: Surroundings): boolean {
  return (
    quiet === '-n' &&
    /^\d{1,9}(?:,(?:\d{1,9}|\$))?p(?:; ?\d{1,9}(?:,(?:\d{1,9}|\$))?p)*$|^\$p$/.test(script) &&
    files.every((file) => !/^-./.test(file) && mayRead(file, { recursive: false, workspace }))
  );
}

const JQ_FLAGS = {
  flags: 'rcnSejCMas',
  long: 'raw-output compact-output null-input sort-keys exit-status slurp tab indent=',
};

/** A program that takes in others reads files that no word names. */
function jqOnlyReads(words: readonly string[], around: Surroundings): boolean {
  if (words.some((word) => /\b(?:import|include|modulemeta|get_search_list|input_filename|env|ENV)\b/.test(word))) {
    return false;
  }
  return wordsAllowed({ ...JQ_FLAGS, pattern: [] }, words, around);
}
