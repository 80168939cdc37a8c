import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemFiles } from '../../src/here/system-files.ts';
import type { TaskContext } from '../../src/protocol/settings.ts';
import { type ApplyPatchOptions, applyPatchTool } from '../../src/tools/apply-patch/tool.ts';
import type { Files } from '../../src/tools/files.ts';
import type { Check, ToolResult, ToolScope } from '../../src/tools/tool.ts';

/** What is in a directory: text of files, `-> target` for links, `<directory>` for empty directories. */
export type Tree = Readonly<Record<string, string>>;

/** A real directory tree: `cwd` is where patches work, `outside` lies beside it. */
export type PatchWorkspace = Readonly<{ root: string; cwd: string; outside: string }>;

export async function patchWorkspace(tree: Tree = {}): Promise<PatchWorkspace> {
  const root = await fs.realpath(await fs.mkdtemp(join(tmpdir(), 'troupe-patch-')));
  onTestFinished(() => fs.rm(root, { recursive: true, force: true }));
  const workspace = { root, cwd: join(root, 'work'), outside: join(root, 'outside') };
  await fs.mkdir(workspace.cwd);
  await fs.mkdir(workspace.outside);
  for (const [path, text] of Object.entries(tree)) {
    const target = join(workspace.cwd, path);
    await fs.mkdir(dirname(target), { recursive: true });
    if (text.startsWith('-> ')) await fs.symlink(text.slice(3), target);
    else if (text === '<directory>') await fs.mkdir(target, { recursive: true });
    else await fs.writeFile(target, text);
  }
  return workspace;
}

export async function treeOf(directory: string, prefix = ''): Promise<Tree> {
  const tree: Record<string, string> = {};
  for (const entry of await fs.readdir(join(directory, prefix), { withFileTypes: true })) {
    const path = join(prefix, entry.name);
    const full = join(directory, path);
    if (entry.isSymbolicLink()) tree[path] = `-> ${await fs.readlink(full)}`;
    else if (entry.isFile()) tree[path] = textOf(await fs.readFile(full));
    else if (!entry.isDirectory()) tree[path] = '<other>';
    else {
      const below = await treeOf(directory, path);
      Object.assign(tree, Object.keys(below).length === 0 ? { [path]: '<directory>' } : below);
    }
  }
  return tree;
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? text : `hex ${bytes.toString('hex')}`;
}

export type PatchRun = Readonly<{ check: Check; result: ToolResult | null }>;

export type PatchOptions = Readonly<{
  files?: Files;
  tool?: ApplyPatchOptions;
  sandbox?: TaskContext['sandbox'];
  approvalPolicy?: TaskContext['approvalPolicy'];
  signal?: AbortSignal;
  /** Runs between the check and the execution, as long as a person thinks. */
  meanwhile?: () => Promise<void>;
}>;

export function contextOf(cwd: string, options: PatchOptions = {}): TaskContext {
  const { sandbox = 'workspace-write', approvalPolicy = 'on-request' } = options;
  return { model: 'none', cwd, sandbox, approvalPolicy };
}

export function scopeOf(context: TaskContext, signal = new AbortController().signal): ToolScope {
  return {
    signal,
    callId: 'call-1',
    context,
    approved: null,
    progress: () => {},
    ask: () => Promise.reject(new Error('nothing was to be asked while it runs')),
  };
}

/** Runs a patch as a session does: parse, check, then (unless refused) execute, every question answered with yes. */
export async function runPatch(cwd: string, patch: string, options: PatchOptions = {}): Promise<PatchRun> {
  const tool = applyPatchTool(options.files ?? systemFiles, options.tool);
  const parsed = await tool.parse({ input: patch });
  if (!parsed.ok) throw new Error(parsed.message);
  const context = contextOf(cwd, options);
  const check = await tool.check(parsed.input, context);
  if (check.verdict === 'refuse') return { check, result: null };
  await options.meanwhile?.();
  return { check, result: await tool.execute(parsed.input, scopeOf(context, options.signal)) };
}

/** What the model is told of a run. */
export function toldText({ check, result }: PatchRun): string {
  return check.verdict === 'refuse' ? check.message : (result?.output ?? '');
}

export function patchText(...lines: readonly string[]): string {
  return ['*** Begin Patch', ...lines, '*** End Patch'].join('\n');
}
