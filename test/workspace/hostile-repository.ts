import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { type GitStage, gitStage, plainGit } from './git-stage.ts';

/** Something in a repository that makes git run a program. */
export type Trap = Readonly<{
  name: string;
  /** Puts it there; `run(…)` gives a command that leaves a mark. */
  plant(stage: GitStage, run: (script?: string) => string): Promise<void> | void;
  /** What of plain git steps into it; null where that takes a network or a terminal. */
  step: readonly string[] | null;
}>;

const TEXT = '* filter=evil diff=evil\n';
const config = (stage: GitStage, ...words: readonly string[]) => void stage.plain('config', ...words);

/** Touches the file, so that git has to look into it. */
async function touch(stage: GitStage, path = 'a'): Promise<void> {
  await fs.writeFile(join(stage.root, path), 'A\n');
}

export const TRAPS: readonly Trap[] = [
  {
    name: 'a clean filter',
    async plant(stage, run) {
      config(stage, 'filter.evil.clean', run('cat'));
      await stage.write('.gitattributes', TEXT);
      await touch(stage);
    },
    step: ['status'],
  },
  {
    name: 'a filter with an odd name, that is required',
    async plant(stage, run) {
      config(stage, 'filter.e=v.i l.clean', run('cat'));
      config(stage, 'filter.e=v.i l.required', 'true');
      await stage.write('.git/info/attributes', '* filter=e=v.i\n');
      config(stage, 'filter.e=v.i.clean', run('cat'));
      await touch(stage);
    },
    step: ['diff'],
  },
  {
    name: 'a filter process',
    async plant(stage, run) {
      config(stage, 'filter.evil.process', run('exit 0'));
      await stage.write('.gitattributes', TEXT);
      await touch(stage);
    },
    step: ['diff'],
  },
  {
    name: 'a smudge filter',
    async plant(stage, run) {
      config(stage, 'filter.evil.smudge', run('cat'));
      await stage.write('.gitattributes', TEXT);
      await touch(stage);
    },
    step: ['checkout', '--', 'a'],
  },
  { name: 'a file system monitor', plant: (stage, run) => config(stage, 'core.fsmonitor', run('')), step: ['status'] },
  {
    name: 'a text conversion',
    async plant(stage, run) {
      config(stage, 'diff.evil.textconv', run('cat'));
      await stage.write('.gitattributes', TEXT);
      await touch(stage);
    },
    step: ['diff'],
  },
  {
    name: 'an external diff of a driver',
    async plant(stage, run) {
      config(stage, 'diff.evil.command', run(''));
      await stage.write('.gitattributes', TEXT);
      await touch(stage);
    },
    step: ['diff'],
  },
  {
    name: 'an external diff for all',
    async plant(stage, run) {
      config(stage, 'diff.external', run(''));
      await touch(stage);
    },
    step: ['diff'],
  },
  {
    name: 'hooks',
    async plant(stage, run) {
      for (const hook of ['post-index-change', 'post-checkout', 'reference-transaction'])
        await stage.write(`.git/hooks/${hook}`, `#!/bin/sh\n${run('')}\n`, 0o755);
    },
    step: ['update-index', '--force-remove', 'a'],
  },
  {
    name: 'hooks elsewhere',
    async plant(stage, run) {
      await stage.write('hooks/post-index-change', `#!/bin/sh\n${run('')}\n`, 0o755);
      config(stage, 'core.hooksPath', 'hooks');
    },
    step: ['update-index', '--force-remove', 'a'],
  },
  { name: 'a pager', plant: (stage, run) => config(stage, 'core.pager', run('cat')), step: null },
  { name: 'an alias', plant: (stage, run) => config(stage, 'alias.st', `!${run('')}`), step: ['st'] },
  {
    name: 'an included file',
    async plant(stage, run) {
      await stage.write('.evil', `[filter "evil"]\n\tclean = ${run('cat').replaceAll('"', '\\"')}\n`);
      config(stage, `includeIf.gitdir:${stage.root}/.path`, '../.evil');
      await stage.write('.gitattributes', TEXT);
      await touch(stage);
    },
    step: ['status'],
  },
  {
    name: 'a command for ssh',
    plant(stage, run) {
      config(stage, 'core.sshCommand', run(''));
      config(stage, 'remote.origin.url', 'ssh://host.invalid/x');
    },
    step: ['fetch', 'origin'],
  },
  {
    name: 'a missing object that a remote is to have',
    async plant(stage, run) {
      const blob = stage.plain('rev-parse', 'HEAD:a').trim();
      config(stage, 'core.repositoryFormatVersion', '1');
      config(stage, 'extensions.partialClone', 'evil');
      config(stage, 'remote.evil.promisor', 'true');
      config(stage, 'remote.evil.url', stage.root);
      config(stage, 'remote.evil.uploadpack', run(''));
      await fs.rm(join(stage.root, '.git/objects', blob.slice(0, 2), blob.slice(2)));
      await touch(stage);
    },
    step: ['diff', 'HEAD'],
  },
  {
    name: 'a helper for credentials',
    plant: (stage, run) => config(stage, 'credential.helper', `!${run('')}`),
    step: null,
  },
  {
    name: 'a submodule with all of that',
    async plant(stage, run) {
      const other = join(stage.place, 'other');
      await fs.mkdir(other);
      plainGit(other, stage.place, ['init', '--quiet', '--initial-branch=main']);
      await fs.writeFile(join(other, 'a'), 'a\n');
      plainGit(other, stage.place, ['add', '--all']);
      plainGit(other, stage.place, ['commit', '--quiet', '-m', 'one']);
      stage.plain('submodule', '--quiet', 'add', other, 'sub');
      stage.plain('commit', '--quiet', '-m', 'sub');
      const within = (...words: readonly string[]) => plainGit(join(stage.root, 'sub'), stage.place, words);
      within('config', 'core.fsmonitor', run(''));
      within('config', 'filter.evil.clean', run('cat'));
      await stage.write('sub/.gitattributes', TEXT);
      await touch(stage, 'sub/a');
    },
    step: ['status'],
  },
];

/** A repository with one commit and the trap in it, and whether it was sprung since it was asked last. */
export async function hostileRepository(trap: Trap): Promise<{ stage: GitStage; sprung(): Promise<boolean> }> {
  const stage = await gitStage();
  await stage.write('a', 'a\n');
  stage.plain('add', '--all');
  stage.plain('commit', '--quiet', '--message', 'one');
  const marks = [join(stage.place, 'sprung'), join(stage.root, 'sprung')];
  const run = (then = '') => `touch ${marks.join(' ')} 2>/dev/null; ${then === '' ? 'true' : then}`;
  await trap.plant(stage, run);
  return {
    stage,
    async sprung() {
      const found = await Promise.all(
        marks.map((mark) =>
          fs.rm(mark).then(
            () => true,
            () => false,
          ),
        ),
      );
      return found.includes(true);
    },
  };
}
