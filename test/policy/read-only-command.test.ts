import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CommandFacts, judgeCommand } from '../../src/policy/judge-command.ts';
import { BENIGN } from './benign-commands.ts';
import { FACTS } from './facts.ts';

const CONFINED: CommandFacts = { ...FACTS, confined: true };
const isAllowed = (command: string, facts = CONFINED) => judgeCommand(command, facts).verdict === 'allow';
const READS = BENIGN.filter((command) => isAllowed(command));

describe('a command that only reads', () => {
  it.each([
    ...[
      'ls --all --human-readable',
      'ls -- -x',
      'ls /usr',
      "ls 'a b'",
      'ls --sort=size',
      'ls --sort size',
      'ls --color',
      'ls --color=always',
    ],
    ...[
      'cat -',
      'cat /work/src/a',
      'cat /etc/hosts',
      'head -qn -5 a',
      'tail -n +5 a',
      'tail -c 100 a',
      'wc --lines a',
      'nl -b a -w 5 a',
    ],
    ...[
      "stat -c '%n %s' a",
      'id -u root',
      'grep -A 3 -B3 foo a',
      'grep -e foo a',
      'grep -c /foo a',
      'grep /foo -r src',
      'rg /foo',
      'rg --glob=a foo',
    ],
    ...[
      'grep -r "../a" src',
      'grep -r -e /a src',
      'sort -k2,2 -t: a',
      'uniq -f 1 a',
      'date -u +%s',
      'date -d yesterday',
      'git -C src status',
      'git --no-pager log',
    ],
    ...[
      'git branch --list "a*"',
      'git branch --contains HEAD',
      'git branch --merged main',
      'git tag -l "v*"',
      'git tag --contains HEAD',
      'git remote get-url origin',
    ],
    ...[
      'git stash show -p',
      'git reflog show',
      'git worktree list --porcelain',
      'git config get user.email',
      'git --version',
      'git version',
      'java -version',
    ],
    ...[
      "sed -n '$p' a",
      "sed -n '1p;5,7p' a",
      'sed -n 3p',
      "printf '%5.2f %-3s%%' 1 a",
      'printf a',
      'test a -nt b',
      ': ',
      'command -v a b',
      '"ls"',
      'l"s"',
    ],
  ])('is %j', (command) => {
    expect(isAllowed(command)).toBe(true);
  });

  it('asks about git where nothing confines it', () => {
    expect(['git status', 'git --version'].map((command) => isAllowed(command, FACTS))).toEqual([false, false]);
  });

  it.each(['/', '/etc', '/works', '/work/../etc'])('is none in %s, which is not the workspace', (cwd) => {
    expect(isAllowed('cat a', { ...CONFINED, cwd })).toBe(false);
  });

  it('is none where the workspace is the whole machine, or names a file there', () => {
    const whole = { ...CONFINED, workspace: '/' };
    expect([isAllowed('cat a', { ...whole, cwd: '/' }), isAllowed('cat /root/a', { ...whole, cwd: '/home' })]).toEqual([
      false,
      false,
    ]);
  });

  it('is none when its program is not found where only the system writes', () => {
    const nowhere = { ...CONFINED, resolveProgram: () => null };
    // What the shell does itself needs no program.
    expect(['ls', 'git status', 'pwd', 'cd src; pwd'].map((command) => isAllowed(command, nowhere))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('is none any more with a flag that is not listed', () => {
    const flag = fc.constantFrom(
      '-!',
      '-Y',
      '-%',
      '--exec',
      '--unlisted',
      '--output=x',
      '--pre=sh',
      '-nY%',
      '--',
      '---',
      '--=x',
    );
    const simple = READS.filter(
      (command) => !/[;&|\n]|'--|echo|printf|type|command|version| -[vV]$|\[|test/.test(command),
    );
    const counted = simple.flatMap((command) =>
      fc.sample(flag, { numRuns: 30, seed: 1 }).map((added) => ({ command, added })),
    );
    expect(simple.length).toBeGreaterThan(100);
    const allowed = counted.filter(({ command, added }) => {
      const [name = '', ...rest] = command.split(' ');
      // In front of the operands; `--` alone says only that there are no more flags.
      return added !== '--' && isAllowed([name, `'${added}'`, ...rest].join(' '));
    });
    expect(allowed).toEqual([]);
  });

  it('is none any more with a flag that is not listed behind it, where flags may stand', () => {
    const flag = ['-!', '-Y', '--exec', '--unlisted', '--output=x', '--pre=sh'];
    const last = READS.filter((command) => !/ -[A-Za-z]$|echo [^;]*$|printf|--$| -- /.test(command));
    const allowed = last
      .flatMap((command) => flag.map((added) => `${command} ${added}`))
      .filter((command) => isAllowed(command));
    expect(allowed).toEqual([]);
  });

  it('is none any more with an operator, wherever it stands outside quotes', () => {
    const operator = fc.constantFrom(
      ...['&', '>', '<', '$', '`', '(', ')', '\\', '*', '?', '#', '\r', '{', '!', ';;', '||||'],
    );
    const command = fc.constantFrom(...READS.filter((read) => !/['"]/.test(read)));
    fc.assert(
      fc.property(command, operator, fc.nat(), (read, added, place) => {
        const at = place % (read.length + 1);
        const text = read.slice(0, at) + added + read.slice(at);
        return text.includes('&&') || text.includes('[ !') || !isAllowed(text);
      }),
      { numRuns: 3_000, seed: 7 },
    );
  });
});
