import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Confinement } from '../../src/process/port.ts';
import { encodeJournal } from '../../src/tools/apply-patch/journal.ts';
import type { Tree } from '../tools/patch-workspace.ts';
import { hasContainer, hasSandbox, killedTwice, type PatchStage, patchStage, type Stop } from './patch-stage.ts';

const TREE: Tree = { b: 'b\n', c: 'c\n', d: 'd' };
const AFTER: Tree = { b: 'B\n', 'moved/c': 'C\n' };
const PATCH = [
  ...['*** Update File: b', '@@', '-b', '+B', '*** Delete File: d'],
  ...['*** Update File: c', '*** Move to: moved/c', '@@', '-c', '+C'],
];
const MODE = 0o754;
const UNCONFINED = { confine: (): Confinement => ({ type: 'none' }) };
/** A bound for a loop that ends by itself. */
const DEEDS_MAX = 60;
const CUT_MS = 120_000;

async function stageWithModes(): Promise<PatchStage> {
  const stage = await patchStage(TREE);
  await fs.chmod(join(stage.cwd, 'c'), MODE);
  return stage;
}

/** What is there, with the mode of the one file whose mode is not the usual. */
async function found(stage: PatchStage) {
  const { reached: _, ...tree } = await stage.tree();
  const name = 'c' in tree ? 'c' : 'moved/c';
  return { tree, mode: (await fs.stat(join(stage.cwd, name))).mode & 0o7777, journals: await stage.journals() };
}

const BEFORE = { tree: TREE, mode: MODE, journals: [] };
const DONE = { tree: AFTER, mode: MODE, journals: [] };

/** Applies the patch with a helper that stops at its nth deed, for each n until there is none. Gives how often it stopped. */
async function eachDeed(stop: Stop, options: object): Promise<number> {
  for (let nth = 1; nth < DEEDS_MAX; nth += 1) {
    const stage = await stageWithModes();
    const program = await stage.stopping(stop, nth);
    const applied = await stage.apply(await stage.plan(...PATCH), { ...options, program });
    const isCut = stop === 'kill' ? stage.started.includes('roll-back') : applied.status !== 'applied';
    expect({ nth, ...(await found(stage)) }).toEqual({ nth, ...(applied.status === 'applied' ? DONE : BEFORE) });
    if (!isCut) return nth - 1;
    if (applied.status !== 'applied') expect(applied.message).toMatch(/Nothing was changed\.$/);
  }
  throw new Error(`Expected at most ${DEEDS_MAX} deeds.`);
}

/** Deeds: 3 new contents (made, written, given a mode, synced, renamed), a directory, 2 removals; chmod is done twice where there was a file. */
const DEEDS_MIN = 15;

describe('a patch whose helper is stopped', () => {
  it.skipIf(!hasSandbox)(
    'by a kill, wherever that is, is all or nothing in the sandbox',
    async () => {
      expect(await eachDeed('kill', {})).toBeGreaterThan(DEEDS_MIN);
    },
    CUT_MS,
  );

  it(
    'by a disk without room, wherever that is, is all or nothing',
    async () => {
      expect(await eachDeed('ENOSPC', UNCONFINED)).toBeGreaterThan(DEEDS_MIN);
    },
    CUT_MS,
  );

  it.skipIf(!hasSandbox)('by an abort is undone, and told as aborted', async () => {
    const stage = await stageWithModes();
    const controller = new AbortController();
    const applying = stage.apply(await stage.plan(...PATCH), {
      program: await stage.stopping('term', 9),
      signal: controller.signal,
    });
    await reached(stage);
    controller.abort();
    expect(await applying).toEqual({
      status: 'aborted',
      message: 'The patch was aborted. Nothing was changed.',
      left: [],
    });
    expect(await found(stage)).toEqual(BEFORE);
  });

  it.skipIf(!hasSandbox)('by a kill of the call is undone before the kill is told', async () => {
    const stage = await stageWithModes();
    const owned: { kill(graceMs: number): Promise<{ killed: number; survivors: number }> }[] = [];
    const applying = stage.applier({ program: await stage.stopping('hang', 9) }).apply(await stage.plan(...PATCH), {
      context: stage.context,
      lifted: [],
      signal: new AbortController().signal,
      own(one) {
        owned.push(one);
        return () => {};
      },
    });
    await reached(stage);
    const report = await owned[0]?.kill(0);
    expect(await found(stage)).toEqual(BEFORE);
    expect(report).toMatchObject({ survivors: 0 });
    expect(await applying).toMatchObject({ status: 'failed', left: [] });
  });

  it.skipIf(!hasSandbox)('by a kill of what confines it is undone', async () => {
    const stage = await stageWithModes();
    const applying = stage.apply(await stage.plan(...PATCH), { program: await stage.stopping('hang', 9) });
    await reached(stage);
    process.kill(stage.running[0]?.pid ?? 0, 'SIGKILL');
    expect(await applying).toMatchObject({ status: 'failed', left: [] });
    expect(await found(stage)).toEqual(BEFORE);
  });

  it('twice is undone before the next patch, which is told of nothing', async () => {
    const stage = await stageWithModes();
    const patch = await stage.plan(...PATCH);
    expect(await stage.apply(patch, { ...UNCONFINED, program: await killedTwice(stage) })).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('This is tried again before the next patch here'),
    });
    expect((await found(stage)).journals).toHaveLength(1);
    expect(await stage.apply(patch, UNCONFINED)).toEqual({ status: 'applied' });
    expect(await found(stage)).toEqual(DONE);
  });

  it('is undone once, however many look for it', async () => {
    const stage = await stageWithModes();
    await stage.apply(await stage.plan(...PATCH), { ...UNCONFINED, program: await killedTwice(stage) });
    const { recover } = stage.applier(UNCONFINED);
    const told = await Promise.all([recover(stage.context), recover(stage.context), recover(stage.context)]);
    expect(told.flat()).toHaveLength(1);
    expect(await found(stage)).toEqual(BEFORE);
  });

  it('is not undone where others could have written the journal', async () => {
    const stage = await stageWithModes();
    await stage.apply(await stage.plan(...PATCH), { ...UNCONFINED, program: await killedTwice(stage) });
    const { tree } = await found(stage);
    await fs.chmod(join(stage.state, 'patches'), 0o777);
    await expect(stage.applier(UNCONFINED).recover(stage.context)).rejects.toThrow('writable by its owner only');
    expect((await found(stage)).tree).toEqual(tree);
  });

  it('is what is said to be in the way of the next one as long as nothing can be undone', async () => {
    const stage = await stageWithModes();
    const program = await killedTwice(stage);
    const plan = await stage.plan(...PATCH);
    await stage.apply(plan, { ...UNCONFINED, program });
    expect(await stage.apply(plan, { ...UNCONFINED, program })).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(
        /^A patch of .* was cut before\. What it had done could not be undone: .*\. Nothing was changed\.$/s,
      ),
      left: [],
    });
    expect((await found(stage)).journals).toHaveLength(1);
  });

  it('keeps old contents where somebody else has changed a file meanwhile', async () => {
    const stage = await stageWithModes();
    const plan = await stage.plan(...PATCH);
    await stage.apply(plan, { ...UNCONFINED, program: await killedTwice(stage) });
    await fs.writeFile(join(stage.cwd, 'b'), 'theirs\n');
    const told = await stage.applier(UNCONFINED).recover(stage.context);
    const { tree, mode, journals } = await found(stage);
    expect({ tree, mode }).toEqual({ tree: { ...TREE, b: 'theirs\n' }, mode: MODE });
    expect(journals).toEqual([expect.stringMatching(/\.kept$/)]);
    expect(told).toEqual([
      expect.stringMatching(
        /was cut before\. What could not be undone: b \(somebody else has changed it since\)\. What was there before is kept in .*\.kept\.$/,
      ),
    ]);
    expect(await stage.applier(UNCONFINED).recover(stage.context)).toEqual([]);
  });
});

