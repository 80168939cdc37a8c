import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlainlyReadOnly } from '../../src/policy/read-only-command.ts';

const READS = [
  ...[
    'ls',
    'ls -la',
    'ls -l -a src',
    'ls -R',
    'ls -R src',
    'ls /usr',
    "ls 'a b'",
    'ls --all --human-readable',
    'ls -- -x',
  ],
  ...[
    'pwd',
    'pwd -P',
    'cat a.ts',
    'cat -n a b',
    'cat /etc/hosts',
    'cat -',
    'head -20 a',
    'head -n 20 a',
    'head -n20 a',
  ],
  ...['head -qn -5 a', 'tail -n +5 a', 'tail -c 100 a', 'wc -l a', 'wc --lines a', 'echo', 'echo hi', 'echo -n "a b"'],
  ...[
    "echo '$(rm -rf /)'",
    'true',
    'false',
    'nl a',
    'nl -b a -w 5 a',
    'stat a',
    "stat -c '%n %s' a",
    'uname -a',
    'whoami',
  ],
  ...[
    'id',
    'id -u',
    'id root',
    'date',
    'grep -n foo a',
    "grep -rn 'foo|bar' src",
    'grep -A 3 -B3 foo a',
    'grep -e foo a',
  ],
  ...[
    "grep -r --include='*.ts' foo .",
    'grep -c /foo a',
    'rg foo',
    "rg -n -g '*.ts' foo src",
    'rg --files',
    'rg -uu foo',
  ],
  ...['rg --glob=a foo', '   ls   ', '"ls"', 'l"s"'],
];

const OTHERS = [
  // No command, several, or more than a command.
  ...[
    '',
    '   ',
    '# ls',
    'ls # x',
    'ls; rm a',
    'ls && ls',
    'ls || ls',
    'ls | cat',
    'ls & ls',
    'ls &',
    'ls\nrm a',
    'ls\rrm a',
  ],
  ...[
    'ls > a',
    'ls >> a',
    'cat < a',
    'cat << a',
    'cat <(ls)',
    '(ls)',
    '{ ls; }',
    '! ls',
    'time ls',
    'coproc ls',
    'ls\0',
  ],
  // Expansions, globs, assignments.
  ...[
    'ls $HOME',
    'ls $\u007bHOME}',
    'echo $(id)',
    'echo `id`',
    'echo "$(id)"',
    'echo "`id`"',
    "echo $'a'",
    'echo $[1]',
    'echo $((1))',
  ],
  ...[
    'ls *',
    'ls ?',
    'ls [a]',
    'ls ~',
    'ls ~root',
    'ls {a,b}',
    'PATH=. ls',
    'A=1',
    'ls\\',
    'ls \\-la',
    "echo $[ x='a[$(id)]', x ]",
  ],
  // Programs that are not on the list, or named otherwise.
  ...[
    'rm a',
    'git status',
    'git log',
    'find .',
    'sed -n 1p a',
    'awk 1 a',
    'sort a',
    'env',
    'env ls',
    'xargs ls',
    'which ls',
  ],
  ...[
    '/bin/ls',
    './ls',
    'bin/ls',
    '../ls',
    'LS',
    'toString',
    '__proto__',
    'constructor',
    'tee a',
    'less a',
    'man ls',
    'node -v',
  ],
  ...[
    'command ls',
    'builtin echo',
    'exec ls',
    'eval ls',
    'source a',
    '. a',
    'export A',
    'typeset A',
    'cd a',
    'test -f a',
    '[',
    'if',
  ],
  // Flags that are not on the list.
  ...[
    'ls --color=always',
    'ls -Z',
    'ls --hyperlink',
    'cat --help',
    'tail -f a',
    'tail -F a',
    'tail --follow a',
    'tail --pid=1 a',
  ],
  ...[
    'head -n',
    'head -n a b',
    'head -n $x a',
    'wc --files0-from=a',
    'date -s 2020-01-01',
    'date +%s',
    'stat --printf=a b',
  ],
  ...[
    'stat -f a',
    'grep -f a b',
    'grep --file=a b',
    'grep -O a',
    'grep -P a b',
    'rg --pre x a',
    'rg --pre=x a',
    'rg -z a',
    'rg --search-zip a',
  ],
  ...[
    'rg --hostname-bin=x a',
    'rg -nz a',
    'rg -f a',
    'id --help',
    'uname --help',
    'true a',
    'pwd a',
    'date a',
    'whoami a',
    'echo --help',
  ],
  ...['ls --all=x', 'ls ---all', 'rg --glob foo a', 'nl -b pa a', 'nl -s', 'echo -x', 'ls -l-a'],
  // Files that are none, and ways out of the working directory.
  ...[
    'cat /proc/1/environ',
    'cat //proc/1/environ',
    'cat /./proc/1/environ',
    'cat /dev/sda',
    'cat /sys/x',
    'ls /proc',
    'grep -r a /',
  ],
  ...[
    'cat ../a',
    'cat a/../../b',
    'cat /tmp/../proc/1/environ',
    'ls -R /',
    'ls -lR /usr',
    'ls --recursive /usr',
    'grep -rn a /etc',
    'rg a /etc',
  ],
  ...['rg a ..', 'cat -- /proc/1/environ', 'head -n 5 /proc/1/environ', 'grep a -r /etc', "cat '/proc'/1", 'ls /'],
  // Characters that are not what they look like.
  ...[
    'l\u200bs',
    'ｌｓ',
    'lѕ',
    'ls\u00a0-la',
    'ls \u2013la',
    "echo '\u202e'",
    "echo '\x1b[31m'",
    'ls\t-la',
    'ls\u2028rm a',
    "ls 'a",
    'ls "a',
  ],
];

describe('a plainly read-only command', () => {
  it.each(READS)('is %j', (command) => {
    expect(isPlainlyReadOnly(command)).toBe(true);
  });

  it.each(OTHERS)('is not %j', (command) => {
    expect(isPlainlyReadOnly(command)).toBe(false);
  });

  it('is none any more with a flag that is not listed', () => {
    const flag = fc.constantFrom('-!', '-Y', '--exec', '--output=x', '--pre=sh', '--unlisted', '-nY', '-aY');
    const command = fc.constantFrom(...READS.filter((read) => !read.includes(' -- ') && !/-e$/.test(read)));
    fc.assert(
      fc.property(command, flag, (read, added) => {
        expect(isPlainlyReadOnly(`${read} ${added}`)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('is none any more with an operator, wherever it stands outside quotes', () => {
    const operator = fc.constantFrom(
      ...[';', '&', '|', '>', '<', '$', '`', '(', ')', '\\', '*', '?', '~', '#', '\n', '\r', '{', '[', '!'],
    );
    const command = fc.constantFrom(...READS.filter((read) => !/['"]/.test(read)));
    fc.assert(
      fc.property(command, operator, fc.nat(), (read, added, place) => {
        const at = place % (read.length + 1);
        expect(isPlainlyReadOnly(read.slice(0, at) + added + read.slice(at))).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});
