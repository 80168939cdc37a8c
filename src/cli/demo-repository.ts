import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { defaultHome } from '../here/default-home.ts';
import { systemFiles } from '../here/system-files.ts';
import { sandboxProfile } from '../policy/sandbox-profile.ts';
import type { Proc, ProcessEnd } from '../process/port.ts';
import { systemProc } from '../process/system-proc.ts';
import { trustedProgram } from '../process/trusted-program.ts';
import { systemClock } from '../runtime/clock.ts';
import { type Git, openGit } from '../workspace/git.ts';

/** The file with the bug, by its path in the repository. */
export const SOURCE = 'src/cart.js';
/** What the test says that fails. */
export const TEST_NAME = 'counts every piece of an item';

const FILES = {
  'package.json': `{ "name": "tea-shop", "private": true, "type": "module" }\n`,
  [SOURCE]: `/** What everything in the cart costs, in cents. */
export function totalCents(items) {
  let total = 0;
  for (const item of items) total += item.priceCents;
  return total;
}
`,
  'test/cart.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { totalCents } from '../${SOURCE}';

test('${TEST_NAME}', () => {
  const cart = [
    { name: 'tea', priceCents: 450, quantity: 2 },
    { name: 'cup', priceCents: 1200, quantity: 1 },
  ];
  assert.equal(totalCents(cart), 2100);
});
`,
} as const;

/** How long git or the test may take, in ms. */
const COMMAND_TIMEOUT_MS = 30_000;
const OUTPUT_MAX_BYTES = 1_048_576;

/** A repository in which the demo works. */
export type DemoRepository = Readonly<{
  directory: string;
  /** What is in its one commit. */
  files: readonly string[];
  /** Reads it, whatever has become of it meanwhile. */
  git: Git;
  /** Runs a command there. */
  run(...argv: readonly string[]): Promise<ProcessEnd>;
}>;

/** Makes a real git repository with a small project, a bug in it and a test that fails. Throws when git cannot. */
export async function makeRepository(directory: string, path: string): Promise<DemoRepository> {
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  const proc = systemProc(systemClock);
  const run = (...argv: readonly string[]) =>
    proc.spawn({
      argv,
      cwd: directory,
      env: environment(path, directory),
      timeoutMs: COMMAND_TIMEOUT_MS,
      graceMs: 0,
      keepBytes: OUTPUT_MAX_BYTES,
      outputMaxBytes: OUTPUT_MAX_BYTES,
    }).ended;
  for (const argv of [
    ['git', 'init', '--quiet'],
    ['git', 'add', '--all'],
    ['git', 'commit', '--quiet', '--message', 'Sell tea'],
  ]) {
    const { exitCode, error, output } = await run(...argv);
    if (exitCode === 0) continue;
    throw new Error(`Expected \`${argv.join(' ')}\` to make a repository for the demo, got: ${error ?? output.text}`);
  }
  const git = await opened(proc, directory, path);
  return { directory, files: Object.keys(FILES), git, run };
}

async function opened(proc: Proc, directory: string, path: string): Promise<Git> {
  const places = { userHomes: [homedir()], state: defaultHome() };
  const ports = {
    proc,
    program: trustedProgram('git', path, directory) ?? 'git',
    profile: sandboxProfile({ cwd: directory, sandbox: 'read-only' }, {}, places),
    withoutSandbox: { type: 'container' },
  } as const;
  const found = await openGit(ports, systemFiles, directory);
  if (found.ok && found.value !== null) return found.value;
  throw new Error(`Expected to open the repository of the demo, got: ${found.ok ? 'none' : found.why}`);
}

/** Nothing of the person's own settings of git: no hooks, no signing, no template. */
function environment(path: string, home: string): Record<string, string> {
  const who = { NAME: 'Troupe demo', EMAIL: 'demo@troupe.invalid' };
  const named = Object.entries(who).flatMap(([key, value]) => [
    [`GIT_AUTHOR_${key}`, value],
    [`GIT_COMMITTER_${key}`, value],
  ]);
  return {
    PATH: path,
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_PAGER: 'cat',
    NO_COLOR: '1',
    ...Object.fromEntries(named),
  };
}
