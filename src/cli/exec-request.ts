import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { defaultHome } from '../here/default-home.ts';
import { loadImage } from '../here/load-image.ts';
import type { Model, SandboxSettings, UserInput } from '../index.ts';
import { openaiModel } from '../openai-model.ts';
import { hasCode, messageOf, TroupeError } from '../protocol/errors.ts';
import type { ApprovalPolicy, Effort, SandboxMode } from '../protocol/settings.ts';
import type { ReviewTarget } from '../tasks/review/target.ts';
import { readConfigOptions } from './config-options.ts';
import { apiKeyOf, merged, type Settings, settingsOfEnvironment } from './settings.ts';
import { readAll } from './standard-input.ts';

/** The options of `exec` that say what is run. */
export type ExecRequestOptions = Readonly<{
  model?: string;
  directory: string;
  sandbox?: SandboxMode;
  approvals?: ApprovalPolicy;
  wire?: NonNullable<Settings['wireApi']>;
  profile?: string;
  config: readonly string[];
  image: readonly string[];
  addDir: readonly string[];
  outputSchema?: string;
  /** What is to be reviewed, in the place of a prompt. */
  target?: ReviewTarget;
  /** Asked for with `resume`. */
  last?: boolean;
}>;

/** What is to be run, and how. */
export type ExecRequest = Readonly<{
  model: Model;
  cwd: string;
  sandbox: SandboxMode;
  sandboxSettings: SandboxSettings;
  approvalPolicy: ApprovalPolicy;
  /** The approval policy was given on the command line. */
  isPolicyGiven: boolean;
  effort: Effort | undefined;
  outputSchema: unknown;
  /** The session that goes on: one by its id, or the newest one of this directory; null for a new one. */
  resume: Readonly<{ id: string }> | 'last' | null;
  /** What is said, or what is to be reviewed. */
  work: Readonly<{ input: UserInput }> | Readonly<{ target: ReviewTarget }>;
}>;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Puts together what is to be run; `note` is told of options that have no effect, and `signal` stops the reading of the
 * prompt. Throws `TroupeError` for what cannot work.
 */
export async function readExecRequest(
  words: readonly string[],
  options: ExecRequestOptions,
  note: (text: string) => void,
  signal: AbortSignal,
): Promise<ExecRequest> {
  const { env } = process;
  const { resume, prompt } = resumingIn(words, options.last === true);
  const config = readConfigOptions(options.config);
  for (const text of config.notes) note(text);
  const {
    model,
    baseURL,
    sandbox,
    approvalPolicy,
    effort,
    wireApi,
    network,
    writableRoots = [],
  } = merged(await storedSettings(env, options.profile), config.settings, {
    model: options.model,
    sandbox: options.sandbox,
    approvalPolicy: options.approvals,
    wireApi: options.wire,
  });
  const cwd = directoryOf(options.directory);
  const answering = openaiModel({
    model: named(model ?? (await loggedModel(resume, cwd))),
    baseURL,
    apiKey: apiKeyOf(env),
    wireApi: wireApi ?? 'auto',
    loadImage,
  });
  const images = options.image.map(imagePath);
  const outputSchema = options.outputSchema === undefined ? undefined : schemaOf(options.outputSchema);
  const work =
    options.target === undefined
      ? { input: withImages(await promptText(prompt, signal), images) }
      : { target: options.target };
  return {
    model: answering,
    cwd,
    sandbox: sandbox ?? 'workspace-write',
    sandboxSettings: {
      network: network ?? false,
      writableRoots: [...writableRoots, ...options.addDir].map((root) => rootOf(resolve(cwd, root))),
    },
    approvalPolicy: approvalPolicy ?? 'on-request',
    isPolicyGiven: (options.approvals ?? config.settings.approvalPolicy) !== undefined,
    effort,
    outputSchema,
    resume,
    work,
  };
}

function withImages(text: string, images: readonly string[]): UserInput {
  if (images.length === 0) return text;
  return [{ type: 'text', text }, ...images.map((path) => ({ type: 'local-image' as const, path }))];
}

