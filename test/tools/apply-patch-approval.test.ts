import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemFiles } from '../../src/here/system-files.ts';
import type { Decision, RequestSubject } from '../../src/protocol/requests.ts';
import type { ApprovalPolicy, SandboxMode } from '../../src/protocol/settings.ts';
import type { Apply } from '../../src/tools/apply-patch/apply.ts';
import { applyPatchTool } from '../../src/tools/apply-patch/tool.ts';
import { contextOf, patchText, patchWorkspace, runPatch, scopeOf, toldText, treeOf } from './patch-workspace.ts';

const INSIDE = patchText('*** Add File: a', '+x');
const OUTSIDE = patchText('*** Add File: ../outside/a', '+x');

describe('what apply_patch asks', () => {
  it.each<[SandboxMode, ApprovalPolicy, string, string]>([
    ['danger-full-access', 'untrusted', 'allow', 'allow'],
    ['danger-full-access', 'on-request', 'allow', 'allow'],
    ['danger-full-access', 'never', 'allow', 'allow'],
    ['workspace-write', 'untrusted', 'ask', 'ask'],
    ['workspace-write', 'on-request', 'allow', 'ask'],
    ['workspace-write', 'never', 'allow', 'refuse'],
    ['read-only', 'untrusted', 'ask', 'ask'],
    ['read-only', 'on-request', 'ask', 'ask'],
    ['read-only', 'never', 'refuse', 'refuse'],
  ])('in %s with %s: inside %s, outside %s', async (sandbox, approvalPolicy, inside, outside) => {
    const { cwd } = await patchWorkspace();
    const verdictOf = async (patch: string) => (await runPatch(cwd, patch, { sandbox, approvalPolicy })).check.verdict;
    expect([await verdictOf(INSIDE), await verdictOf(OUTSIDE)]).toEqual([inside, outside]);
  });

  it('shows each change with its diff, and which files are outside', async () => {
    const { cwd, root } = await patchWorkspace({ 'a.txt': '1\n2\n3\n4\n5\n6\n7\n8\n', gone: 'x', old: 'same\r\n' });
    const patch = patchText(
      ...['*** Add File: ../outside/b', '+new', '*** Update File: a.txt', '@@', '-6', '+six'],
      ...['*** Delete File: gone', '*** Update File: old', '*** Move to: sub/new', '@@', '-same', '+other'],
    );
    const { check } = await runPatch(cwd, patch, { approvalPolicy: 'untrusted' });
    expect(check).toEqual({
      verdict: 'ask',
      reason: `the patch changes files outside the workspace (${root}/outside/b)`,
      key: `apply_patch ["${root}/outside/b","${cwd}/a.txt","${cwd}/gone","${cwd}/old","${cwd}/sub/new"]`,
      subject: {
        kind: 'patch',
        outsideWorkspace: [`${root}/outside/b`],
        changes: [
          { path: '../outside/b', kind: 'add', diff: '--- /dev/null\n+++ b/../outside/b\n@@ -0,0 +1,1 @@\n+new\n' },
          {
            path: 'a.txt',
            kind: 'update',
            diff: '--- a/a.txt\n+++ b/a.txt\n@@ -3,6 +3,6 @@\n 3\n 4\n 5\n-6\n+six\n 7\n 8\n',
          },
          {
            path: 'gone',
            kind: 'delete',
            diff: '--- a/gone\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-x\n\\ No newline at end of file\n',
          },
          {
            path: 'old',
            kind: 'update',
            movedTo: 'sub/new',
            diff: '--- a/old\n+++ b/sub/new\n@@ -1,1 +1,1 @@\n-same\r\n+other\r\n',
          },
        ],
      },
    });
  });

  it('has one key for the same files, whatever the order and the contents', async () => {
    const { cwd } = await patchWorkspace({ d: '-> real', 'real/a': 'x\n' });
    const keyOf = async (...lines: readonly string[]) => {
      const { check } = await runPatch(cwd, patchText(...lines), { approvalPolicy: 'untrusted' });
      return check.verdict === 'ask' ? check.key : check.verdict;
    };
    const key = await keyOf('*** Add File: b', '+1', '*** Update File: real/a', '@@', '-x', '+y');
    expect(await keyOf('*** Delete File: d/a', '*** Add File: ./b', '+2')).toBe(key);
    expect(await keyOf('*** Add File: b', '+1')).not.toBe(key);
  });

  it('says why it refuses', async () => {
    const { cwd, root } = await patchWorkspace();
    const refusal = async (patch: string, sandbox: SandboxMode) =>
      toldText(await runPatch(cwd, patch, { sandbox, approvalPolicy: 'never' }));
    expect(await refusal(INSIDE, 'read-only')).toBe(
      'Refused, and nothing was changed: the sandbox is read-only, and the policy is to ask nobody.',
    );
    expect(await refusal(OUTSIDE, 'workspace-write')).toBe(
      `Refused, and nothing was changed: the patch changes files outside the workspace (${root}/outside/a), and the policy is to ask nobody.`,
    );
  });

  it('keeps out of .git unless everything is allowed', async () => {
    const { cwd } = await patchWorkspace({ '.git/config': 'old\n' });
    const patch = patchText('*** Update File: .git/config', '@@', '-old', '+new');
    for (const sandbox of ['read-only', 'workspace-write'] as const) {
      expect(toldText(await runPatch(cwd, patch, { sandbox, approvalPolicy: 'on-request' }))).toContain('`.git`');
    }
    expect(toldText(await runPatch(cwd, patch, { sandbox: 'danger-full-access' }))).toMatch(/^Success/);
    expect(await treeOf(cwd)).toEqual({ '.git/config': 'new\n' });
  });

  it.each([
    ['.vscode/tasks.json', '.vscode'],
    ['sub/.VSCode/tasks.json', '.vscode'],
    ['.mcp.json', '.mcp.json'],
    ['sub/Makefile', 'Makefile'],
    ['link/tasks.json', '.vscode'],
    ['../outside/.vscode/tasks.json', '.vscode'],
  ])('refuses %s before anybody is asked, unless everything is allowed', async (path, name) => {
    const { cwd } = await patchWorkspace({ '.vscode': '<directory>', link: '-> .vscode' });
    const tool = { limits: { writableRoots: [], protectedNames: ['.vscode', '.mcp.json', 'Makefile'] } };
    const patch = patchText('*** Add File: other', '+x', `*** Add File: ${path}`, '+x');
    const { check } = await runPatch(cwd, patch, { tool, approvalPolicy: 'untrusted' });
    expect(check).toEqual({
      verdict: 'refuse',
      message: `The patch failed: ${path}: expected a file that nothing outside of the sandbox runs or obeys, got one that is protected by the name \`${name}\`. The user has to change it. Nothing was changed.`,
    });
    const free = await runPatch(cwd, patch, { tool, sandbox: 'danger-full-access' });
    expect(toldText(free)).toMatch(/^Success/);
  });

  it('asks nothing about directories that are writable besides', async () => {
    const { cwd, outside } = await patchWorkspace();
    const limits = { writableRoots: ['../outside', '../missing'], protectedNames: [] };
    const inside = await runPatch(cwd, OUTSIDE, { tool: { limits } });
    expect([inside.check.verdict, await treeOf(outside)]).toEqual(['allow', { a: 'x\n' }]);
    const elsewhere = patchText('*** Add File: ../elsewhere', '+x');
    expect((await runPatch(cwd, elsewhere, { tool: { limits } })).check.verdict).toBe('ask');
    expect((await runPatch(cwd, OUTSIDE, { tool: { limits }, sandbox: 'read-only' })).check.verdict).toBe('ask');
  });

  it('names to whoever applies it what was allowed beyond the sandbox, and nothing else', async () => {
    const { cwd, outside } = await patchWorkspace();
    const lifted: (readonly string[])[] = [];
    const apply: Apply = async (_plan, order) => {
      lifted.push(order.lifted);
      return { status: 'applied' };
    };
    const both = patchText('*** Add File: a', '+x', '*** Add File: ../outside/a', '+x');
    for (const sandbox of ['workspace-write', 'read-only', 'danger-full-access'] as const)
      await runPatch(cwd, both, { tool: { apply }, sandbox });
    expect(lifted).toEqual([[join(outside, 'a')], [join(cwd, 'a'), join(outside, 'a')], []]);
  });

  it('shows a change of very many lines as one block', async () => {
    const lines = (word: string) => Array.from({ length: 3_000 }, (_, index) => `${word}${index}`);
    const { cwd } = await patchWorkspace({ a: ['first', ...lines('a'), 'last', ''].join('\n') });
    const patch = patchText(
      ...['*** Update File: a', '@@', ' first'],
      ...lines('a').map((line) => `-${line}`),
      ...lines('b').map((line) => `+${line}`),
    );
    const { check } = await runPatch(cwd, patch, { approvalPolicy: 'untrusted' });
    if (check.verdict !== 'ask' || check.subject.kind !== 'patch') expect.fail(check.verdict);
    expect(check.subject.changes[0]?.diff).toBe(
      `--- a/a\n+++ b/a\n@@ -1,3002 +1,3002 @@\n first\n-${lines('a').join('\n-')}\n+${lines('b').join('\n+')}\n last\n`,
    );
  });

  it('shows binary files without their bytes', async () => {
    const { cwd } = await patchWorkspace();
    await fs.writeFile(join(cwd, 'a'), Buffer.from([255, 0]));
    const { check } = await runPatch(cwd, patchText('*** Delete File: a'), { approvalPolicy: 'untrusted' });
    expect(check).toMatchObject({
      subject: { changes: [{ path: 'a', kind: 'delete', diff: 'Binary files a/a and /dev/null differ\n' }] },
    });
  });
});

