import { describe, expect, it } from 'vitest';
import { whyNotKept } from '../../src/policy/rules.ts';
import { whyUnsafeRule } from '../../src/policy/safe-rule.ts';

describe('a rule that is given in answer to a question', () => {
  it.each([[['npm', 'test']], [['npm', 'test', '--watch']]])(
    'is kept when it allows no more than was shown: %j',
    (rule) => {
      expect(whyNotKept(rule, ['npm', 'test'])).toBeNull();
    },
  );

  it.each([[['npm']], [[]], [['npm', 'run']], [['git', 'test']], [['/usr/bin/npm', 'test']]])(
    'is not kept when it allows more, or something else: %j',
    (rule) => {
      expect(whyNotKept(rule, ['npm', 'test'])).toBe(
        `Expected a rule that begins with ["npm","test"], as it was shown, got ${JSON.stringify(rule)}.`,
      );
    },
  );

  it('is not kept when none was shown, or what was shown allows everything', () => {
    expect([
      whyNotKept(['npm', 'test'], undefined),
      whyNotKept(['npm'], []),
      whyNotKept(['bash', '-c'], ['bash']),
    ]).toEqual([
      'Expected no rule for this command: none was shown with the question.',
      'Expected a rule that begins with [], as it was shown, got ["npm"].',
      'Expected a rule for one program, but bash runs others.',
    ]);
  });
});

describe('a rule', () => {
  it.each<[readonly string[], RegExp]>([
    [[], /begins with a program/],
    [[''], /begins with a program/],
    [['a\nb'], /control characters/],
    [['make', 'a\u202e'], /control characters/],
    [['./make', 'a'], /whole path/],
    [['/usr/../make', 'a'], /whole path/],
    [['a/b'], /whole path/],
    [['cd', 'a'], /the shell does itself/],
    [['sudo', 'ls'], /may be run/],
    [['env', 'ls'], /runs others/],
    [['/usr/bin/env', 'ls'], /runs others/],
    [['find', '.'], /runs others/],
    [['awk', 'a'], /runs others/],
    [['python3.12', '-c', 'a'], /which program/],
    [['python'], /which program/],
    [['git'], /what git does/],
    [['git', '--no-pager'], /what git does/],
    [['git', 'config'], /runs others/],
    [['npm', 'run'], /what npm run runs/],
    [['npm', 'run', '-x'], /what npm run runs/],
    [['uv', 'run', 'bash'], /runs others/],
    [['a', ...Array.from({ length: 40 }, () => 'b')], /at most 32 words/],
    [['a', 'b'.repeat(2_000)], /at most 32 words/],
  ])('allows nothing when it would allow everything: %j', (rule, why) => {
    expect(whyUnsafeRule(rule)).toMatch(why);
  });

  it.each([[['make', 'a']], [['/usr/bin/make', 'a']], [['python3', 'a.py']], [['uv', 'run', 'pytest']], [['touch']]])(
    'is good when it says what it allows: %j',
    (rule) => {
      expect(whyUnsafeRule(rule)).toBeNull();
    },
  );
});
