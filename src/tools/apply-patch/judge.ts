import type { TaskContext } from '../../protocol/settings.ts';
import type { Check } from '../tool.ts';
import { pathText } from './paths.ts';
import type { Plan } from './plan-changes.ts';
import { changesWithDiff } from './unified-diff.ts';

/** Whether a plan may be carried out as it is, must be asked about, or is refused. */
export function judge(plan: Plan, { sandbox, approvalPolicy }: TaskContext): Check {
  if (sandbox === 'danger-full-access') return { verdict: 'allow' };
  const outside = plan.files.filter((file) => !file.isInside).map((file) => file.path);
  const reason = reasonToAsk(outside, sandbox, approvalPolicy);
  if (reason === null) return { verdict: 'allow' };
  if (approvalPolicy === 'never') {
    return {
      verdict: 'refuse',
      message: `Refused, and nothing was changed: ${reason}, and the policy is to ask nobody.`,
    };
  }
  return {
    verdict: 'ask',
    reason,
    subject: { kind: 'patch', changes: changesWithDiff(plan.changes), outsideWorkspace: outside.toSorted() },
    key: `apply_patch ${JSON.stringify(plan.files.map((file) => file.path).toSorted())}`,
  };
}

function reasonToAsk(
  outside: readonly string[],
  sandbox: TaskContext['sandbox'],
  policy: TaskContext['approvalPolicy'],
): string | null {
  if (outside.length > 0) return `the patch changes files outside the workspace (${outside.map(pathText).join(', ')})`;
  if (sandbox === 'read-only') return 'the sandbox is read-only';
  return policy === 'untrusted' ? 'every patch needs a decision here' : null;
}
