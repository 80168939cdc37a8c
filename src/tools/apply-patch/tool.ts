import * as z from 'zod';
import type { FileChange } from '../../protocol/items.ts';
import { type Decision, decisionWord } from '../../protocol/requests.ts';
import type { TaskContext } from '../../protocol/settings.ts';
import { defineTool, type ToolAnswer } from '../define-tool.ts';
import type { Files } from '../files.ts';
import type { Check, Tool, ToolScope } from '../tool.ts';
import { type Apply, applyPlan } from './apply.ts';
import { judge } from './judge.ts';
import { type ParsedPatch, parsePatch } from './parse.ts';
import { pathText } from './paths.ts';
import { type PatchLimits, type Plan, type Planned, planChanges } from './plan-changes.ts';
import { changeOf } from './unified-diff.ts';

const DESCRIPTION = `Changes files: adds, deletes, updates and moves them, all or nothing. \`input\` is a patch in this format:

*** Begin Patch
*** Add File: path/new.txt
+every line of the new file, each after a plus
*** Delete File: path/old.txt
*** Update File: path/changed.txt
*** Move to: path/other-name.txt
@@ a line of the file to start from, such as a function's first line
 a line that stays (begins with a blank)
-a line that goes
+a line that comes
*** End Patch

A patch has any number of file sections; "Move to" and the text after "@@" may be left out. An update has one chunk for each \
place, in the order of the file; each begins with "@@" and shows about three lines that stay before and after the change, \
more if that is not unique; several "@@ …" lines in a row narrow the place further. Put "*** End of File" after a chunk that \
reaches the last line. There are no line numbers. Paths are relative to the working directory; one with unusual characters \
may be written as a JSON string.`;

const patchInput = z.object({
  input: z.string().describe('The whole patch, from `*** Begin Patch` to `*** End Patch`.'),
});
type PatchInput = z.output<typeof patchInput>;

export type ApplyPatchOptions = Readonly<{
  /** Carries out what was planned; in this process and over `files` when left out. */
  apply?: Apply;
  /** Nothing but the working directory is writable, and only `.git` is protected, when left out. */
  limits?: PatchLimits;
}>;

const USUAL_LIMITS: PatchLimits = { writableRoots: [], protectedNames: [] };

/**
 * The tool `apply_patch`. What a check let pass is what is done: when files have changed so much since then that a patch
 * would do something else, it fails, and nothing is changed.
 */
export function applyPatchTool(files: Files, options: ApplyPatchOptions = {}): Tool {
  const { apply = (plan, { signal }) => applyPlan(files, plan, signal), limits = USUAL_LIMITS } = options;
  const planPatch = async ({ input }: PatchInput, context: TaskContext): Promise<Planned> => {
    const parsed = parsePatch(input);
    return parsed.ok ? planChanges(files, parsed.operations, context, limits) : parsed;
  };
  // A decision is about one parsed input; the session gives the same object to `check` and to `execute`.
  const checks = new WeakMap<PatchInput, Check>();
  return defineTool({
    name: 'apply_patch',
    description: DESCRIPTION,
    input: patchInput,
    present: ({ input }, { callId }) => {
      return { type: 'file_change', callId, changes: changesAsGiven(parsePatch(input)), status: 'in_progress' };
    },
    mayChangeFiles: () => true,
    async check(input, context) {
      const planned = await planPatch(input, context);
      if (!planned.ok) return { verdict: 'refuse', message: failed(planned.message) };
      const check = judge(planned.plan, context);
      checks.set(input, check);
      return check;
    },
    async execute(input, scope) {
      const planned = await planPatch(input, scope.context);
      if (!planned.ok) return answer(failed(planned.message), 'failed');
      const objection = await objectionTo(planned.plan, checks.get(input), scope);
      if (objection !== null) return objection;
      const { context, signal, own } = scope;
      const lifted = liftedBy(planned.plan, context);
      const applied = await apply(planned.plan, { context, lifted, signal, ...(own === undefined ? {} : { own }) });
      const changes = planned.plan.changes.map(changeOf);
      if (applied.status !== 'applied') return answer(`The patch failed: ${applied.message}`, applied.status, changes);
      return { output: successText(changes), item: { changes, status: 'completed' } };
    },
  });
}

/** Why a plan may not be carried out after all; null when it may. What was never checked is asked about here. */
async function objectionTo(plan: Plan, checked: Check | undefined, scope: ToolScope): Promise<ToolAnswer | null> {
  const now = judge(plan, scope.context);
  if (now.verdict === 'allow') return null;
  if (now.verdict === 'refuse') return answer(now.message, 'declined');
  if (checked === undefined) {
    const decision = await scope.ask(now.subject, now.reason === undefined ? {} : { reason: now.reason });
    return isApproval(decision) ? null : answer('Declined; nothing was changed.', 'declined');
  }
  if (checked.verdict === 'ask' && JSON.stringify(checked.subject) === JSON.stringify(now.subject)) return null;
  return answer(
    failed('The files have changed since this patch was approved, so it would do something else now. Read them again.'),
    'failed',
  );
}

/** The files that a person has allowed although the task may not write there: without that, nothing has come so far. */
function liftedBy({ files }: Plan, { sandbox }: TaskContext): readonly string[] {
  if (sandbox === 'danger-full-access') return [];
  return files.filter(({ isInside }) => sandbox === 'read-only' || !isInside).map(({ path }) => path);
}

/** An edited patch is another patch, which nobody has planned yet: it must come as a call of its own. */
function isApproval(decision: Decision): boolean {
  const isEdited = typeof decision === 'object' && 'edited' in decision;
  return !isEdited && decisionWord(decision).startsWith('approved');
}

function changesAsGiven(parsed: ParsedPatch): readonly FileChange[] {
  if (!parsed.ok) return [];
  return parsed.operations.map((operation) =>
    changeOf({
      kind: operation.type,
      path: operation.path,
      movedTo: operation.type === 'update' ? operation.movedTo : null,
    }),
  );
}

function successText(changes: readonly FileChange[]): string {
  const lines = changes.map(({ kind, path, movedTo }) => `${LETTERS[kind]} ${pathText(movedTo ?? path)}`);
  const ordered = Object.values(LETTERS).flatMap((letter) => lines.filter((line) => line.startsWith(`${letter} `)));
  return ['Success. Updated the following files:', ...new Set(ordered)].join('\n');
}

const LETTERS = { add: 'A', update: 'M', delete: 'D' } as const;

function failed(message: string): string {
  return `The patch failed: ${message} Nothing was changed.`;
}

function answer(
  output: string,
  status: 'failed' | 'aborted' | 'declined',
  changes?: readonly FileChange[],
): ToolAnswer {
  return { output, success: false, item: { ...(changes === undefined ? {} : { changes }), status } };
}
