import { spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { systemFiles } from '../../src/here/system-files.ts';
import type { Confinement } from '../../src/process/port.ts';
import { type Apply, applyPlan } from '../../src/tools/apply-patch/apply.ts';
import { treeOf } from '../tools/patch-workspace.ts';
import { hasSandbox, type PatchStage, patchStage } from './patch-stage.ts';

const RACE_MS = 3_000;
/** Each is another chance for the link. */
const ADDED = Array.from({ length: 20 }, (_, index) => `f${index}`);
/** The same as inside, so that only the link tells the two apart. */
const OUTSIDE = { a: 'ours\n', 'deep/a': 'ours\n' };

const inHelper = (stage: PatchStage): Apply => stage.applier().apply;
const unconfined = (stage: PatchStage): Apply =>
  stage.applier({ confine: (): Confinement => ({ type: 'none' }) }).apply;
const here =
  (): Apply =>
  (plan, { signal }) =>
    applyPlan(systemFiles, plan, signal);

const HOWS = [
  { how: 'in the sandbox', applyIn: inHelper, isHere: hasSandbox },
  { how: 'in a helper that nothing confines', applyIn: unconfined, isHere: process.platform === 'linux' },
  { how: 'in this process', applyIn: here, isHere: process.platform === 'linux' },
];

it.each(HOWS.filter(({ isHere }) => isHere))(
  'a directory that becomes a link and back for three seconds lets no patch out $how',
  async ({ applyIn }) => {
    const stage = await patchStage({ 'd/a': 'ours\n', 'd/deep/a': 'ours\n' });
    await fs.mkdir(join(stage.outside, 'deep'));
    for (const path of Object.keys(OUTSIDE)) await fs.writeFile(join(stage.outside, path), 'ours\n');
    const plan = await stage.plan(
      ...['*** Update File: d/a', '@@', '-ours', '+changed', '*** Add File: d/new/b', '+b'],
      ...['*** Update File: d/deep/a', '@@', '-ours', '+changed', '*** Add File: d/c', '+c'],
    );
    const back = await stage.plan('*** Add File: d/x', '+x');
    const apply = applyIn(stage);
    const order = { context: stage.context, lifted: [], signal: new AbortController().signal };
    const met = { applied: 0, refused: 0 };
    const stopFlipping = flip(stage);
    const until = Date.now() + RACE_MS;
    while (Date.now() < until) {
      for (const one of [plan, back]) {
        const { status } = await apply(one, order);
        met[status === 'applied' ? 'applied' : 'refused'] += 1;
      }
      await restore(stage);
    }
    await stopFlipping();
    expect(await treeOf(stage.outside)).toEqual(OUTSIDE);
    // Where nothing was refused there was no race.
    expect(met.refused).toBeGreaterThan(0);
  },
);

/** A process that puts a link to the outside in the place of a directory and takes it away, each for a moment of chance. */
function flip({ cwd, outside }: PatchStage): () => Promise<void> {
  const script = `
    const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
    const wait = () => {
      const until = performance.now() + Math.random();
      while (performance.now() < until) {}
    };
    for (;;) {
      try {
        symlinkSync(process.argv[1], 'next');
        renameSync('d', 'aside');
        renameSync('next', 'd');
        wait();
        unlinkSync('d');
        renameSync('aside', 'd');
        wait();
      } catch {}
    }`;
  const flipping = spawn(process.execPath, ['-e', script, outside], { cwd });
  const gone = new Promise<void>((resolve) => flipping.once('exit', () => resolve()));
  const stop = () => {
    flipping.kill('SIGKILL');
    return gone;
  };
  onTestFinished(stop);
  return stop;
}

/** Makes the files what they were, by whichever name their directory has at the moment. */
async function restore({ cwd }: PatchStage): Promise<void> {
  for (const name of ['d', 'aside']) {
    const directory = await fs
      .open(join(cwd, name), fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW)
      .catch(() => null);
    if (directory === null) continue;
    const held = `/proc/self/fd/${directory.fd}`;
    for (const path of [...ADDED, 'x', 'new']) await fs.rm(join(held, path), { force: true, recursive: true });
    for (const path of ['a', 'deep/a']) await fs.writeFile(join(held, path), 'ours\n').catch(() => {});
    await directory.close();
    return;
  }
}
