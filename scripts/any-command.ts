// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Pieces of commands of a shell, no templates.
import type { SeededRng } from '../src/testing/seeded-rng.ts';

/** Programs that a rule allows, ones that are on the list of those that only read, and what bash does itself. */
export const RULED = ['stub', 'stub-2', 'fails', 'if-not'];
export const LISTED = ['ls', 'cat', 'grep', 'head', 'git', 'rg'];
export const BUILT_IN = ['echo', 'true', 'false', 'test', '[', 'cd', 'pwd', 'printf', ':', 'type'];
/** A command by chance: most are made like one, and some of these spoilt in one place; others are a row of anything. */
export function anyCommand(rng: SeededRng): string {
  if (rng.next() < 0.15) return times(rng, 1, 10, () => rng.pick(rng.next() < 0.5 ? TAME : WILD)).join('');
  const command = likelyCommand(rng);
  if (rng.next() < 0.7) return command;
  const at = rng.integer(0, command.length);
  return command.slice(0, at) + rng.pick(WILD) + command.slice(at);
}

function likelyCommand(rng: SeededRng): string {
  const parts = times(rng, 1, 4, () => simpleCommand(rng));
  return parts.map((part, at) => (at === 0 ? part : rng.pick(JOINTS) + part)).join('') + rng.pick(ENDS);
}

function simpleCommand(rng: SeededRng): string {
  const name = rng.pick([...RULED, ...RULED, ...RULED, ...RULED, ...LISTED, ...BUILT_IN]);
  if (name === '[') return `[ ${rng.pick(['-f a', 'a = b', '! -d "a b"', "'x' != y", '-n ""', 'a'])} ]`;
  const shown = rng.next() < 0.15 ? spelled(rng, name) : name;
  return [shown, ...times(rng, 0, 4, () => times(rng, 1, 3, () => rng.pick(TAME)).join(''))].join(
    rng.pick([' ', '  ']),
  );
}

/** The same name, quoted somehow. */
function spelled(rng: SeededRng, name: string): string {
  const at = rng.integer(0, name.length);
  return rng.pick([
    `'${name}'`,
    `"${name}"`,
    `${name.slice(0, at)}''${name.slice(at)}`,
    `"${name.slice(0, at)}"${name.slice(at)}`,
  ]);
}

function times<T>(rng: SeededRng, min: number, max: number, make: () => T): readonly T[] {
  return Array.from({ length: rng.integer(min, max) }, make);
}

const JOINTS = [' && ', '&&', ' || ', '||', ' | ', '|', '; ', ';', '\n', '\n\n', ' &&\n', ' |\n '];
const ENDS = ['', '', '', '', ' ', ';', '\n', ' ;\n', '\n\n'];

/** Pieces of words that mean themselves, or nearly so. */
const TAME = [
  ...[
    'a',
    'b1',
    'src/x.ts',
    './a',
    '-x',
    '-n',
    '--long',
    '--y=z',
    '=',
    'a=b',
    ':',
    ',',
    '.',
    '@',
    '%',
    '+',
    '_',
    '0',
    '12',
    '-',
  ],
  ...[
    "'a b'",
    '"c d"',
    "''",
    '""',
    "'$x'",
    "'`x`'",
    "'\\'",
    "'*'",
    "';'",
    '"#"',
    '"it\'s"',
    "'\"'",
    '"|"',
    '"&& x"',
    "'!'",
    '"a\\b"',
    '"\\n"',
    '"\\ "',
    '"\\\'"',
  ],
  ...[
    'HEAD~1',
    'HEAD^',
    'a~',
    'a^b',
    'é',
    "'é'",
    '"日本"',
    'if',
    'then',
    'in',
    '"~"',
    "'~'",
    '"{a,b}"',
    '1',
    '2',
    '"\\|"',
    'x@y',
    'a..b',
  ],
];

/** What means something else to a shell, alone or beside the rest. */
const WILD = [
  ...[
    ';',
    ';;',
    '&',
    '&&',
    '|',
    '||',
    '|&',
    ';&',
    '\n',
    '\r',
    '\t',
    '\\',
    '\\\n',
    '\\ ',
    '$',
    '$a',
    '${a}',
    '${a',
    '$(a)',
    '$(',
    '`',
    '`a`',
    '$((1))',
    '$[1]',
    '$[',
    '))',
    '((',
  ],
  ...[
    "'",
    '"',
    "'\\''",
    '\\"',
    "\\'",
    "$'a'",
    '$"a"',
    '"$a"',
    '"`a`"',
    '"\\$a"',
    '"\\\\"',
    '"\\""',
    '"a!b"',
    '"$"',
    "$'",
    '"\\\n"',
    "'\n'",
    '"\n"',
  ],
  ...[
    '<',
    '>',
    '>>',
    '<<',
    '<<<',
    '<a',
    '>a',
    '2>&1',
    '&>a',
    '<(a)',
    '>(a)',
    '<<a\nb\na\n',
    '(',
    ')',
    '{',
    '}',
    '{ a; }',
    '{a,b}',
    '{1..3}',
    '[',
    ']',
    '[a]',
    '[[',
    ']]',
    '[[ a ]]',
  ],
  ...[
    '*',
    '?',
    '~',
    '~/a',
    '~root',
    ':~',
    '=~',
    '#',
    ' # a',
    ' #',
    '!',
    '!!',
    '^',
    '^a^b^',
    'A=1 ',
    'A=1;',
    'a+=b ',
    'a[0]=1 ',
  ],
  ...[
    'if ',
    'then ',
    'do ',
    'done',
    'for a in b',
    'while ',
    'case ',
    'esac',
    'function ',
    'time ',
    'coproc ',
    'select ',
    '! ',
    'a() ',
    '() ',
    'eval ',
    'exec ',
    'export A',
    'alias a=b',
  ],
  ...[
    '\u00a0',
    '\u200b',
    '\u2028',
    '\u3000',
    '\x1b',
    '\x7f',
    '\v',
    '\f',
    '\ufeff',
    '“',
    '’',
    '；',
    '｜',
    '–',
    '\ud800',
  ],
];
