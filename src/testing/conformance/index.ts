import type { ConformanceCheck } from './check.ts';
import { kindChecks } from './kind.ts';
import type { KindSubject } from './observe-kind.ts';
import { type PolicySubject, policyChecks } from './policy.ts';
import { type ToolSubject, toolChecks } from './tool.ts';

/**
 * What a kind of task, a tool or a policy promises to whoever runs it, as a list for any test runner:
 * `for (const { name, run } of conformance({ kind, input })) it(name, run)`. Each check opens sessions of its own.
 */
export function conformance(subject: KindSubject | ToolSubject | PolicySubject): readonly ConformanceCheck[] {
  if ('kind' in subject) return kindChecks(subject);
  if ('tool' in subject) return toolChecks(subject);
  if ('policy' in subject) return policyChecks(subject);
  throw new TypeError(
    `conformance: expected { kind, input }, { tool, input } or { policy }, got ${JSON.stringify(Object.keys(Object(subject)))}.`,
  );
}
