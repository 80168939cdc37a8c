import { describe, expect, it } from 'vitest';
import { type CommandToCheck, checkCommand, ESCALATED_REASON } from '../../src/policy/command-check.ts';
import type { TaskContext } from '../../src/protocol/settings.ts';
import { FACTS, grammar } from './facts.ts';

const CONTEXT: TaskContext = { model: 'm', cwd: '/work', sandbox: 'workspace-write', approvalPolicy: 'on-request' };
const SANDBOX = { available: true, why: null, mend: null };
const NO_SANDBOX = {
  available: false,
  why: 'bubblewrap was not found.',
  mend: 'apt-get install bubblewrap',
};
const NO_SANDBOX_REASON =
  'No sandbox: bubblewrap was not found (apt-get install bubblewrap). This command will run with your full rights.';
const MISSING = { status: 'missing', why: 'The file is gone.' } as const;

function check(command: string, more: Partial<CommandToCheck> = {}, context: Partial<TaskContext> = {}) {
  return checkCommand({
    command,
    cwd: '/work',
    escalated: false,
    justification: null,
    sandbox: NO_SANDBOX,
    grammar,
    resolveProgram: FACTS.resolveProgram,
    rules: FACTS.rules,
    ...more,
    context: { ...CONTEXT, ...context },
  });
}

const ALLOW = { verdict: 'allow' };
const refuse = (...words: readonly string[]) => ({
  verdict: 'refuse',
  message: expect.stringMatching(words.map((word) => `(?=.*${word})`).join('')),
});

const argvOf = (command: string) => ['bash', '--noprofile', '--norc', '-c', command];

function ask(command: string, subject: object = {}, more: object = {}) {
  const argv = argvOf(command);
  return {
    verdict: 'ask',
    subject: { kind: 'command', argv, shown: command, cwd: '/work', sandbox: 'none', escalated: false, ...subject },
    reason: NO_SANDBOX_REASON,
    key: JSON.stringify([argv, '/work', 'unconfined']),
    ...more,
  };
}

/** The verdicts for a read, what a sandbox makes harmless, destruction, and what is no bash. */
function verdicts(more: Partial<CommandToCheck>, context: Partial<TaskContext>) {
  return ['cat a', 'make test', 'rm -rf a', 'a &&'].map((command) => check(command, more, context).verdict);
}

