import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainWords } from '../../src/policy/plain-words.ts';

describe('plain words', () => {
  it.each([
    ['', []],
    ['   ', []],
    ['ls', ['ls']],
    ['  ls   -la  ', ['ls', '-la']],
    [`cat 'a b' "c d"`, ['cat', 'a b', 'c d']],
    [`echo a'b'"c"d`, ['echo', 'abcd']],
    [`echo '' ""`, ['echo', '', '']],
    [`echo '$(x) \`y\` \\ " * ~ # ; | & > <'`, ['echo', '$(x) `y` \\ " * ~ # ; | & > <']],
    [`echo "it's; #1 * ~ | & > < { }"`, ['echo', "it's; #1 * ~ | & > < { }"]],
    ['grep -n "grüße 日本" a', ['grep', '-n', 'grüße 日本', 'a']],
    ['git diff a..b c:d --e=f %1 +x @y', ['git', 'diff', 'a..b', 'c:d', '--e=f', '%1', '+x', '@y']],
  ])('are read from %j', (command, words) => {
    expect(plainWords(command)).toEqual(words);
  });

  it.each([
    ...['a;b', 'a&&b', 'a||b', 'a|b', 'a&', 'a>b', 'a<b', 'a<<b', '(a)', '{ a; }', '!a', 'a!'],
    ...[
      '$a',
      'a$b',
      '$\u007ba}',
      '$(a)',
      '`a`',
      '"$a"',
      '"`a`"',
      '"a\\"b"',
      '"a\\\\b"',
      '"a!b"',
      'a\\b',
      "$'a'",
      '$"a"',
      '$[1]',
    ],
    ...['a*', 'a?', '[a]', '~', '~a', 'a{b,c}', 'a #b', '#', 'a^b', 'A=1', 'A=1 ls', "'A'=1"],
    ...[
      "'a",
      '"a',
      'a\nb',
      'a\rb',
      'a\tb',
      'a\0b',
      "'a\nb'",
      "'\x1b'",
      '"\x7f"',
      'a\u00a0b',
      'ä',
      "'\u202e'",
      "'\u2028'",
    ],
  ])('are not all there is in %j', (command) => {
    expect(plainWords(command)).toBeNull();
  });

  it('are the words that bash sees', async () => {
    const pieces = fc.constantFrom(
      ...[
        'a',
        'b1',
        ' ',
        '  ',
        '-x',
        '--y=z',
        '=',
        '/',
        '.',
        '..',
        '~',
        '*',
        '?',
        '[a]',
        '{a,b}',
        '#',
        '!',
        '^',
        '%',
        '@',
        '+',
      ],
      ...[
        "'",
        '"',
        "'a b'",
        '"c d"',
        '"e\\\\f"',
        '"',
        '\\',
        '$',
        '$a',
        '$(a)',
        '`',
        ';',
        '&',
        '|',
        '<',
        '>',
        '(',
        ')',
        '\n',
        '\t',
        '\r',
      ],
      ...['é', "'é'", '"日"', ':', ',', '_', 'if', '[[', ']]', 'A=1'],
    );
    const commands = fc.array(pieces, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''));
    const plain = fc.sample(commands, 20_000).flatMap((command) => {
      const words = plainWords(command);
      return words === null ? [] : [{ command, words }];
    });
    expect(plain.length).toBeGreaterThan(1_000);
    const lines = plain.map(({ command }) => `words ${command}`);
    const script = [`words() { local w; for w; do printf '%s\\0' "$w"; done; printf '\\1'; }`, ...lines].join('\n');
    const { stdout } = await runBash(script);
    const seen = stdout
      .split('\x01')
      .slice(0, -1)
      .map((line) => line.split('\0').slice(0, -1));
    expect(seen).toEqual(plain.map(({ words }) => words));
  });
});

/** All in one shell; the script comes by its standard input, because it is longer than an argument may be. */
function runBash(script: string): Promise<{ stdout: string }> {
  const running = promisify(execFile)('bash', ['--noprofile', '--norc', '-s'], { maxBuffer: 16_777_216, cwd: '/' });
  running.child.stdin?.end(script);
  return running;
}