describe('what apply_patch does after the check', () => {
  const update = patchText('*** Update File: a', '@@', '-old', '+new');

  it('does what was approved', async () => {
    const { cwd } = await patchWorkspace({ a: 'old\n' });
    const { result } = await runPatch(cwd, update, { approvalPolicy: 'untrusted' });
    expect(result).toEqual({
      output: 'Success. Updated the following files:\nM a',
      success: true,
      item: { changes: [{ path: 'a', kind: 'update' }], status: 'completed' },
    });
  });

  it('fails when the files have changed since it was approved', async () => {
    const { cwd } = await patchWorkspace({ a: 'old\n' });
    const meanwhile = () => fs.writeFile(join(cwd, 'a'), 'other\nold\n');
    const { result } = await runPatch(cwd, update, { approvalPolicy: 'untrusted', meanwhile });
    expect(result).toEqual({
      output:
        'The patch failed: The files have changed since this patch was approved, so it would do something else now. Read them again. Nothing was changed.',
      success: false,
      item: { status: 'failed' },
    });
    expect(await treeOf(cwd)).toEqual({ a: 'other\nold\n' });
  });

  it('fails when a directory has come to lead outside since it was allowed', async () => {
    const { cwd, outside } = await patchWorkspace({ 'd/a': 'old\n' });
    const meanwhile = async () => {
      await fs.rename(join(cwd, 'd'), join(cwd, 'e'));
      await fs.symlink(outside, join(cwd, 'd'));
    };
    const run = await runPatch(cwd, patchText('*** Add File: d/b', '+x'), { meanwhile });
    expect(run.check).toEqual({ verdict: 'allow' });
    expect(run.result?.success).toBe(false);
    expect(await treeOf(outside)).toEqual({});
  });

  it.each<[Decision, boolean]>([
    ['approved', true],
    ['approved-for-session', true],
    ['denied', false],
    [{ decision: 'denied', message: 'no' }, false],
    [{ decision: 'approved', edited: 'another patch' }, false],
  ])('asks by itself about what was never checked, and on %j does it: %s', async (decision, isDone) => {
    const { cwd } = await patchWorkspace();
    const context = contextOf(cwd, { approvalPolicy: 'untrusted' });
    const asked: RequestSubject[] = [];
    const ask = async (subject: RequestSubject) => {
      asked.push(subject);
      return decision;
    };
    const result = await applyPatchTool(systemFiles).execute({ input: INSIDE }, { ...scopeOf(context), ask });
    expect(asked).toMatchObject([{ kind: 'patch', changes: [{ path: 'a', kind: 'add' }] }]);
    expect([result.success, await treeOf(cwd)]).toEqual([isDone, isDone ? { a: 'x\n' } : {}]);
    if (!isDone) expect(result.item).toEqual({ status: 'declined' });
  });

  it('refuses by itself what may not even be asked', async () => {
    const { cwd } = await patchWorkspace();
    const scope = scopeOf(contextOf(cwd, { sandbox: 'read-only', approvalPolicy: 'never' }));
    const result = await applyPatchTool(systemFiles).execute({ input: INSIDE }, scope);
    expect(result.item).toEqual({ status: 'declined' });
    expect(await treeOf(cwd)).toEqual({});
  });

  it('shows the changes as they are given, before anything is read', () => {
    const tool = applyPatchTool(systemFiles);
    const call = { callId: 'c', context: contextOf('/nowhere') };
    const patch = patchText('*** Add File: a', '*** Delete File: ./b', '*** Update File: c', '*** Move to: d');
    expect(tool.present({ input: patch }, call)).toEqual({
      type: 'file_change',
      callId: 'c',
      changes: [
        { path: 'a', kind: 'add' },
        { path: './b', kind: 'delete' },
        { path: 'c', kind: 'update', movedTo: 'd' },
      ],
      status: 'in_progress',
    });
    expect(tool.present({ input: 'nonsense' }, call)).toMatchObject({ changes: [] });
  });

  it('refuses arguments that are no patch', async () => {
    expect(await applyPatchTool(systemFiles).parse({ patch: 'x' })).toEqual({
      ok: false,
      message: 'Invalid arguments for apply_patch: input: expected string, got nothing.',
    });
  });
});
