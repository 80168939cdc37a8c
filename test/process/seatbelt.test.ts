import { expect, it } from 'vitest';
import { sandboxProfile } from '../../src/policy/sandbox-profile.ts';
import { enclose } from '../../src/process/enclosure.ts';
import type { Containment, ProcessSpec, SandboxProfile } from '../../src/process/port.ts';
import { seatbeltRules } from '../../src/process/seatbelt.ts';

// The sandbox of macOS itself is not run here: these tests are about what it is told.
const PROFILE: SandboxProfile = {
  writableRoots: ['/Users/me/a (b)'],
  protectedNames: ['.git', '.mcp.json'],
  reservedNames: [],
  hidden: ['/Users/me/.ssh'],
  visible: ['/Users/me/a (b)'],
  network: false,
  state: '/Users/me/state',
};

it('lets a command write to its roots and temporary files, not to protected names, and not read what is hidden', () => {
  const rules = seatbeltRules(PROFILE).split('\n');
  expect(rules.slice(0, 4)).toEqual([
    '(version 1)',
    '(allow default)',
    '(deny file-write*)',
    '(allow file-write* (subpath "/Users/me/a (b)"))',
  ]);
  expect(rules).toContain('(deny file-write* (regex #"^/Users/me/a \\(b\\)/(.*/)?(\\.git|\\.mcp\\.json)(/|$)"))');
  expect(rules).toContain('(deny file-read* file-write* (subpath "/Users/me/.ssh"))');
  expect(rules).toContain('(deny network*)');
});

it('protects names whether they are there or not, at any depth', () => {
  const [, source = ''] = /regex #"(.*)"\)\)/.exec(seatbeltRules(PROFILE)) ?? [];
  const isProtected = (path: string) => new RegExp(source).test(path);
  const root = '/Users/me/a (b)';
  expect(
    ['/.git', '/.git/hooks/x', '/deep/er/.mcp.json', '/.github/x', '/x.git', '/a/.mcp.jsonx'].map((path) =>
      isProtected(root + path),
    ),
  ).toEqual([true, true, true, false, false, false]);
});

it('writes nowhere but to devices where the sandbox is read-only, and has the network where it is given', () => {
  const readOnly = sandboxProfile({ cwd: '/w', sandbox: 'read-only' }, {}, { userHomes: ['/Users/me'], state: '/s' });
  expect(seatbeltRules(readOnly).match(/allow file-write\* \(subpath "(?!\/dev\/)/g)).toBeNull();
  expect(seatbeltRules({ ...PROFILE, network: true })).not.toContain('network');
});

it('quotes what could end a word', () => {
  expect(seatbeltRules({ ...PROFILE, hidden: ['/a"b\\c'] })).toContain('(subpath "/a\\"b\\\\c")');
});

it('is put before a command by the same way as the other sandbox, and is no container', () => {
  const facts: Containment = { sandbox: true, container: false, why: null, mend: null, checks: [] };
  const spec: ProcessSpec = {
    ...{ argv: ['bash', '-c', 'ls'], cwd: '/w', env: {}, timeoutMs: 1, graceMs: 1, keepBytes: 1, outputMaxBytes: 1 },
    confinement: { type: 'sandbox', profile: PROFILE },
  };
  const enclosed = enclose(spec, facts, '/usr/bin/sandbox-exec');
  expect('wrapping' in enclosed && enclosed.wrapping).toEqual({
    argv: ['/usr/bin/sandbox-exec', '-p', seatbeltRules(PROFILE), 'bash', '-c', 'ls'],
    env: {},
    filter: null,
    isLimited: false,
    isContainer: false,
  });
});
