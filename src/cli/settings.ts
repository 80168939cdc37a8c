import { z } from 'zod';
import { messageOf, TroupeError } from '../protocol/errors.ts';

/** What a person may set in more than one place. */
export type Settings = z.infer<typeof settings>;

const settings = z.strictObject({
  model: z.string().min(1).optional(),
  baseURL: z.string().min(1).optional(),
  sandbox: z.enum(['read-only', 'workspace-write', 'danger-full-access']).optional(),
  approvalPolicy: z.enum(['untrusted', 'on-request', 'never']).optional(),
  effort: z.enum(['minimal', 'low', 'medium', 'high']).optional(),
  wireApi: z.enum(['responses', 'chat', 'auto']).optional(),
  network: z.boolean().optional(),
  writableRoots: z.array(z.string().min(1)).optional(),
});

const configFile = settings.extend({ profiles: z.record(z.string(), settings).optional() });

/** The values that each setting with a fixed choice may have. */
export const CHOICES = {
  sandbox: settings.shape.sandbox.unwrap().options,
  approvalPolicy: settings.shape.approvalPolicy.unwrap().options,
  effort: settings.shape.effort.unwrap().options,
  wireApi: settings.shape.wireApi.unwrap().options,
} as const;

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

/**
 * What a configuration file sets, with the profile of this name over it. `text` is null where there is no file. Throws
 * `TroupeError('invalid-config')`, naming the file and the key, for all that is not as it must be.
 */
export function settingsOfFile(text: string | null, path: string, profile: string | undefined): Settings {
  const { profiles = {}, ...common } = text === null ? {} : parsed(text, path);
  if (profile === undefined) return common;
  if (Object.hasOwn(profiles, profile)) return merged(common, profiles[profile] ?? {});
  const known = Object.keys(profiles).join(', ') || 'none';
  throw new TroupeError(
    'invalid-config',
    `Expected a profile of ${path} (it has: ${known}), got "${profile}". Add it there, under "profiles".`,
  );
}

function parsed(text: string, path: string): z.infer<typeof configFile> {
  const result = configFile.safeParse(json(text, path));
  if (result.success) return result.data;
  const told = result.error.issues.map((issue) => {
    const key = issue.path.map(String).join('.');
    return key === '' ? issue.message : `${key}: ${issue.message}`;
  });
  throw new TroupeError('invalid-config', `Expected ${path} to hold settings, got something else: ${told.join('; ')}.`);
}

function json(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TroupeError('invalid-config', `Expected ${path} to hold JSON, got something else: ${messageOf(error)}.`);
  }
}
