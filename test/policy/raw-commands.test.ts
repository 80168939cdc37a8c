// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Commands of a shell, no templates.
import { describe, expect, it } from 'vitest';
import { parsedCommands } from '../../src/policy/parsed-commands.ts';
import { plainCommands } from '../../src/policy/plain-commands.ts';
import { rawCommands } from '../../src/policy/raw-commands.ts';
import { grammar } from './facts.ts';

const PLAIN: readonly [string, ...string[]][] = [
  ['ls', 'ls'],
  ['  ls   -la  ', 'ls -la'],
  [`cat 'a b' "c d"`, 'cat a\u00b7b c\u00b7d'],
  [`echo a'b'"c"d`, 'echo abcd'],
  [
    `echo '$(x) \`y\` \\ " * ~ # ; | & > < !'`,
    'echo $(x)\u00b7`y`\u00b7\\\u00b7"\u00b7*\u00b7~\u00b7#\u00b7;\u00b7|\u00b7&\u00b7>\u00b7<\u00b7!',
  ],
  [`echo "it's; #1 * ~ | & > < { }"`, "echo it's;\u00b7#1\u00b7*\u00b7~\u00b7|\u00b7&\u00b7>\u00b7<\u00b7{\u00b7}"],
  ['grep "a\\|b\\d" c', 'grep a\\|b\\d c'],
  ['grep -n "grüße 日本" a', 'grep -n grüße\u00b7日本 a'],
  ['git diff a..b c:d --e=f %1 +x @y', 'git diff a..b c:d --e=f %1 +x @y'],
  ['git diff HEAD~1 HEAD^ a^~2', 'git diff HEAD~1 HEAD^ a^~2'],
  ['a && b || c | d; e', 'a', '&&', 'b', '||', 'c', '|', 'd', ';', 'e'],
  ['a&&b||c|d;e', 'a', '&&', 'b', '||', 'c', '|', 'd', ';', 'e'],
  ['a\nb\n\n\nc', 'a', ';', 'b', ';', 'c'],
  ['\n\na &&\n\nb |\nc;\n', 'a', '&&', 'b', '|', 'c'],
  ['a;', 'a'],
  ['[ -f a ] && [ a = b ]; [ a != b ]', '[ -f a ]', '&&', '[ a = b ]', ';', '[ a != b ]'],
  ['[ ! -f a -a -n b ]', '[ ! -f a -a -n b ]'],
  ['test ! -d a', 'test ! -d a'],
  ['find . ! -name a', 'find . ! -name a'],
  ["'if' a", 'if a'],
  ['echo if then', 'echo if then'],
];

/** As in the table: words with a dot in place of a blank within them, and what joins them. */
function told(commands: ReturnType<typeof rawCommands>) {
  return commands?.flatMap(({ words, joint }) => [
    words.map((word) => word.replaceAll(' ', '\u00b7')).join(' '),
    ...(joint === null ? [] : [joint]),
  ]);
}

const OTHERS = [
  ...[
    'a;;b',
    ';a',
    'a;;',
    'a &',
    'a&b',
    'a |& b',
    '&& a',
    'a &&',
    'a || ;',
    'a | | b',
    'a\n;b',
    '|',
    'a ; ; b',
    'a && && b',
  ],
  ...[
    'a>b',
    'a<b',
    'a<<b',
    '(a)',
    '{ a; }',
    '! a',
    'a!',
    'if a',
    '[[ a ]]',
    'time a',
    'coproc a',
    '}',
    'function a',
    'a $b',
  ],
  ...[
    '$a',
    'a$b',
    '${a}',
    '$(a)',
    '`a`',
    '"$a"',
    '"`a`"',
    '"a\\"b"',
    '"a\\\\b"',
    '"a\\$b"',
    '"a!b"',
    'a\\b',
    "$'a'",
    '$"a"',
    '$[1]',
    '"a\\',
    "'a",
    '"a',
  ],
  ...[
    'a*',
    'a?',
    '[a]',
    'a [b]',
    'a [',
    'echo !',
    'echo ]',
    '~',
    '~a',
    'a ~',
    'a b~c=d',
    'x=a~b',
    'a x=b~c',
    'a x:b~c',
    'a{b,c}',
    'a #b',
    '#',
    '^a',
    'A=1',
    'A=1 ls',
    "'A'=1",
    'a "b"~',
    "a ''~",
  ],
  ...[
    'a\rb',
    'a\tb',
    'a\0b',
    "'a\nb'",
    '"a\nb"',
    "'\x1b'",
    '"\x7f"',
    'a\u00a0b',
    'ä',
    "'\u202e'",
    "'\u2028'",
    "'\u00a0'",
    '"\u3000"',
    "'\ud800'",
  ],
];

describe('plain commands', () => {
  it.each(PLAIN)('are read from %j, by the characters and by the grammar', (command, ...expected) => {
    const root = grammar.status === 'ready' ? grammar.parse(command) : null;
    expect(root && [told(rawCommands(command)), told(plainCommands(command, root))]).toEqual([expected, expected]);
  });

  it.each(['', '  ', '\n\n'])('are none in %j', (command) => {
    expect(rawCommands(command)).toEqual([]);
  });

  it.each(OTHERS)('are not all there is in %j', (command) => {
    expect(rawCommands(command)).toBeNull();
  });
});

describe('the grammar of bash', () => {
  const ready = grammar.status === 'ready' ? grammar : null;
  const parsed = (command: string) => {
    const root = ready?.parse(command) ?? null;
    return root && parsedCommands(root);
  };

  it.each([
    ...[
      'a > b',
      'a < b',
      '(a)',
      '{ a; }',
      '! a',
      'a $b',
      'a ${b}',
      'a $(b)',
      'a `b`',
      'a "$b"',
      "a $'b'",
      'a $"b"',
      'a $[1]',
      'a $((1))',
    ],
    ...[
      'A=1',
      'A=1 a',
      'a &',
      'a |& b',
      'export a',
      'unset a',
      'declare a=1',
      'if a; then b; fi',
      'for a in b; do c; done',
      'f() { a; }',
    ],
    ...[
      'a <(b)',
      'a << b\nc\nb',
      'a <<< b',
      '[[ a ]]',
      '[ $a ]',
      '[ -f "$a" ]',
      '((a))',
      'case a in b) c;; esac',
      'a # b',
      'a 10#$b',
      'a "b"$c',
      "a 'b'$c",
      'a {1..2}',
      '[ a ] > b',
    ],
  ])('finds something else than words in %j', (command) => {
    expect(parsed(command)).toBeNull();
  });

  it('tells what is no bash from what is', () => {
    const commands = ['a &&', 'if', "a 'b", 'a )', 'a | | b', '$(', 'a'];
    expect(commands.map((command) => ready?.parse(command) === null)).toEqual([
      true,
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  it('must agree with the characters on each word', () => {
    const node = (type: string, text: string, ...children: never[]) => ({ type, text, named: true, children });
    const command = (...words: string[]) => ({
      ...node('command', words.join(' ')),
      children: words.map((word) => node('word', word)),
    });
    const program = (...commands: ReturnType<typeof command>[]) => ({ ...node('program', ''), children: commands });
    const trees = [
      program(command('a', 'b')),
      program(command('a', 'c')),
      program(command('a')),
      program(command('a', 'b'), command('c')),
    ];
    const expected = [{ words: ['a', 'b'], joint: null }];
    expect(trees.map((tree) => plainCommands('a b', tree))).toEqual([expected, null, null, null]);
  });
});
