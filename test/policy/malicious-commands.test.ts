import { describe, expect, it } from 'vitest';
import { checkCommand } from '../../src/policy/command-check.ts';
import { judgeCommand } from '../../src/policy/judge-command.ts';
import { FACTS } from './facts.ts';
import { MALICIOUS } from './malicious-commands.ts';

describe('a command that tries to get by', () => {
  it('is one of at least 300', () => {
    expect(new Set(Object.values(MALICIOUS).flat()).size).toBeGreaterThanOrEqual(300);
  });

  it.each(Object.entries(MALICIOUS))('by %s is never allowed, confined or not', (_, commands) => {
    const allowed = commands.filter((command) =>
      [true, false].some((confined) => judgeCommand(command, { ...FACTS, confined }).verdict === 'allow'),
    );
    expect(allowed).toEqual([]);
  });

  it.each(['untrusted', 'on-request'] as const)('runs nowhere unasked without a sandbox under %s', (approvalPolicy) => {
    const context = { model: 'm', cwd: '/work', sandbox: 'workspace-write', approvalPolicy } as const;
    const sandbox = { available: false, why: null, mend: null };
    const asked = { ...FACTS, context, sandbox, escalated: false, justification: null };
    const allowed = Object.values(MALICIOUS)
      .flat()
      .filter((command) => checkCommand({ ...asked, command }).verdict === 'allow');
    expect(allowed).toEqual([]);
  });
});
