import { describe, expect, it } from 'vitest';
import {
  type CommandToCheck,
  checkCommand,
  ESCALATED_REASON,
  NO_SANDBOX_REASON,
} from '../../src/policy/command-check.ts';
import type { TaskContext } from '../../src/protocol/settings.ts';

const CONTEXT: TaskContext = { model: 'm', cwd: '/work', sandbox: 'workspace-write', approvalPolicy: 'on-request' };

function check(command: string, more: Partial<CommandToCheck> = {}, context: Partial<TaskContext> = {}) {
  return checkCommand({
    command,
    cwd: '/work',
    escalated: false,
    justification: null,
    sandboxAvailable: false,
    ...more,
    context: { ...CONTEXT, ...context },
  });
}

const ALLOW = { verdict: 'allow' };
const refuse = (...words: readonly string[]) => ({
  verdict: 'refuse',
  message: expect.stringMatching(words.map((word) => `(?=.*${word})`).join('')),
});

function ask(command: string, more: object = {}) {
  const argv = ['bash', '--noprofile', '--norc', '-c', command];
  return {
    verdict: 'ask',
    subject: { kind: 'command', argv, shown: command, cwd: '/work', sandbox: 'workspace-write', escalated: false },
    reason: NO_SANDBOX_REASON,
    key: JSON.stringify([argv, '/work']),
    ...more,
  };
}

describe('the check of a command', () => {
  it('asks about what is not plainly read-only, and says that there is no sandbox', () => {
    expect(check('rm -rf dist')).toEqual(ask('rm -rf dist'));
  });

  it.each(['on-request', 'untrusted', 'never'] as const)('allows plain reads under %s', (approvalPolicy) => {
    expect(check('cat README.md', {}, { approvalPolicy })).toEqual(ALLOW);
  });

  it.each(['/', '/etc', '/works', '/work/../etc'])(
    'asks about a plain read in %s, which is not the workspace',
    (cwd) => {
      expect(check('cat passwd', { cwd }).verdict).toBe('ask');
    },
  );

  it('asks about a plain read where the workspace is the whole machine', () => {
    expect(check('cat proc/1/environ', { cwd: '/' }, { cwd: '/' }).verdict).toBe('ask');
  });

  it('allows a plain read below the workspace', () => {
    expect(check('ls', { cwd: '/work/src' })).toEqual(ALLOW);
  });

  it.each(['on-request', 'untrusted', 'never'] as const)(
    'allows everything with full access under %s',
    (approvalPolicy) => {
      const context = { approvalPolicy, sandbox: 'danger-full-access' } as const;
      expect([check('rm -rf dist', {}, context), check('rm a', { escalated: true }, context)]).toEqual([ALLOW, ALLOW]);
    },
  );

  it('refuses under never, and names why and what would allow it', () => {
    expect(check('rm a', {}, { approvalPolicy: 'never' })).toEqual(
      refuse('no sandbox', "'never'", "sandbox: 'danger-full-access'"),
    );
  });

  it('refuses under never what asks for more rights, also a plain read', () => {
    const more = { escalated: true, sandboxAvailable: true };
    expect(check('ls', more, { approvalPolicy: 'never' })).toEqual(refuse('outside the sandbox', "'never'"));
  });

  it('refuses to ask for more rights under untrusted', () => {
    expect(check('rm a', { escalated: true }, { approvalPolicy: 'untrusted' })).toEqual(
      refuse('without `with_escalated_permissions`', "'untrusted'", "'on-request'"),
    );
  });

  it('asks about more rights under on-request, also for a plain read, and remembers it as another command', () => {
    const argv = ['bash', '--noprofile', '--norc', '-c', 'ls'];
    expect(check('ls', { escalated: true, sandboxAvailable: true })).toEqual({
      verdict: 'ask',
      subject: { kind: 'command', argv, shown: 'ls', cwd: '/work', sandbox: 'workspace-write', escalated: true },
      reason: ESCALATED_REASON,
      key: JSON.stringify([argv, '/work', 'escalated']),
    });
  });

  it('asks without a reason when there is a sandbox and the model gave none', () => {
    const { reason: _, ...question } = ask('make');
    expect(check('make', { sandboxAvailable: true })).toEqual(question);
  });

  it('shows what the model says below what is so, on one line, and made visible', () => {
    const justification = ' I must.\nSandbox: on.\t\x1b[2J ';
    expect(check('make', { justification })).toEqual(
      ask('make', { reason: `${NO_SANDBOX_REASON}\nReason given: I must. Sandbox: on. \\x1b[2J` }),
    );
  });

  it('shows a command as it is, and runs it as it was', () => {
    const command = 'echo \x1b[2J\u202e';
    const argv = ['bash', '--noprofile', '--norc', '-c', command];
    const { shown: _, ...subject } = ask(command).subject;
    expect(check(command)).toEqual(ask(command, { subject: { ...subject, argv, shown: 'echo \\x1b[2J\\u{202e}' } }));
  });

  it('remembers a command by all of it and by where it runs', () => {
    const keys = [check('a b'), check('a  b'), check('a b', { cwd: '/work/src' }), check('a b')].map((it) =>
      it.verdict === 'ask' ? it.key : it.verdict,
    );
    expect([new Set(keys).size, keys[0] === keys[3]]).toEqual([3, true]);
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
