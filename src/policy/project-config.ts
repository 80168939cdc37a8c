import * as z from 'zod';
import type { ApprovalPolicy, SandboxMode } from '../protocol/settings.ts';
import type { CommandRule } from './rules.ts';

/** What a project may say about how it is worked in: only what makes it stricter. */
export type ProjectConfig = Readonly<{
  sandbox: SandboxMode | null;
  approvalPolicy: ApprovalPolicy | null;
  /** Words that commands begin with which are refused. */
  deny: readonly CommandRule[];
  /** Names of files and directories that commands leave as they are, besides the usual ones. */
  protect: readonly string[];
}>;

/** What is in force, as far as a project can make it stricter. */
export type Strictness = Readonly<{ sandbox: SandboxMode; approvalPolicy: ApprovalPolicy }>;

/** How much of the file is read. */
export const PROJECT_CONFIG_MAX_BYTES = 65_536;
/** How many rules, and how many names, a project may add. */
export const PROJECT_DENY_MAX = 200;
export const PROJECT_PROTECT_MAX = 50;

export const NO_PROJECT_CONFIG: ProjectConfig = { sandbox: null, approvalPolicy: null, deny: [], protect: [] };

/**
 * Reads the text of a project's file; what is unknown or of the wrong kind is left out, with a warning for people. Nothing
 * of the text but the names of its keys is in a warning: the file may be something else than it seems.
 */
export function parseProjectConfig(text: string): { config: ProjectConfig; warnings: readonly string[] } {
  const content = jsonObject(text);
  if (content === null)
    return { config: NO_PROJECT_CONFIG, warnings: ['Expected a JSON object, so it has no effect.'] };
  const warnings: string[] = [];
  const read = <T>(key: string, shape: z.ZodType<T>, expected: string, otherwise: T): T => {
    if (!Object.hasOwn(content, key)) return otherwise;
    const parsed = shape.safeParse(content[key]);
    if (parsed.success) return parsed.data;
    warnings.push(`"${key}": expected ${expected}, so it has no effect.`);
    return otherwise;
  };
  const config: ProjectConfig = {
    sandbox: read('sandbox', z.enum(SANDBOXES), `one of ${SANDBOXES.join(', ')}`, null),
    approvalPolicy: read('approvalPolicy', z.enum(POLICIES), `one of ${POLICIES.join(', ')}`, null),
    deny: read('deny', z.array(rule).max(PROJECT_DENY_MAX), `up to ${PROJECT_DENY_MAX} lists of words`, []),
    protect: read('protect', z.array(name).max(PROJECT_PROTECT_MAX), `up to ${PROJECT_PROTECT_MAX} names of files`, []),
  };
  const unknown = Object.keys(content).filter((key) => !(key in config));
  if (unknown.length > 0) {
    const keys = named(unknown);
    warnings.push(`${keys}: a project may set sandbox, approvalPolicy, deny and protect only, so it has no effect.`);
  }
  return { config, warnings };
}

/** What is in force with a project's wishes: each counts only where it is stricter. */
export function narrowedByProject(
  inForce: Strictness,
  { sandbox, approvalPolicy }: ProjectConfig,
): Strictness & Readonly<{ warnings: readonly string[] }> {
  const warnings: string[] = [];
  const stricter = <T extends string>(key: string, allowed: readonly T[], current: T, wanted: T | null): T => {
    if (wanted === null || wanted === current) return current;
    if (allowed.includes(wanted)) return wanted;
    warnings.push(`"${key}": "${wanted}" is not stricter than "${current}", which is in force, so it has no effect.`);
    return current;
  };
  const stricterSandboxes = SANDBOXES.slice(0, SANDBOXES.indexOf(inForce.sandbox));
  return {
    sandbox: stricter('sandbox', stricterSandboxes, inForce.sandbox, sandbox),
    approvalPolicy: stricter(
      'approvalPolicy',
      STRICTER[inForce.approvalPolicy],
      inForce.approvalPolicy,
      approvalPolicy,
    ),
    warnings,
  };
}

/** The strictest first. */
const SANDBOXES = ['read-only', 'workspace-write', 'danger-full-access'] as const;
const POLICIES = ['untrusted', 'on-request', 'never'] as const;
/** Neither of the other two is stricter: `untrusted` lets a person allow more, `never` runs unasked what is confined. */
const STRICTER: Readonly<Record<ApprovalPolicy, readonly ApprovalPolicy[]>> = {
  'on-request': ['untrusted', 'never'],
  untrusted: [],
  never: [],
};

/** How much of the names of keys is shown. */
const NAMED_CHARACTERS = 200;

const rule = z.array(z.string().min(1).max(200)).min(1).max(20);
const name = z
  .string()
  .max(100)
  .regex(/^(?!\.{1,2}$)[^/\p{C}]+$/u);

function named(keys: readonly string[]): string {
  const all = keys.map((key) => JSON.stringify(key)).join(', ');
  return all.length > NAMED_CHARACTERS ? `${all.slice(0, NAMED_CHARACTERS)}…`.toWellFormed() : all;
}

function jsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