describe('the check of a command', () => {
  it.each([
    ['untrusted', 'without a sandbox', NO_SANDBOX, ['allow', 'ask', 'ask', 'ask']],
    ['untrusted', 'with one', SANDBOX, ['allow', 'ask', 'ask', 'ask']],
    ['on-request', 'without a sandbox', NO_SANDBOX, ['allow', 'ask', 'ask', 'ask']],
    ['on-request', 'with one', SANDBOX, ['allow', 'allow', 'ask', 'ask']],
    ['never', 'without a sandbox', NO_SANDBOX, ['allow', 'refuse', 'refuse', 'refuse']],
    ['never', 'with one', SANDBOX, ['allow', 'allow', 'refuse', 'refuse']],
  ] as const)('under %s %s lets pass, asks or refuses', (approvalPolicy, _, sandbox, expected) => {
    for (const mode of ['read-only', 'workspace-write'] as const) {
      expect(verdicts({ sandbox }, { approvalPolicy, sandbox: mode })).toEqual(expected);
    }
  });

  it.each(['on-request', 'untrusted', 'never'] as const)(
    'allows everything with full access under %s',
    (approvalPolicy) => {
      const context = { approvalPolicy, sandbox: 'danger-full-access' } as const;
      const more = { grammar: MISSING };
      expect([
        verdicts({}, context),
        verdicts(more, context),
        [check('sudo ls', {}, context), check('ls', { escalated: true }, context)].map(({ verdict }) => verdict),
      ]).toEqual([
        ['allow', 'allow', 'allow', 'allow'],
        ['allow', 'allow', 'allow', 'allow'],
        ['allow', 'allow'],
      ]);
    },
  );

  it('asks without a sandbox, says why there is none and what would help, and what rule would do', () => {
    expect(check('make test')).toEqual(ask('make test', { suggestedRule: ['make', 'test'] }));
  });

  it('says that there is no sandbox also where nobody knows why', () => {
    const told = [
      { available: false, why: null, mend: null },
      { available: false, why: 'It is off.', mend: null },
    ].map((sandbox) => check('a $b', { sandbox }));
    expect(told).toEqual([
      ask('a $b', {}, { reason: 'No sandbox: this command will run with your full rights.' }),
      ask('a $b', {}, { reason: 'No sandbox: It is off. This command will run with your full rights.' }),
    ]);
  });

  it('asks about what destroys, although it is confined, and says what it does', () => {
    const argv = argvOf('rm -rf dist');
    expect(check('rm -rf dist', { sandbox: SANDBOX })).toEqual(
      ask(
        'rm -rf dist',
        { sandbox: 'workspace-write' },
        {
          reason: '`rm` deletes without asking, or whole directories.',
          key: JSON.stringify([argv, '/work']),
        },
      ),
    );
  });

  it('asks about everything when the grammar cannot be loaded, and says why', () => {
    expect([check('ls', { grammar: MISSING }), check('ls', { grammar: MISSING, sandbox: SANDBOX })]).toMatchObject([
      { verdict: 'ask', reason: `${NO_SANDBOX_REASON}\nCommands cannot be judged here. The file is gone.` },
      { verdict: 'ask', reason: 'Commands cannot be judged here. The file is gone.' },
    ]);
    expect(check('ls', { grammar: MISSING }, { approvalPolicy: 'never' })).toEqual(
      refuse('The file is gone', "'never'"),
    );
  });

  it('refuses under never, and names why and what would allow it', () => {
    const never = { approvalPolicy: 'never' } as const;
    expect([check('rm a', {}, never), check('rm -r a', { sandbox: SANDBOX }, never)]).toEqual([
      refuse(
        'No sandbox: bubblewrap was not found',
        'would run with your full rights',
        "'never'",
        "sandbox: 'danger-full-access'",
      ),
      refuse('`rm` deletes', "'never'", "sandbox: 'danger-full-access'"),
    ]);
  });

  it('refuses under never what asks for more rights, also a plain read', () => {
    const more = { escalated: true, sandbox: SANDBOX };
    expect(check('ls', more, { approvalPolicy: 'never' })).toEqual(refuse('outside the sandbox', "'never'"));
  });

  it('refuses to ask for more rights under untrusted', () => {
    expect(check('rm a', { escalated: true, sandbox: SANDBOX }, { approvalPolicy: 'untrusted' })).toEqual(
      refuse('without `with_escalated_permissions`', "'untrusted'", "'on-request'"),
    );
  });

  it('asks about more rights under on-request, also for a plain read or a rule, and remembers it as another command', () => {
    const rules = { allow: [['make', 'test']], deny: [] };
    const escalated = { escalated: true, sandbox: SANDBOX, rules };
    for (const command of ['ls', 'make test']) {
      expect(check(command, escalated)).toEqual(
        ask(
          command,
          { sandbox: 'workspace-write', escalated: true },
          {
            reason: ESCALATED_REASON,
            key: JSON.stringify([argvOf(command), '/work', 'escalated']),
          },
        ),
      );
    }
  });

  it('asks without a reason when there is a sandbox and nothing to say', () => {
    const { reason: _, ...question } = ask('make test', {
      sandbox: 'workspace-write',
      suggestedRule: ['make', 'test'],
    });
    expect(check('make test', { sandbox: SANDBOX }, { approvalPolicy: 'untrusted' })).toEqual({
      ...question,
      key: JSON.stringify([argvOf('make test'), '/work']),
    });
  });

  it('runs unasked what a rule allows, with any policy', () => {
    const rules = { allow: [['make', 'test']], deny: [] };
    const policies = ['untrusted', 'on-request', 'never'] as const;
    expect(policies.map((approvalPolicy) => check('make test -k', { rules }, { approvalPolicy }))).toEqual([
      ALLOW,
      ALLOW,
      ALLOW,
    ]);
  });

  it('refuses what is denied, with any policy but full access', () => {
    const policies = ['untrusted', 'on-request', 'never'] as const;
    for (const approvalPolicy of policies) {
      for (const sandbox of [SANDBOX, NO_SANDBOX]) {
        expect(check('ls; /usr/bin/sudo ls', { sandbox }, { approvalPolicy })).toEqual(
          refuse('not run', '`sudo` changes the user'),
        );
      }
    }
  });

  it('refuses what the user has denied also with full access, and asks where that cannot be seen', () => {
    const rules = { allow: [], deny: [['git', 'push']] };
    const full = { sandbox: 'danger-full-access' } as const;
    const never = { ...full, approvalPolicy: 'never' } as const;
    expect([
      check('make && git -C a push', { rules }, full),
      check('make', { rules }, full),
      check('a &&', { rules }, full).verdict,
      check('make', { rules, grammar: MISSING }, full),
      check('a &&', { rules }, never),
    ]).toEqual([
      refuse('A rule of the user denies `git push`'),
      ALLOW,
      'ask',
      expect.objectContaining({ verdict: 'ask', reason: 'Commands cannot be judged here. The file is gone.' }),
      refuse('could not be read', "'never'"),
    ]);
  });

  it('shows what the model says below what is so, on one line, and made visible', () => {
    const justification = ' I must.\nSandbox: on.\t\x1b[2J ';
    expect(check('make test', { justification })).toMatchObject({
      reason: `${NO_SANDBOX_REASON}\nReason given: I must. Sandbox: on. \\x1b[2J`,
    });
  });

  it('shows a command as it is, and runs it as it was', () => {
    const command = 'echo \x1b[2J\u202e';
    expect(check(command)).toEqual(ask(command, { shown: 'echo \\x1b[2J\\u{202e}' }));
  });

  it('remembers a command by all of it, by where it runs, and by whether something confines it', () => {
    const keys = [
      check('a b'),
      check('a  b'),
      check('a b', { cwd: '/work/src' }),
      check('a b', { sandbox: SANDBOX }, { approvalPolicy: 'untrusted' }),
      check('a b'),
    ].map((it) => (it.verdict === 'ask' ? it.key : it.verdict));
    expect([new Set(keys).size, keys[0] === keys[4]]).toEqual([4, true]);
  });

  it.each([
    ['', 'empty'],
    [' \t\r\n ', 'empty'],
    ['# rm a', 'only a comment'],
    ['\n  # a\n\n# b\n', 'only a comment'],
    ['ls\0', 'NUL'],
  ])('refuses %j, with any policy', (command, words) => {
    const full = { sandbox: 'danger-full-access' } as const;
    expect([check(command), check(command, {}, full)]).toEqual([refuse(words), refuse(words)]);
  });

  it('takes a comment before a command for what it is', () => {
    expect(check('# first\nmake').verdict).toBe('ask');
  });
});
