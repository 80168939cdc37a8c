import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Git } from '../../src/workspace/git.ts';
import { runGit } from '../../src/workspace/hardened-git.ts';
import { type GitStage, hasSandbox, proc, valueIn, withoutSandbox } from './git-stage.ts';
import { hostileRepository, TRAPS } from './hostile-repository.ts';

describe.each(TRAPS)('a repository with $name', (trap) => {
  it.skipIf(trap.step === null)('runs its program for plain git', async () => {
    const { stage, sprung } = await hostileRepository(trap);
    try {
      stage.plain(...(trap.step ?? []));
    } catch {
      // What is run may not be what git expected.
    }
    expect(await sprung()).toBe(true);
  });

  // Without a sandbox what is run leaves its mark; with one it leaves one in what git may write to.
  it.each([
    { where: 'without a sandbox', how: withoutSandbox },
    ...(hasSandbox ? [{ where: 'in the sandbox', how: proc }] : []),
  ])('runs nothing for git of ours $where', async ({ how }) => {
    const { stage, sprung } = await hostileRepository(trap);
    await sprung();
    const git = await stage.open(how);
    for (const [name, act] of Object.entries(actsOf(git, stage))) {
      await act();
      expect({ name, sprung: await sprung() }).toEqual({ name, sprung: false });
    }
  });
});

function actsOf(git: Git, stage: GitStage): Readonly<Record<string, () => Promise<unknown>>> {
  return {
    head: () => git.head(),
    resolve: () => git.resolve('main'),
    mergeBase: () => git.mergeBase('HEAD', 'main'),
    status: () => git.status(),
    'diff of the work tree': () => git.diff({ from: 'HEAD', to: null, outputMaxBytes: 10_000 }),
    'diff from nothing': () => git.diff({ from: null, to: 'HEAD', outputMaxBytes: 10_000 }),
    tracked: () => git.listFiles('tracked'),
    untracked: () => git.listFiles('untracked'),
    hashObject: () => git.hashObject(Buffer.from('x')),
    async snapshot() {
      const directory = join(stage.state, 'snapshot');
      await fs.mkdir(directory);
      const index = valueIn(await git.privateIndex(directory));
      await index.readTree('HEAD');
      const [hash = ''] = valueIn(await index.writeFiles(['a']));
      await index.update([{ mode: '100644', hash, path: 'a' }]);
      valueIn(await index.writeTree());
    },
  };
}

describe('what a program of a repository could do that is run nevertheless', () => {
  it.skipIf(!hasSandbox)('is nothing, as git is in the sandbox itself', async () => {
    const { stage, sprung } = await hostileRepository({
      name: 'a git that runs something',
      async plant({ write }) {
        await write('../git', '#!/bin/sh\ntouch "$0.ran" "$PWD/ran" 2>/dev/null || echo refused\n', 0o755);
      },
      step: null,
    });
    const ports = { ...stage.ports(proc), program: join(stage.place, 'git') };
    const place = {
      root: stage.root,
      gitDirectory: join(stage.root, '.git'),
      commonDirectory: join(stage.root, '.git'),
    };
    const ran = await runGit(ports, place, { arguments: ['status'] });
    expect(ran).toEqual({ ok: true, value: { text: 'refused\n', exitCode: 0, isCut: false } });
    expect(await sprung()).toBe(false);
  });
});
