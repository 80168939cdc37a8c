import { type Program, type Surroundings, wordsAllowed } from './program-words.ts';
import { mayEnter } from './readable-paths.ts';

const DIFF_FLAGS = 'puRabwzMC';
const DIFF_LONG =
  'stat[=] numstat shortstat dirstat[=] name-only name-status summary patch raw no-patch unified= word-diff[=] color[=] ' +
  'no-color color-words[=] no-ext-diff no-textconv ignore-all-space ignore-space-change ignore-space-at-eol ' +
  'ignore-blank-lines diff-filter= find-renames[=] find-copies[=] no-renames check quiet exit-code minimal patience ' +
  'histogram relative[=] no-prefix function-context full-index abbrev[=] text pickaxe-all pickaxe-regex';
const LOG_LONG =
  'oneline graph decorate[=] no-decorate all branches[=] tags[=] remotes[=] max-count= skip= since= until= after= ' +
  'before= author= committer= grep= all-match invert-grep regexp-ignore-case extended-regexp fixed-strings format= ' +
  'pretty[=] abbrev-commit no-abbrev-commit merges no-merges first-parent reverse date= follow topo-order date-order ' +
  'left-right cherry-pick cherry-mark ancestry-path simplify-by-decoration no-walk[=] shortstat parents children ' +
  'full-history';
const LOG: Program = {
  flags: `${DIFF_FLAGS}iEFs`,
  valued: 'nUSGL',
  count: true,
  long: `${DIFF_LONG} ${LOG_LONG}`,
};

/** Without one of these a name makes a branch, or a tag. */
const LISTING = ['list', 'merged', 'no-merged', 'contains', 'no-contains', 'points-at'];
const LISTING_LONG =
  'list merged[=] no-merged[=] contains[=] no-contains[=] points-at= format= sort= column[=] no-color ignore-case';

const COMMANDS: Readonly<Record<string, Program>> = {
  status: {
    flags: 'sbvuz',
    long: 'short branch porcelain[=] long verbose untracked-files[=] ignored[=] show-stash no-renames ahead-behind',
  },
  diff: { flags: DIFF_FLAGS, valued: 'USG', long: `${DIFF_LONG} cached staged merge-base` },
  log: LOG,
  show: LOG,
  shortlog: { flags: 'snec', long: 'summary numbered email all no-merges since= until= author=' },
  blame: {
    flags: 'wMCesltfnp',
    valued: 'L',
    long: 'porcelain line-porcelain date= abbrev[=] show-email show-name show-number root',
  },
  'rev-parse': {
    flags: 'q',
    long:
      'abbrev-ref[=] short[=] verify quiet show-toplevel show-prefix show-cdup git-dir git-common-dir absolute-git-dir ' +
      'is-inside-work-tree is-inside-git-dir is-bare-repository is-shallow-repository symbolic-full-name all branches[=] ' +
      'tags[=] remotes[=]',
    operands: 'text',
  },
  'rev-list': { long: LOG_LONG.concat(' count objects'), flags: 'n', operands: 'text' },
  'ls-files': {
    flags: 'cdmoiskutvz',
    valued: 'x',
    long: 'cached deleted modified others ignored stage unmerged exclude-standard full-name exclude= error-unmatch eol directory',
  },
  'ls-tree': { flags: 'rdtlz', long: 'name-only name-status full-name full-tree long abbrev[=]', operands: 'text' },
  'cat-file': { flags: 'tspe', operands: 'text' },
  describe: { long: 'tags all always dirty[=] abbrev[=] long match= exclude= exact-match contains', operands: 'text' },
  'merge-base': { flags: 'a', long: 'all is-ancestor octopus fork-point independent', operands: 'text' },
  'for-each-ref': {
    long: 'format= sort= count= contains[=] no-contains[=] merged[=] no-merged[=] points-at=',
    operands: 'text',
  },
  'show-ref': { flags: 'dsq', long: 'heads tags branches verify hash[=] dereference quiet', operands: 'text' },
  'check-ignore': { flags: 'vnqz', long: 'verbose non-matching quiet no-index' },
  'count-objects': { flags: 'vH', long: 'verbose human-readable', operands: 'none' },
  grep: {
    flags: 'nilLcwEFGPIvhHqpWo',
    valued: 'ABCme',
    long:
      'line-number ignore-case files-with-matches files-without-match name-only count word-regexp extended-regexp ' +
      'fixed-strings perl-regexp basic-regexp invert-match quiet heading break cached untracked show-function ' +
      'function-context only-matching column and or not all-match max-depth= context= color[=]',
    pattern: ['e'],
  },
  branch: {
    flags: 'avr',
    long: `all remotes verbose show-current abbrev[=] ${LISTING_LONG}`,
    operands: 'text',
    operandsWith: LISTING,
  },
  tag: { flags: 'l', long: LISTING_LONG, operands: 'text', operandsWith: ['l', ...LISTING] },
  version: { long: 'build-options', operands: 'none' },
};

/** Those whose words say whether they read or write. */
const SPECIAL: Readonly<Record<string, (words: readonly string[], around: Surroundings) => boolean>> = {
  remote: ([first, ...names]) =>
    first === undefined ||
    (names.length === 0 && (first === '-v' || first === '--verbose')) ||
    (first === 'get-url' && names.length === 1 && !names[0]?.startsWith('-')),
  stash: ([first, ...words], around) =>
    (first === 'list' || first === 'show') && wordsAllowed({ ...LOG, operands: 'text' }, words, around),
  reflog: ([first, ...words], around) =>
    first === undefined || (first === 'show' && wordsAllowed({ ...LOG, operands: 'text' }, words, around)),
  worktree: ([first, ...words]) =>
    first === 'list' && (words.length === 0 || words[0] === '--porcelain') && words.length < 2,
  config: ([first, name = '', ...rest]) =>
    (first === '--get' || first === 'get') &&
    rest.length === 0 &&
    /^(?:user\.(?:name|email)|core\.[a-z]+|init\.defaultbranch|remote\.[\w-]+\.url|branch\.[\w./-]+\.(?:remote|merge))$/i.test(
      name,
    ),
};

/** Whether git, given these words, only reads: commands and flags that are listed, and files of the workspace. */
export function gitOnlyReads(words: readonly string[], around: Surroundings): boolean {
  const [first, ...rest] = words;
  if (first === '--no-pager' || first === '--no-optional-locks') return gitOnlyReads(rest, around);
  if (first === '-C') return mayEnter(rest[0] ?? '', around.workspace) && gitOnlyReads(rest.slice(1), around);
  if (first === '--version') return rest.length === 0;
  if (first === undefined) return false;
  const special = Object.hasOwn(SPECIAL, first) ? SPECIAL[first] : undefined;
  if (special !== undefined) return special(rest, around);
  const command = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  return command !== undefined && wordsAllowed(command, rest, around);
}
