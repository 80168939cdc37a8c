import { defaultHome } from '../here/default-home.ts';
import { OPENAI_BASE_URL } from '../model/openai-settings.ts';
import { systemProc } from '../process/system-proc.ts';
import { systemClock } from '../runtime/clock.ts';
import {
  BASH,
  type Check,
  checkHome,
  checkModel,
  checkNode,
  checkProgram,
  checkSandbox,
  GIT,
} from './doctor-checks.ts';
import { doctorLines } from './doctor-lines.ts';
import { configPath, storedSettings } from './exec-request.ts';
import { findLocalServers, LOCAL_KINDS, type LocalKind, listModels, SERVER_TIMEOUT_MS } from './model-list.ts';
import { apiKeyOf, type Settings } from './settings.ts';
import { paintFor } from './terminal.ts';

/** Prints what works here and what does not, with the command that mends it. The exit code is 0 when a task could run. */
export async function doctor({ profile }: Readonly<{ profile?: string }>): Promise<number> {
  const { env, version, stdout } = process;
  const settings = await storedSettings(env, profile);
  const examined = await examine({
    nodeVersion: version,
    env: { PATH: env.PATH ?? '' },
    home: defaultHome(),
    settings,
    apiKey: apiKeyOf(env),
    localKinds: LOCAL_KINDS,
  });
  for (const line of doctorLines(examined, configPath(), paintFor(stdout, env))) stdout.write(`${line}\n`);
  return canRun(examined.checks) ? 0 : 1;
}

/** What is looked at. */
export type Patient = Readonly<{
  nodeVersion: string;
  /** What programs are looked for with. */
  env: Readonly<Record<string, string>>;
  home: string;
  settings: Settings;
  apiKey: string | undefined;
  localKinds: readonly LocalKind[];
}>;

export type Examined = Awaited<ReturnType<typeof examine>>;

/** Looks at everything, and changes nothing. */
export async function examine({ nodeVersion, env, home, settings, apiKey, localKinds }: Patient) {
  const proc = systemProc(systemClock);
  const { model, baseURL = OPENAI_BASE_URL } = settings;
  const isConfigured = settings.baseURL !== undefined || apiKey !== undefined;
  const [bash, git, containment, answer, local] = await Promise.all([
    checkProgram(BASH, proc, env),
    checkProgram(GIT, proc, env),
    proc.containment(),
    isConfigured ? listModels(baseURL, apiKey, SERVER_TIMEOUT_MS) : null,
    findLocalServers(localKinds),
  ]);
  const modelCheck = checkModel({ model, baseURL, isConfigured, answer }, local);
  return { checks: [checkNode(nodeVersion), bash, git, checkSandbox(containment), checkHome(home), modelCheck], local };
}

/** Whether nothing is in the way of a task. */
export function canRun(checks: readonly Check[]): boolean {
  return checks.every(({ status }) => status !== 'bad');
}
