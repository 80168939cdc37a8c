// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Commands of a shell, no templates.
import { describe, expect, it } from 'vitest';
import { type CommandFacts, judgeCommand, UNREADABLE } from '../../src/policy/judge-command.ts';
import { FACTS } from './facts.ts';

const judge = (command: string, facts: Partial<CommandFacts> = {}) => judgeCommand(command, { ...FACTS, ...facts });
const ALLOW = { verdict: 'allow' };

/** Why a command asks even when it is confined; null when it does not, or what else it comes to. */
function always(command: string) {
  const judgement = judge(command);
  return judgement.verdict === 'ask' ? judgement.always : judgement.verdict;
}

describe('a program that is denied', () => {
  it.each([
    ...[
      'sudo ls',
      '/usr/bin/sudo ls',
      '/bin/../usr/bin/sudo ls',
      './sudo ls',
      'SUDO ls',
      "s'u'do ls",
      'su\\do ls',
      'ls; sudo ls',
      'ls | sudo tee a',
    ],
    ...[
      'env sudo ls',
      'env A=1 sudo ls',
      'env -u A sudo ls',
      'env -i A=1 sudo',
      'nice -n 5 sudo ls',
      'timeout 5 sudo ls',
      'timeout -s KILL 5 sudo ls',
    ],
    ...[
      'timeout --signal=KILL 5s sudo ls',
      'nohup sudo ls',
      'xargs sudo',
      'xargs -n 1 sudo ls',
      'command sudo ls',
      'exec sudo ls',
      'exec -a x sudo ls',
      'builtin sudo',
    ],
    ...[
      'time sudo ls',
      'env nice timeout 5 sudo ls',
      'flock a sudo ls',
      'strace -o a sudo ls',
      'busybox su',
      "bash -c 'sudo ls'",
      'sh -lc "sudo ls"',
      "bash -x -c 'ls; sudo ls'",
    ],
    ...[
      "bash -o pipefail -c 'sudo ls'",
      "bash --rcfile a -c 'sudo ls'",
      "env bash -c 'sudo ls'",
      'bash -c "bash -c \'sudo ls\'"',
      "eval 'sudo ls'",
      'eval sudo ls',
      "trap 'sudo ls' EXIT",
    ],
    ...[
      "find . -exec sudo rm {} ';'",
      "find . -execdir sudo ls ';' -ok sudo ls +",
      'fd -x sudo ls',
      'echo $(sudo ls)',
      'echo "a $(sudo ls)"',
      'echo `sudo ls`',
      'cat <(sudo ls)',
      'a=$(sudo ls)',
    ],
    ...[
      'if sudo ls; then a; fi',
      'for a in b; do sudo c; done',
      'f() { sudo ls; }',
      '(sudo ls)',
      '{ sudo ls; }',
      '! sudo ls',
      'sudo ls &',
      'sudo ls > a',
      '> a sudo ls',
      'A=1 sudo ls',
    ],
    ...[
      'cat <<E\n$(sudo ls)\nE',
      'case a in b) sudo ls;; esac',
      'echo ${a:-$(sudo ls)}',
      'mkfs.ext4 a',
      'mkfs a',
      'reboot',
      'shutdown -h now',
      'halt',
      'doas ls',
      'su',
      'pkexec ls',
      'passwd',
      'fdisk a',
    ],
    ...[
      'while read a; do sudo b; done < c',
      'a && b || sudo c',
      'coproc sudo ls',
      'unshare -r sudo ls',
      "xargs bash -c 'sudo ls'",
      'declare a=$(sudo ls)',
      'test -f a && sudo ls',
      '[[ -f $(sudo ls) ]]',
    ],
  ])('is refused in %j', (command) => {
    expect([judge(command).verdict, judge(command, { confined: true }).verdict]).toEqual(['deny', 'deny']);
  });

  it.each([
    ...[
      'echo sudo',
      'grep sudo a',
      'man sudo',
      'command -v sudo',
      'which sudo',
      'type sudo',
      'cat sudo',
      "echo 'sudo ls'",
      'git init',
      'terraform init',
      'npm init',
    ],
    ...[
      'ls # sudo',
      "cat <<'E'\n$(sudo ls)\nE",
      'env',
      'xargs',
      'nice -n 5 ls sudo',
      'timeout 5 ls sudo',
      'bash a.sh sudo',
      'halting',
      'bash --version',
    ],
  ])('is not seen in %j', (command) => {
    expect(judge(command).verdict).not.toBe('deny');
  });

  it('tells the model what it is, and what to do', () => {
    expect(['sudo ls', 'reboot', 'mkfs.xfs a', 'visudo'].map((command) => judge(command))).toEqual(
      [
        '`sudo` changes the user, and is never run here: nobody can give a password. Do it without, or ask the user to do it.',
        '`reboot` stops this machine, and is never run here.',
        '`mkfs.xfs` changes the disks of this machine, and is never run here. Ask the user to do it.',
        '`visudo` changes who may use this machine, and is never run here. Ask the user to do it.',
      ].map((message) => ({ verdict: 'deny', message })),
    );
  });
});

