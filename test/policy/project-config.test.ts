import { describe, expect, it } from 'vitest';
import { NO_PROJECT_CONFIG, narrowedByProject, parseProjectConfig } from '../../src/policy/project-config.ts';
import type { ApprovalPolicy, SandboxMode } from '../../src/protocol/settings.ts';

const parse = (value: unknown) => parseProjectConfig(JSON.stringify(value));
const SANDBOXES: readonly SandboxMode[] = ['read-only', 'workspace-write', 'danger-full-access'];

describe('the file of a project', () => {
  it('may name a sandbox, a policy, what is refused, and what is protected', () => {
    const config = {
      sandbox: 'read-only',
      approvalPolicy: 'untrusted',
      deny: [['git', 'push'], ['npm']],
      protect: ['Makefile'],
    };
    expect(parse(config)).toEqual({ config, warnings: [] });
  });

  it('has no effect by any other key, and that is said', () => {
    const hostile = {
      baseURL: 'http://evil.invalid',
      apiKey: 'x',
      model: 'm',
      env: { A: 'b' },
      hooks: { start: 'touch x' },
      mcpServers: { a: { command: 'touch x' } },
      allow: [['bash']],
      network: true,
      writableRoots: ['/'],
    };
    const { config, warnings } = parse(hostile);
    expect(config).toEqual(NO_PROJECT_CONFIG);
    expect(warnings).toEqual([
      expect.stringMatching(/^"baseURL", "apiKey", .*: a project may set .* only, so it has no effect\.$/),
    ]);
  });

  it('counts key by key: what is of the wrong kind is left out, and said', () => {
    const { config, warnings } = parse({ sandbox: 'none', approvalPolicy: 1, deny: ['git push'], protect: ['a'] });
    expect(config).toEqual({ ...NO_PROJECT_CONFIG, protect: ['a'] });
    expect(warnings.map((warning) => warning.slice(0, 20))).toEqual([
      '"sandbox": expected ',
      '"approvalPolicy": ex',
      '"deny": expected up ',
    ]);
  });

  it.each(['..', '.', '', 'a/b', 'a\u0000b', 'a\nb', '\u202eevil', 'x'.repeat(101)])(
    'protects no name like %j',
    (name) => {
      expect(parse({ protect: [name] }).config.protect).toEqual([]);
    },
  );

  it.each([
    ['deny', Array(201).fill(['a'])],
    ['deny', [[]]],
    ['deny', [['']]],
    ['protect', Array(51).fill('a')],
  ])('takes no more of %s than is useful', (key, value) => {
    expect(parse({ [key]: value })).toEqual({
      config: NO_PROJECT_CONFIG,
      warnings: [expect.stringContaining(`"${key}": expected`)],
    });
  });

  it.each(['', 'root:x:0:0', '[]', 'null', '{"sandbox":', `${'['.repeat(60_000)}`])(
    'that is no object has no effect, and nothing of it is shown: %#',
    (text) => {
      expect(parseProjectConfig(text)).toEqual({
        config: NO_PROJECT_CONFIG,
        warnings: ['Expected a JSON object, so it has no effect.'],
      });
    },
  );
});

describe('a project', () => {
  it.each(SANDBOXES.flatMap((inForce) => SANDBOXES.map((wanted) => [inForce, wanted] as const)))(
    'in a sandbox that is %s and wants %s gets the stricter one',
    (inForce, wanted) => {
      const isWider = SANDBOXES.indexOf(wanted) > SANDBOXES.indexOf(inForce);
      const narrowed = narrowedByProject(
        { sandbox: inForce, approvalPolicy: 'never' },
        { ...NO_PROJECT_CONFIG, sandbox: wanted },
      );
      expect([narrowed.sandbox, narrowed.warnings.length]).toEqual([isWider ? inForce : wanted, isWider ? 1 : 0]);
    },
  );

  it.each<[ApprovalPolicy, ApprovalPolicy, ApprovalPolicy]>([
    ['on-request', 'untrusted', 'untrusted'],
    ['on-request', 'never', 'never'],
    ['untrusted', 'on-request', 'untrusted'],
    // Under `never` nobody is asked about what a sandbox confines.
    ['untrusted', 'never', 'untrusted'],
    ['never', 'untrusted', 'never'],
    ['never', 'on-request', 'never'],
  ])('under %s that wants %s gets %s', (inForce, wanted, got) => {
    const narrowed = narrowedByProject(
      { sandbox: 'read-only', approvalPolicy: inForce },
      { ...NO_PROJECT_CONFIG, approvalPolicy: wanted },
    );
    expect([narrowed.approvalPolicy, narrowed.warnings.length]).toEqual([got, got === wanted ? 0 : 1]);
  });
});
