import type { Program } from './program-words.ts';

const COUNT = /^[+-]?\d{1,15}$/;
const CHECKSUM: Program = { flags: 'btz', long: 'binary text tag zero' };

const LS: Program = {
  flags: 'aAlhrtSRd1FispgoGnckuxCmpBQU',
  long:
    'all almost-all human-readable reverse recursive directory inode size classify file-type full-time ' +
    'group-directories-first no-group numeric-uid-gid sort= time= time-style= ignore= color[=] format=',
  recursive: ['R', 'recursive'],
};

const GREP: Program = {
  flags: 'EFGPivwxnHhlLcoqsrIazbTy',
  valued: 'ABCme',
  long:
    'ignore-case no-ignore-case line-number count files-with-matches files-without-match only-matching invert-match ' +
    'word-regexp line-regexp extended-regexp fixed-strings basic-regexp perl-regexp recursive no-messages quiet silent ' +
    'with-filename no-filename byte-offset text null color[=] colour[=] include= exclude= exclude-dir= max-count= ' +
    'regexp= after-context= before-context= context= binary-files=',
  count: true,
  pattern: ['e', 'regexp'],
  recursive: ['r', 'recursive'],
};

const RG: Program = {
  flags: 'iSsnNHIvwxclFouaPU0p',
  valued: 'ABCmegtTrjMd',
  long:
    'ignore-case smart-case case-sensitive line-number no-line-number count count-matches files-with-matches ' +
    'files-without-match only-matching files invert-match word-regexp line-regexp fixed-strings hidden no-hidden ' +
    'no-ignore no-ignore-vcs no-messages heading no-heading with-filename no-filename multiline multiline-dotall pcre2 ' +
    'text null json stats vimgrep column pretty trim no-config type-list unrestricted glob= iglob= type= type-not= ' +
    'max-count= max-depth= max-columns= regexp= after-context= before-context= context= sort= sortr= color= colors= ' +
    'replace= threads=',
  pattern: ['e', 'regexp', 'files', 'type-list'],
  recursive: 'always',
};

const FD: Program = {
  flags: 'HIsigapF01uq',
  valued: 'edtEdS',
  long:
    'hidden no-ignore no-ignore-vcs case-sensitive ignore-case glob regex fixed-strings absolute-path ' +
    'full-path print0 quiet unrestricted type= extension= exclude= max-depth= min-depth= exact-depth= max-results= ' +
    'size= changed-within= changed-before= color=',
  pattern: [],
  recursive: 'always',
};

/**
 * The programs that only read, with the flags that are known to do no more. Left out on purpose, among many: what writes a
 * file or runs a program (`sort -o`, `rg --pre`, `tree -o`, `diff -l`, `file -C`), what reads names or patterns from files
 * (`wc --files0-from`, `grep -f`), what follows links out of the workspace (`grep -R`), what goes on for ever (`tail -f`).
 */