describe('a command that destroys', () => {
  it.each([
    ...[
      'rm -rf a',
      'rm -r a',
      'rm -R a',
      'rm -f a',
      'rm a -rf',
      'rm --recursive a',
      'rm --for a',
      'rm -v -f a',
      '/bin/rm -rf a',
      'rm $x a',
      'rm "$@"',
      'rm -rf "$a"',
      'rm -rf ./*',
      'r\\m -rf a',
    ],
    ...[
      'xargs rm',
      'xargs -0 rm',
      'ls | xargs rm -v',
      "find . -exec rm {} ';'",
      'find . -delete',
      'find . -fprint a',
      'find . -fls a',
      'shred a',
      'srm a',
      'wipe a',
      'truncate -s 0 a',
      'dd if=a of=b',
      'dd $x',
    ],
    ...[
      'chmod -R 777 .',
      'chmod --recursive a b',
      'chown -R a b',
      'chgrp -hR a b',
      'chmod $x a',
      'rsync -a --delete a b',
      'tar -cf a --remove-files b',
      'crontab -r',
      'hg purge',
      'hg revert',
      'svn revert a',
      'svn cleanup',
    ],
    ...[
      'systemctl reboot',
      "bash -c 'rm -rf a'",
      'a=$(rm -rf b)',
      'for f in *; do rm -f "$f"; done',
      'f() { rm -rf a; }; f',
      'ls && rm -rf a',
      'env rm -rf a',
      "eval 'rm -rf a'",
      'timeout 5 rm -rf a',
    ],
    ...[
      'git reset --hard',
      'git reset --hard HEAD~1',
      'git -C a reset --hard',
      'git --git-dir a reset --hard',
      'git reset --ha',
      'git reset --merge',
      'git reset $x',
      'git clean -fd',
      'git clean',
      'git clean -fdx .',
    ],
    ...[
      'git checkout -- .',
      'git checkout .',
      'git checkout -f',
      'git checkout HEAD a.ts',
      'git checkout a.ts',
      'git checkout src/',
      'git checkout $x',
      'git checkout --force a',
      'git checkout -B a',
      'git restore a',
      'git restore --staged -W a',
    ],
    ...[
      'git switch -f a',
      'git switch --discard-changes a',
      'git switch -C a',
      'git push --force',
      'git push -f',
      'git push --force-with-lease',
      'git push origin +a',
      'git push origin :a',
      'git push --delete a b',
      'git push --mirror',
    ],
    ...[
      'git branch -D a',
      'git branch -d a',
      'git branch --delete a',
      'git branch -f a',
      'git tag -d a',
      'git stash drop',
      'git stash clear',
      'git reflog expire --all',
      'git reflog delete a',
      'git gc --prune=now',
      'git prune',
    ],
    ...[
      'git update-ref -d a',
      'git filter-branch a',
      'git filter-repo a',
      'git rm -rf a',
      'git read-tree --reset a',
      'git checkout-index -f -a',
      'git worktree remove --force a',
      'git submodule deinit a',
      'git $x',
      "git -c alias.x='!rm a' x",
    ],
    ...["git -c core.pager='!x' log", 'git stash $x', 'git clean -n $x'],
  ])('asks although it is confined: %j', (command) => {
    expect(always(command)).toMatch(/^`[\w./-]+` .+\.$/);
  });

  it.each([
    ...[
      'rm a',
      'rm -- -rf',
      'rm -v a',
      'rm -i a',
      'rmdir a',
      'chmod +x a',
      'chmod 644 a',
      'chown a b',
      'dd if=a',
      'rsync -a a b',
      'tar xf a',
      'crontab -l',
      'hg status',
      'systemctl status a',
      'rm a $x',
    ],
    ...[
      'git reset',
      'git reset HEAD a',
      'git clean -n',
      'git clean --dry-run',
      'git checkout main',
      'git checkout -b a origin/a',
      'git restore --staged a',
      'git switch a',
      'git switch -c a',
      'git push',
      'git push origin a',
    ],
    ...[
      'git branch a',
      'git branch -a',
      'git tag a',
      'git stash',
      'git stash pop',
      'git reflog',
      'git gc',
      'git rm a',
      'git worktree add a',
      'git commit -am a',
      'git',
      'git -C a',
      'git submodule update',
      'make clean',
      'npm test > a 2>&1',
    ],
    ...[
      'for f in *.ts; do wc -l "$f"; done',
      'A=1 npm test',
      'cat <<E > a\nrm -rf b\nE',
      'x=$(git log -1) && echo "$x"',
      'bash a.sh',
      'python3 -c "x"',
      'trap - EXIT',
      'bash --help',
      'git checkout-index -a',
      'git unknown -f',
    ],
    ...['command -V rm -rf a', 'exec > a', 'eval', 'env -u A', '[[ a = b ]]', 'export A=1', 'bash -o pipefail a.sh'],
  ])('is no such: %j', (command) => {
    expect(always(command)).toBeNull();
  });

  it('asks in the words of what it does, the first of its parts', () => {
    expect(['ls; find . -delete; rm -rf a', 'git push -f', 'git checkout .', 'xargs rm'].map(always)).toEqual([
      '`find` deletes what it finds.',
      '`git` push overwrites or deletes what others see.',
      '`git` checkout throws changes away.',
      '`rm` deletes files that the command does not name.',
    ]);
  });
});

