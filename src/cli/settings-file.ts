import * as z from 'zod';
import { messageOf, TroupeError } from '../protocol/errors.ts';
import { CHOICES, merged, type Settings } from './settings.ts';

const settings = z.strictObject({
  model: z.string().min(1).optional(),
  baseURL: z.string().min(1).optional(),
  sandbox: z.enum(CHOICES.sandbox).optional(),
  approvalPolicy: z.enum(CHOICES.approvalPolicy).optional(),
  effort: z.enum(CHOICES.effort).optional(),
  wireApi: z.enum(CHOICES.wireApi).optional(),
  network: z.boolean().optional(),
  writableRoots: z.array(z.string().min(1)).optional(),
}) satisfies z.ZodType<Settings>;

const configFile = settings.extend({ profiles: z.record(z.string(), settings).optional() });

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