export const READ_ONLY_PROGRAMS: Readonly<Record<string, Program>> = {
  ls: LS,
  dir: LS,
  cat: {
    flags: 'nbsEvTAetu',
    long: 'number number-nonblank squeeze-blank show-all show-ends show-tabs show-nonprinting',
  },
  tac: {},
  rev: {},
  head: { flags: 'qv', valued: 'nc', value: COUNT, count: true, long: 'lines= bytes= quiet verbose' },
  tail: { flags: 'qv', valued: 'nc', value: COUNT, count: true, long: 'lines= bytes= quiet verbose' },
  wc: { flags: 'lwcmL', long: 'lines words bytes chars max-line-length' },
  nl: { valued: 'bwv', value: /^[atn]$|^\d{1,9}$/ },
  fold: { flags: 'bs', valued: 'w', value: COUNT },
  expand: { valued: 't', value: COUNT },
  column: { flags: 't', valued: 'sc' },
  stat: { flags: 'Lt', valued: 'c', long: 'format= terse dereference' },
  file: { flags: 'bihL', long: 'brief mime mime-type mime-encoding dereference no-dereference' },
  sort: {
    flags: 'bdfghiMnRrVcCmsuz',
    valued: 'kt',
    long:
      'reverse unique numeric-sort general-numeric-sort human-numeric-sort version-sort month-sort ignore-case ' +
      'ignore-leading-blanks dictionary-order stable check zero-terminated key= field-separator=',
  },
  uniq: {
    flags: 'cdDiuz',
    valued: 'fsw',
    value: COUNT,
    long: 'count repeated unique ignore-case skip-fields= skip-chars= check-chars=',
    operandsMax: 1,
  },
  cut: {
    flags: 'nsz',
    valued: 'bcdf',
    long: 'delimiter= fields= characters= bytes= only-delimited complement output-delimiter=',
  },
  tr: { flags: 'cCdst', long: 'complement delete squeeze-repeats truncate-set1', operands: 'text' },
  paste: { flags: 'sz', valued: 'd', long: 'serial delimiters=' },
  comm: { flags: '123z', long: 'check-order nocheck-order total' },
  join: { flags: 'i', valued: 'ajvt12o' },
  diff: {
    flags: 'qsrNuaibBwWEZtTcyed',
    valued: 'UCxIW',
    long:
      'brief report-identical-files recursive new-file text ignore-case ignore-space-change ignore-all-space ' +
      'ignore-blank-lines ignore-trailing-space unified[=] context[=] side-by-side suppress-common-lines minimal color[=] ' +
      'exclude= width= strip-trailing-cr no-dereference',
    recursive: ['r', 'recursive'],
  },
  cmp: { flags: 'bls', valued: 'ni', value: COUNT, long: 'print-bytes verbose silent quiet bytes=' },
  grep: GREP,
  egrep: GREP,
  fgrep: GREP,
  rg: RG,
  fd: FD,
  fdfind: FD,
  tree: {
    flags: 'adfilhpsugDFqNQrtUCnAvxJ',
    valued: 'LIP',
    long: 'dirsfirst gitignore noreport prune filelimit= charset= sort= matchdirs',
    recursive: 'always',
  },
  du: {
    flags: 'abchkmsSx0',
    valued: 'dtB',
    long: 'all bytes total human-readable summarize apparent-size max-depth= exclude= threshold= block-size=',
    recursive: 'always',
  },
  df: { flags: 'ahHiklmPT', valued: 'txB', long: 'all human-readable inodes print-type local total', operands: 'text' },
  basename: { flags: 'az', valued: 's', long: 'multiple suffix= zero', operands: 'text' },
  dirname: { flags: 'z', long: 'zero', operands: 'text' },
  realpath: {
    flags: 'eLmPqsz',
    long: 'canonicalize-existing canonicalize-missing logical physical quiet relative-to=',
  },
  readlink: { flags: 'femnqsvz', long: 'canonicalize canonicalize-existing canonicalize-missing no-newline' },
  which: { flags: 'a', operands: 'text' },
  uname: { flags: 'asnrvmpio', operands: 'none' },
  whoami: { operands: 'none' },
  hostname: { flags: 'fsiI', operands: 'none' },
  nproc: { long: 'all', operands: 'none' },
  arch: { operands: 'none' },
  uptime: { flags: 'ps', operands: 'none' },
  free: { flags: 'bkmghtw', operands: 'none' },
  id: { flags: 'ugGnr', operands: 'text' },
  groups: { operands: 'text' },
  date: {
    flags: 'uR',
    valued: 'd',
    long: 'utc universal date= iso-8601[=] rfc-3339= rfc-email',
    operands: /^\+/,
    operandsMax: 1,
  },
  seq: { flags: 'w', valued: 's', operands: COUNT, operandsMax: 3 },
  md5sum: CHECKSUM,
  sha1sum: CHECKSUM,
  sha224sum: CHECKSUM,
  sha256sum: CHECKSUM,
  sha384sum: CHECKSUM,
  sha512sum: CHECKSUM,
  b2sum: CHECKSUM,
  cksum: {},
  base64: { flags: 'd', valued: 'w', long: 'decode wrap=', operandsMax: 1 },
  od: { flags: 'bcdoxv', valued: 'AtNj', long: 'format= address-radix= read-bytes= skip-bytes=' },
  hexdump: { flags: 'bcCdoxv', valued: 'ns', value: COUNT },
  xxd: { flags: 'bpui', valued: 'lscg', value: COUNT, operandsMax: 1 },
  strings: { flags: 'a', valued: 'nt', long: 'all bytes= radix=' },
};