describe('a command that cannot be seen through', () => {
  const CODE = 'code that cannot be judged before it runs.';
  it.each([
    ['$x a', 'The name of a program in it is computed.'],
    ['"$(a)" b', 'The name of a program in it is computed.'],
    ["$'rm' -rf a", 'The name of a program in it is computed.'],
    ['/bin/r? -rf a', 'The name of a program in it is computed.'],
    ['~/a b', 'The name of a program in it is computed.'],
    ['env $x a b', null],
    ['curl a | sh', `\`sh\` in it runs ${CODE}`],
    ['bash <<E\nrm -rf a\nE', `\`bash\` in it runs ${CODE}`],
    ['bash -s a', `\`bash\` in it runs ${CODE}`],
    ['bash -c "$x"', `\`bash\` in it runs ${CODE}`],
    ['bash "$x"', `\`bash\` in it runs ${CODE}`],
    ["bash -c 'a &&'", `\`bash\` in it runs ${CODE}`],
    ['eval "$x"', `\`eval\` in it runs ${CODE}`],
    ['trap "$x" EXIT', `\`trap\` in it runs ${CODE}`],
    [`${'env '.repeat(20)}ls`, 'Commands stand in it within commands, too deep to be judged.'],
    ['a &&', UNREADABLE],
    [`echo ${'a'.repeat(70_000)}`, UNREADABLE],
    [`${'('.repeat(300)}ls${')'.repeat(300)}`, UNREADABLE],
    ['\n', UNREADABLE],
  ])('asks and says why: %j', (command, why) => {
    expect(always(command)).toBe(why);
  });
});

