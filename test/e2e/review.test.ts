import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Script } from '../../src/testing/index.ts';
import { runTroupe, temporaryDirectory } from './run-troupe.ts';
import { startScriptedServer } from './scripted-server.ts';

/** A repository with a commit on `main`, and a change that is not committed. */
function repository(): string {
  const cwd = temporaryDirectory();
  const git = (...words: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@b.invalid', ...words], { cwd, stdio: 'ignore' });
  git('init', '--initial-branch=main');
  writeFileSync(join(cwd, 'sum.js'), 'let sum = 0;\n');
  git('add', '--all');
  git('commit', '--message', 'one');
  writeFileSync(join(cwd, 'sum.js'), 'let sum = 1;\n');
  return cwd;
}

async function review(script: Script, args: readonly string[]) {
  const cwd = repository();
  const server = await startScriptedServer(script);
  const run = runTroupe(['review', '-C', cwd, ...args], { env: { ...server.env, TROUPE_HOME: temporaryDirectory() } });
  return { server, cwd, end: await run.ended };
}

const answerIn = (file: string) =>
  JSON.stringify({
    findings: [
      {
        title: 'Sum starts at one',
        body: 'An empty list gives 1.',
        confidence_score: 0.9,
        priority: 1,
        code_location: { absolute_file_path: file, line_range: { start: 1, end: 1 } },
      },
    ],
    overall_correctness: 'patch is incorrect',
    overall_explanation: 'One bug.',
    overall_confidence_score: 0.8,
  });

it('prints the findings with file and line, and nothing else of the reviewer, to standard output', async () => {
  const { server, end } = await review([{ say: answerIn('sum.js') }], []);
  server.verify();
  expect([end.code, end.stdout]).toEqual([
    0,
    'One bug.\n\nReview comment:\n\n- Sum starts at one — sum.js:1-1\n  An empty list gives 1.\n',
  ]);
  expect(JSON.stringify(server.requests[0]?.history)).toContain('-let sum = 0;\\n+let sum = 1;');
});

it('prints them as one JSON object for programs', async () => {
  const { end } = await review([{ say: answerIn('sum.js') }], ['--base', 'main', '--json']);
  expect([end.code, JSON.parse(end.stdout)]).toEqual([
    0,
    {
      findings: [
        {
          title: 'Sum starts at one',
          body: 'An empty list gives 1.',
          confidence: 0.9,
          priority: 1,
          file: 'sum.js',
          lines: { start: 1, end: 1 },
        },
      ],
      correctness: 'patch is incorrect',
      explanation: 'One bug.',
    },
  ]);
});

it('fails with words for a branch that there is not, and for two targets at once', async () => {
  const none = await review([], ['--base', 'nowhere']);
  const both = await review([], ['--base', 'main', 'look for races']);
  expect([none.end.code, none.end.stderr.includes('Expected "nowhere" to name a commit, it names none.')]).toEqual([
    1,
    true,
  ]);
  expect([both.end.code, both.end.stderr]).toEqual([
    2,
    expect.stringContaining('Expected either words or one of --uncommitted, --base and --commit, got both.'),
  ]);
});
