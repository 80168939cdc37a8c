import type { ApprovalPolicy, Effort, SandboxMode } from '../protocol/settings.ts';

/** The values that each setting with a fixed choice may have. */
export const CHOICES = {
  sandbox: ['read-only', 'workspace-write', 'danger-full-access'],
  approvalPolicy: ['untrusted', 'on-request', 'never'],
  effort: ['minimal', 'low', 'medium', 'high'],
  wireApi: ['responses', 'chat', 'auto'],
} as const satisfies {
  sandbox: readonly SandboxMode[];
  approvalPolicy: readonly ApprovalPolicy[];
  effort: readonly Effort[];
  wireApi: readonly string[];
};

type Choice<K extends keyof typeof CHOICES> = (typeof CHOICES)[K][number];

/** What a person may set in more than one place. */
export type Settings = {
  model?: string | undefined;
  baseURL?: string | undefined;
  sandbox?: Choice<'sandbox'> | undefined;
  approvalPolicy?: Choice<'approvalPolicy'> | undefined;
  effort?: Choice<'effort'> | undefined;
  wireApi?: Choice<'wireApi'> | undefined;
  network?: boolean | undefined;
  writableRoots?: string[] | undefined;
};

/** The settings of all places together; each place counts more than those before it. */
export function merged(...places: readonly Settings[]): Settings {
  return Object.assign(
    {},
    ...places.map((place) => Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined))),
  );
}

/** What the environment sets. */
export function settingsOfEnvironment(env: Readonly<Record<string, string | undefined>>): Settings {
  return { model: env.TROUPE_MODEL || env.OPENAI_MODEL || undefined, baseURL: env.OPENAI_BASE_URL || undefined };
}

/** The API key. A caller that speaks as Codex's SDK does gives its own key by a name of its own; that one counts then. */
export function apiKeyOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { OPENAI_API_KEY, CODEX_API_KEY, CODEX_INTERNAL_ORIGINATOR_OVERRIDE: caller } = env;
  return (caller ? CODEX_API_KEY || OPENAI_API_KEY : OPENAI_API_KEY || CODEX_API_KEY) || undefined;
}