describe('rules of the user', () => {
  const rules = {
    allow: [
      ['npm', 'test'],
      ['/usr/bin/make', 'all'],
      ['git', 'push'],
      ['rm', '-rf', 'dist'],
      ['bash', '-c'],
      ['echo'],
    ],
    deny: [['git', 'push', 'origin'], ['curl'], ['npm', 'publish']],
  };

  it.each([
    ...[
      'npm test',
      'npm test -- --watch',
      "npm 'test'",
      'make all',
      'make all -j 4',
      'git push',
      'rm -rf dist',
      'ls && npm test | head',
      'npm test; rm -rf dist',
    ],
  ])('allow %j', (command) => {
    expect(judge(command, { rules })).toEqual(ALLOW);
  });

  it.each([
    ...[
      'npm',
      'npm run test',
      'npm tests',
      './npm test',
      '/usr/bin/npm test',
      '/tmp/make all',
      'make',
      'git push --force',
      'rm -rf src',
      'rm -r dist',
      "bash -c 'ls'",
      'npm test > a',
    ],
    ...[
      'npm test && make',
      'npm "$x"',
      'npm test $x',
      'env npm test',
      'xargs npm test',
      'A=1 npm test',
      'npm test &',
      '(npm test)',
      'echo -x',
      "'npm test'",
    ],
  ])('do not allow %j', (command) => {
    expect(judge(command, { rules }).verdict).toBe('ask');
  });

  it('allow nothing whose program is not found where only the system writes', () => {
    const resolveProgram = (name: string) => (name === 'make' ? '/opt/make' : null);
    expect(['npm test', 'make all'].map((command) => judge(command, { rules, resolveProgram }).verdict)).toEqual([
      'ask',
      'ask',
    ]);
  });

  it.each([
    ...[
      'git push origin',
      'git push origin main',
      'git -C a push origin',
      'git --no-pager push -u origin a',
      './git push origin',
      'curl a',
      '/tmp/curl a',
      'ls; curl a',
      'xargs curl',
      'echo $(curl a)',
      "bash -c 'curl a'",
    ],
    ...['npm publish', 'npm --tag a publish', 'npm test && npm publish', 'git push -f origin'],
  ])('deny %j', (command) => {
    expect(judge(command, { rules }).verdict).toBe('deny');
  });

  it.each([
    ...[
      'git push',
      'git log push origin',
      'git commit -m a push',
      'echo curl',
      'git $x origin',
      'git push $x',
      'npm run publish',
      'git --a=b c push origin',
    ],
  ])('do not deny %j', (command) => {
    expect(judge(command, { rules }).verdict).not.toBe('deny');
  });

  it('deny what they allow elsewhere, and say so', () => {
    expect(judge('git push origin', { rules })).toEqual({
      verdict: 'deny',
      message: 'A rule of the user denies `git push origin`. Do it in another way, or ask the user.',
    });
  });
});

describe('the rule that is suggested', () => {
  const suggested = (command: string, facts: Partial<CommandFacts> = {}) => {
    const judgement = judge(command, facts);
    return judgement.verdict === 'ask' ? judgement.suggestedRule : judgement.verdict;
  };

  it.each<[string, readonly string[] | null]>([
    ['npm test', ['npm', 'test']],
    ['npm run build -- --watch', ['npm', 'run', 'build']],
    ['npm exec vitest run', ['npm', 'exec', 'vitest']],
    ['npx vitest run a', ['npx', 'vitest']],
    ['git commit -m a', ['git', 'commit']],
    ['cargo test a', ['cargo', 'test']],
    ['make test', ['make', 'test']],
    ['python3 a.py b', ['python3', 'a.py']],
    ['python3 -m pytest a', ['python3', '-m', 'pytest']],
    ['node a.js b', ['node', 'a.js']],
    ['touch a b', ['touch', 'a', 'b']],
    ['eslint src --fix', ['eslint', 'src', '--fix']],
    ['ls && npm test | head', ['npm', 'test']],
    ['npm', null],
    ['npm --version x', null],
    ['npm run', null],
    ['npm run --x y', null],
    ['npm exec bash -c', null],
    ['uv run python -c x', null],
    ['git -C a commit', null],
    ['git config a b', null],
    ['docker run a', null],
    ['make', null],
    ['python3', null],
    ['python3 -c x', null],
    ['python3 -m', null],
    ["node -e 'x'", null],
    ["bash -c 'ls'", null],
    ['env ls', null],
    ['xargs ls', null],
    ['timeout 5 make test', null],
    ['find . -newer a', null],
    ["awk '{print}' a", null],
    ['ssh a b', null],
    ['rm -rf a', null],
    ['export A', null],
    ['./a b', null],
    ['/usr/bin/make test', null],
    ['make test && npm test', null],
    ['make test > a', null],
    ['make $x', null],
    [`touch ${'a '.repeat(40)}`, null],
  ])('for %j is %j', (command, rule) => {
    expect(suggested(command)).toEqual(rule);
  });

  it('is none for a program that is nowhere', () => {
    expect(suggested('make test', { resolveProgram: () => null })).toBeNull();
  });
});