describe('a patch whose session dies', () => {
  it.skipIf(!hasSandbox || !hasContainer)('is undone by the next one, in the sandbox', async () => {
    const stage = await stageWithModes();
    const owner = await ownerOf(stage, await stage.stopping('hang', 9), '');
    await reached(stage);
    expect(await stage.applier().recover(stage.context)).toEqual([]);
    await killed(owner);
    expect((await found(stage)).tree).not.toEqual(TREE);
    expect(await stage.applier().recover(stage.context)).toEqual([
      `A patch of ${['b', 'moved/c', 'd', 'c'].map((name) => join(stage.cwd, name)).join(', ')} was cut before, and is undone.`,
    ]);
    expect(await found(stage)).toEqual(BEFORE);
    expect(await stage.applier().recover(stage.context)).toEqual([]);
  });

  it('is undone by its helper or by the next one where nothing confines that', async () => {
    const stage = await stageWithModes();
    const owner = await ownerOf(stage, await stage.stopping('orphan', 9), "confine: () => ({ type: 'none' }),");
    await reached(stage);
    const helper = Number(await fs.readFile(join(stage.cwd, 'reached'), 'utf8'));
    await killed(owner);
    await vi.waitFor(() => expect(() => process.kill(helper, 0)).toThrow('ESRCH'), { timeout: 10_000 });
    await stage.applier(UNCONFINED).recover(stage.context);
    expect(await found(stage)).toEqual(BEFORE);
  });
});

function reached({ cwd }: PatchStage): Promise<void> {
  return vi.waitFor(() => fs.access(join(cwd, 'reached')), { timeout: 10_000 });
}

/** A process that applies the patch as a session does. */
async function ownerOf(stage: PatchStage, program: string, options: string): Promise<ChildProcess> {
  const source = (path: string) => JSON.stringify(join(import.meta.dirname, '../..', path));
  const { files } = await stage.plan(...PATCH);
  const plan = join(stage.state, '..', 'plan');
  await fs.writeFile(plan, encodeJournal({ id: '', files, directories: [], roots: [] }));
  const script = `
    const { patchApplier } = await import(${source('src/here/patch-applier.ts')});
    const { systemProc } = await import(${source('src/process/system-proc.ts')});
    const { systemClock } = await import(${source('src/runtime/clock.ts')});
    const { confinementOf } = await import(${source('src/policy/sandbox-profile.ts')});
    const { readFileSync } = await import('node:fs');
    const { decodeJournal } = await import(${source('src/tools/apply-patch/journal.ts')});
    const { files } = decodeJournal(readFileSync(${JSON.stringify(plan)}));
    const state = ${JSON.stringify(stage.state)};
    const applier = patchApplier({
      proc: systemProc(systemClock),
      state,
      program: ${JSON.stringify(program)},
      confine: (task, escalated) => confinementOf(task, {}, { userHomes: [], state }, escalated),
      ${options}
    });
    const context = ${JSON.stringify(stage.context)};
    await applier.apply({ files, changes: [] }, { context, lifted: [], signal: new AbortController().signal });`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  onTestFinished(() => void owner.kill('SIGKILL'));
  return owner;
}

async function killed(owner: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => owner.once('exit', resolve));
  owner.kill('SIGKILL');
  await gone;
}