/** The model that a session which goes on was with; undefined when nobody knows, or nothing goes on. */
async function loggedModel(resume: ExecRequest['resume'], cwd: string): Promise<string | undefined> {
  if (resume === null) return undefined;
  const { findLog } = await import('../here/log-files.ts');
  const { listSessions, summaryOf } = await import('../here/session-list.ts');
  if (resume === 'last') return (await listSessions(defaultHome(), { cwd, limit: 1 }))[0]?.model ?? undefined;
  const location = await findLog(resolve(defaultHome()), resume.id);
  return location === null ? undefined : ((await summaryOf(location)).model ?? undefined);
}

/** What the configuration file sets, its profile over it, and the environment over both. */
export async function storedSettings(env: Environment, profile: string | undefined): Promise<Settings> {
  const path = configPath();
  const text = textOf(path);
  const ofEnvironment = settingsOfEnvironment(env);
  if (text === null && profile === undefined) return ofEnvironment;
  const { settingsOfFile } = await import('./settings-file.ts');
  return merged(settingsOfFile(text, path, profile), ofEnvironment);
}

/** Where the configuration file is, if there is one. */
export function configPath(): string {
  return join(defaultHome(), 'config.json');
}

/** `resume ID PROMPT`, and with --last `resume PROMPT`; the word alone is a prompt like any other. */
function resumingIn(
  words: readonly string[],
  isLast: boolean,
): { resume: ExecRequest['resume']; prompt: string | undefined } {
  const [first, ...rest] = words;
  if (first !== 'resume' || (rest.length === 0 && !isLast)) return { resume: null, prompt: first };
  if (isLast) return { resume: 'last', prompt: rest[0] };
  const [id = '', prompt] = rest;
  return { resume: { id }, prompt };
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // Where the home itself is no directory there is no log either, and that is said elsewhere.
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null;
    throw new TroupeError('invalid-config', `Expected to be able to read ${path}, got: ${messageOf(error)}.`);
  }
}

function named(model: string | undefined): string {
  if (model !== undefined) return model;
  throw new TroupeError(
    'invalid-config',
    'Expected the name of a model, got none. Give one with -m MODEL, or set TROUPE_MODEL or OPENAI_MODEL. The server is OPENAI_BASE_URL (OpenAI when not set), the key OPENAI_API_KEY. `troupe doctor` looks for what there is.',
  );
}

function directoryOf(path: string): string {
  const directory = resolve(path);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return directory;
  throw new TroupeError('invalid-config', `Expected -C to name a directory, got ${directory}.`);
}

function rootOf(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new TroupeError('invalid-config', `Expected --add-dir (or writableRoots) to name a directory, got ${path}.`);
}

function imagePath(path: string): string {
  const image = resolve(path);
  if (statSync(image, { throwIfNoEntry: false })?.isFile()) return image;
  throw new TroupeError('invalid-config', `Expected --image to name a file, got ${image}.`);
}

function schemaOf(path: string): object {
  const expected = `Expected --output-schema to name a file with a JSON Schema, got ${path}`;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new TroupeError('invalid-config', `${expected}: ${messageOf(error)}.`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new TroupeError('invalid-config', `${expected}, which holds no object.`);
}

/** The prompt as it was given, or standard input for `-` and where there is no prompt and no terminal. */
async function promptText(given: string | undefined, signal: AbortSignal): Promise<string> {
  const { stdin, stderr } = process;
  const isFromInput = given === '-' || (given === undefined && !stdin.isTTY);
  if (!isFromInput && given === undefined) {
    throw new TroupeError(
      'invalid-config',
      'Expected a prompt, got none. Give it as one argument, or - to read it from standard input.',
    );
  }
  if (isFromInput) stderr.write('Reading the prompt from standard input …\n');
  const text = isFromInput ? await readAll(stdin, signal) : given;
  if (text?.trim()) return text;
  throw new TroupeError('invalid-config', 'Expected something to do, got an empty prompt.');
}
