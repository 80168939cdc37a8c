import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../../.ci/run');
const STEPS = ['ci', 'run check', 'run visualize -- --check', 'test'];

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-ci-')));
  mkdirSync(join(root, '.ci'));
  copyFileSync(SCRIPT, join(root, '.ci/run'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Runs it, from elsewhere, with an npm that says what it is asked and where, and fails at one step. */
function runFailingAt(step: string | null) {
  writeFileSync(join(root, 'npm'), `#!/bin/sh\necho "$PWD: $*"\n[ "$*" != "${step}" ]\n`);
  chmodSync(join(root, 'npm'), 0o755);
  const env = { ...process.env, PATH: `${root}:${process.env.PATH}` };
  const { status, stdout } = spawnSync('bash', [join(root, '.ci/run')], { cwd: tmpdir(), env, encoding: 'utf8' });
  return { status, steps: stdout.split('\n').slice(0, -1) };
}

const said = (steps: readonly string[]) => steps.map((step) => `${root}: ${step}`);

it('does each step from the root of the repository, and prints nothing after the tests', () => {
  expect(runFailingAt(null)).toEqual({ status: 0, steps: said(STEPS) });
});

it.each(STEPS)('fails at once when `npm %s` does', (step) => {
  expect(runFailingAt(step)).toEqual({ status: 1, steps: said(STEPS.slice(0, STEPS.indexOf(step) + 1)) });
});
