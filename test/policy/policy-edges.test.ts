import { describe, expect, it } from 'vitest';
import { programDirectories } from '../../src/policy/command-environment.ts';
import { judgeCommand } from '../../src/policy/judge-command.ts';
import { NO_PROJECT_CONFIG, parseProjectConfig } from '../../src/policy/project-config.ts';
import { redactor, redactPieces } from '../../src/policy/redact.ts';
import { FACTS } from './facts.ts';

const isRead = (command: string) => judgeCommand(command, { ...FACTS, confined: true }).verdict === 'allow';
const always = (command: string) => {
  const judgement = judgeCommand(command, FACTS);
  return judgement.verdict === 'ask' ? judgement.always : judgement.verdict;
};

describe('a command', () => {
  it('is no known read when its last flag lacks its value', () => {
    expect([isRead('git log --max-count 3'), isRead('git log --max-count')]).toEqual([true, false]);
  });

  it.each([
    ['in a name', 'echo $(r\\\nm -rf a)'],
    ['in a name that is quoted', 'echo $("r\\\nm" -rf a)'],
    ['in an option', 'rm -\\\nrf a > b'],
    ['in code for a shell', "bash -c 'r\\\nm -rf a' > b"],
    ['in a comment, which ends there', 'ls > b # \\\nrm -rf a'],
  ])('is seen where a line goes on in the next %s', (_, command) => {
    expect(always(command)).toBe('`rm` deletes without asking, or whole directories.');
  });

  it('is denied where a line goes on in the next', () => {
    expect([always('s\\\nudo ls > a'), always('su\\\ndo ls > a')]).toEqual(['deny', 'deny']);
  });

  it('is not seen where lines are joined to what is no bash, and says so', () => {
    expect(always('i\\\nf a > b')).toBe('A line in it goes on in the next, and it could not be read as one.');
  });

  it('is seen in the code of a shell behind the end of its options, and in a script there is none', () => {
    expect([always("bash -c -- 'rm -rf a'"), always('bash -- a.sh')]).toEqual([
      '`rm` deletes without asking, or whole directories.',
      null,
    ]);
  });
});

it('looks for programs where systems have them when there is no PATH', () => {
  expect(programDirectories({}, '/work')).toEqual(['/usr/bin', '/bin']);
});

it('names the keys that a project may not set, and of very many the beginning', () => {
  const keys = Array.from({ length: 40 }, (_, at) => `unknown-${at}`);
  const all = keys.map((key) => JSON.stringify(key)).join(', ');
  expect(parseProjectConfig(JSON.stringify(Object.fromEntries(keys.map((key) => [key, 1]))))).toEqual({
    config: NO_PROJECT_CONFIG,
    warnings: [
      `${all.slice(0, 200)}…: a project may set sandbox, approvalPolicy, deny and protect only, so it has no effect.`,
    ],
  });
});

it('holds no longer word of a text in pieces back than a key can be', () => {
  const pieces = redactPieces(redactor([]));
  expect([pieces.put('a'.repeat(299)), pieces.put('a'), pieces.end()]).toEqual(['', 'a'.repeat(300), '']);
});
