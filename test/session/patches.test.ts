import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Decision, SessionRequest } from '../../src/index.ts';
import type { SandboxMode } from '../../src/protocol/settings.ts';
import { hasSandbox, killedTwice, patchStage } from '../here/patch-stage.ts';
import { patchText, treeOf } from '../tools/patch-workspace.ts';
import { rig } from './rig.ts';

type Play = Readonly<{
  cwd: string;
  home: string;
  sandbox?: SandboxMode;
  decide?: (request: SessionRequest) => Decision;
}>;

/** A session whose model sends one patch; gives what was asked, and what the model was told first and of the patch. */
async function play(patch: string, { cwd, home, sandbox = 'workspace-write', decide }: Play) {
  const asked: unknown[] = [];
  const { session, model } = rig({
    script: [{ call: { name: 'apply_patch', arguments: { input: patch } } }, { say: 'Done.' }],
    cwd,
    home,
    sandbox,
    onRequest(request) {
      asked.push(request.subject.kind === 'patch' ? request.subject.outsideWorkspace : request.subject.kind);
      return decide?.(request) ?? 'denied';
    },
  });
  await session.run('Go').outcome;
  await session.close();
  const { history = [] } = model.requests[1] ?? {};
  const texts = history.flatMap((entry) =>
    entry.type === 'message' && entry.role === 'user'
      ? entry.content.map((part) => ('text' in part ? part.text : ''))
      : [],
  );
  const told = history.flatMap((entry) => (entry.type === 'output' ? [entry.output] : []));
  return { asked, told, texts };
}

const INSIDE = patchText('*** Update File: a', '@@', '-a', '+A');
const OUTSIDE = patchText('*** Add File: ../outside/x', '+x');

describe('a patch of a session', () => {
  it('is applied by a process of its own, and leaves nothing behind', async () => {
    const stage = await patchStage({ a: 'a\n' });
    const played = await play(INSIDE, { cwd: stage.cwd, home: stage.state });
    expect([played.told, played.asked]).toEqual([['Success. Updated the following files:\nM a'], []]);
    expect([await stage.tree(), await stage.journals()]).toEqual([{ a: 'A\n' }, []]);
  });

  it('goes outside with a yes, and not without', async () => {
    const stage = await patchStage({});
    const where = { cwd: stage.cwd, home: stage.state };
    expect((await play(OUTSIDE, where)).told).toEqual(['rejected by user']);
    expect(await treeOf(stage.outside)).toEqual({});
    const played = await play(OUTSIDE, { ...where, decide: () => 'approved' });
    expect([played.asked, played.told]).toEqual([
      [[join(stage.outside, 'x')]],
      ['Success. Updated the following files:\nA ../outside/x'],
    ]);
    expect(await treeOf(stage.outside)).toEqual({ x: 'x\n' });
  });

  it('changes what a task only reads with a yes, and not without', async () => {
    const stage = await patchStage({ a: 'a\n' });
    const where = { cwd: stage.cwd, home: stage.state, sandbox: 'read-only' as const };
    expect((await play(INSIDE, where)).told).toEqual(['rejected by user']);
    expect(await stage.tree()).toEqual({ a: 'a\n' });
    const played = await play(INSIDE, { ...where, decide: () => 'approved' });
    expect(played.told).toEqual(['Success. Updated the following files:\nM a']);
    expect(await stage.tree()).toEqual({ a: 'A\n' });
  });

  it('of a protected name is refused, and nobody is asked', async () => {
    const stage = await patchStage({});
    const patch = patchText('*** Add File: .vscode/tasks.json', '+{}');
    const played = await play(patch, { cwd: stage.cwd, home: stage.state, decide: () => 'approved' });
    expect(played.asked).toEqual([]);
    expect(played.told).toEqual([expect.stringContaining('protected by the name `.vscode`')]);
    expect(await stage.tree()).toEqual({});
  });

  it.skipIf(!hasSandbox)('that an earlier session has left half done is undone, and the model told', async () => {
    const stage = await patchStage({ b: 'b\n', a: 'a\n' });
    const cut = await stage.plan('*** Update File: b', '@@', '-b', '+B', '*** Add File: c', '+c', '*** Delete File: a');
    await stage.apply(cut, { program: await killedTwice(stage) });
    expect((await fs.readFile(join(stage.cwd, 'b'))).toString()).toBe('B\n');
    const played = await play(INSIDE, { cwd: stage.cwd, home: stage.state });
    const names = ['b', 'c', 'a'].map((name) => join(stage.cwd, name)).join(', ');
    expect(played.texts).toContain(`A patch of ${names} was cut before, and is undone.`);
    expect(played.told).toEqual(['Success. Updated the following files:\nM a']);
    expect([await stage.tree(), await stage.journals()]).toEqual([{ b: 'b\n', a: 'A\n' }, []]);
  });
});
