import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemFiles } from '../../src/here/system-files.ts';
import { sandboxProfile } from '../../src/policy/sandbox-profile.ts';
import type { Proc } from '../../src/process/port.ts';
import { systemProc } from '../../src/process/system-proc.ts';
import { trustedProgram } from '../../src/process/trusted-program.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { type Git, openGit } from '../../src/workspace/git.ts';
import type { GitPorts, GitResult } from '../../src/workspace/hardened-git.ts';

export const proc = systemProc(systemClock);
export const { sandbox: hasSandbox } = await proc.containment();

/** The same processes where there is no sandbox. */
export const withoutSandbox: Proc = {
  ...proc,
  containment: async () => ({ sandbox: false, container: false, why: 'for this test', mend: null, checks: [] }),
};

/** A place with a real repository in `work` and what lies beside it. */
export type GitStage = Readonly<{
  place: string;
  root: string;
  state: string;
  /** Plain git, as a person would run it there. */
  plain(...words: readonly string[]): string;
  write(path: string, text: string, mode?: number): Promise<void>;
  ports(proc: Proc): GitPorts;
  open(proc?: Proc, directory?: string): Promise<Git>;
}>;

export async function gitStage(): Promise<GitStage> {
  const place = await fs.realpath(await fs.mkdtemp(join(tmpdir(), 'troupe-git-')));
  onTestFinished(() => fs.rm(place, { recursive: true, force: true }));
  const root = join(place, 'work');
  const state = join(place, 'state');
  await fs.mkdir(root);
  await fs.mkdir(state);
  const plain = (...words: readonly string[]) => plainGit(root, place, words);
  plain('init', '--quiet', '--initial-branch=main');
  const ports = (how: Proc): GitPorts => ({
    proc: how,
    program: trustedProgram('git', process.env.PATH ?? '', root) ?? 'git',
    profile: sandboxProfile({ cwd: root, sandbox: 'read-only' }, {}, { userHomes: [], state }),
    withoutSandbox: { type: 'container' },
  });
  return {
    place,
    root,
    state,
    plain,
    ports,
    async write(path, text, mode) {
      await fs.mkdir(dirname(join(root, path)), { recursive: true });
      await fs.writeFile(join(root, path), text);
      if (mode !== undefined) await fs.chmod(join(root, path), mode);
    },
    async open(how = proc, directory = root) {
      const git = valueIn(await openGit(ports(how), systemFiles, directory));
      if (git === null) throw new Error('Expected a repository, got none.');
      return git;
    },
  };
}

export function plainGit(cwd: string, home: string, words: readonly string[]): string {
  const who = {
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@b.invalid',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@b.invalid',
  };
  const env = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_NOSYSTEM: '1', GIT_ALLOW_PROTOCOL: 'file:ssh', ...who };
  return execFileSync('git', [...words], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

export function valueIn<T>(result: GitResult<T>): T {
  if (!result.ok) throw new Error(result.why);
  return result.value;
}
