import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { display, displayArgv } from '../policy/display.ts';
import type { Containment, Proc } from '../process/port.ts';
import { messageOf } from '../protocol/errors.ts';
import type { LocalServer, ServerAnswer } from './model-list.ts';

/** What one look came to. `mend` is one command, or null where there is nothing to mend. */
export type Check = Readonly<{
  name: string;
  /** `bad`: no task can run like this. `poor`: it can, but something is missing. */
  status: 'good' | 'poor' | 'bad';
  words: string;
  mend: string | null;
  /** What the words rest on, a line each. */
  details?: readonly string[];
}>;

/** The oldest Node that runs an installed Troupe (the `engines` of its package): major and minor. */
const NODE_MIN = [22, 13] as const;
/** How long a program may take to say its version, in ms. */
const VERSION_TIMEOUT_MS = 5_000;
const VERSION_BYTES_MAX = 4_096;
const WRITABLE_BY_OTHERS = 0o022;
const READABLE_BY_OTHERS = 0o044;

/** Whether this Node can run it; `version` as Node gives it (`v22.13.0`). */
export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const isNewEnough = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  if (isNewEnough) return { name: 'Node', status: 'good', words: version, mend: null };
  const words = `expected ${NODE_MIN.join('.')} or newer, got ${version}`;
  return { name: 'Node', status: 'bad', words, mend: 'npm install node@24' };
}

/** A program that is needed; `status` and `without` say how bad it is when it is not there. */
export type Program = Readonly<{ name: string; status: 'poor' | 'bad'; without: string; mend: string }>;

export const BASH: Program = {
  name: 'bash',
  status: 'bad',
  without: 'no command can run',
  mend: 'sudo apt-get install bash',
};
export const GIT: Program = {
  name: 'git',
  status: 'poor',
  without: 'tasks run, but the demo does not, and no model sees what has changed',
  mend: 'sudo apt-get install git',
};

/** Whether a program is there. */
export async function checkProgram(
  { name, status, without, mend }: Program,
  proc: Proc,
  env: Readonly<Record<string, string>>,
): Promise<Check> {
  const { ended } = proc.spawn({
    argv: [name, '--version'],
    cwd: '/',
    env,
    timeoutMs: VERSION_TIMEOUT_MS,
    graceMs: 0,
    keepBytes: VERSION_BYTES_MAX,
    outputMaxBytes: VERSION_BYTES_MAX,
  });
  const end = await ended;
  if (end.status === 'exited' && end.exitCode === 0) {
    return { name, status: 'good', words: display(end.output.text.split('\n', 1)[0] ?? ''), mend: null };
  }
  const why = end.error ?? `exit code ${end.exitCode}`;
  return { name, status, words: `expected \`${name} --version\` to run, got: ${display(why)}; ${without}`, mend };
}

/** What stands between a command and the machine, as it was tried out. */
export function checkSandbox({ sandbox, container, why, mend, checks }: Containment): Check {
  const name = 'sandbox';
  const details = checks.map(({ name: what, holds, words }) =>
    holds ? `${what}: ${words}` : `NOT: ${what} (${display(words)})`,
  );
  if (sandbox) {
    const words = 'commands write to the workspace only, have no network, and die with their task';
    return { name, status: 'good', words, mend: null, details };
  }
  const left = container
    ? 'what is started still dies with its task'
    : 'what a command leaves behind is looked for and killed, but a process that hides, or a SIGKILL of troupe, can leave some';
  const words =
    `none: ${display(why ?? 'nobody knows why')} Each command that is not plainly read-only asks, and with your yes it ` +
    `runs with your full rights; with -a never it is refused; ${left}`;
  return { name, status: 'poor', words, mend, details };
}

/** Whether logs can be kept under `home`, for its owner only; nothing is made there. */
export function checkHome(home: string): Check {
  const name = 'state';
  const shown = displayArgv([home]);
  try {
    const place = nearest(home);
    if (!statSync(place).isDirectory()) {
      const words = `expected a directory, got something else: ${displayArgv([place])}; tasks run, but leave no log`;
      return { name, status: 'poor', words, mend: 'export TROUPE_HOME="$HOME/.troupe"' };
    }
    accessSync(place, constants.W_OK | constants.X_OK);
    if (place !== home) return { name, status: 'good', words: `${shown}, made with the first task`, mend: null };
    const mode = statSync(home).mode & 0o777;
    if ((mode & (WRITABLE_BY_OTHERS | READABLE_BY_OTHERS)) === 0)
      return { name, status: 'good', words: shown, mend: null };
    const words = `expected ${shown} to be private, got mode ${mode.toString(8).padStart(4, '0')}`;
    return { name, status: 'poor', words, mend: `chmod 700 ${shown}` };
  } catch (error) {
    const words = `expected to be able to write there, got: ${display(messageOf(error))}; tasks run, but leave no log`;
    return { name, status: 'poor', words, mend: 'export TROUPE_HOME="$HOME/.troupe"' };
  }
}

/** The first directory from here upwards that there is. */
function nearest(path: string): string {
  return statSync(path, { throwIfNoEntry: false }) === undefined && dirname(path) !== path
    ? nearest(dirname(path))
    : path;
}

/** What is known of the model that a task would use. */
export type ModelEndpoint = Readonly<{
  model: string | undefined;
  baseURL: string;
  /** There is a key, or a server is named. */
  isConfigured: boolean;
  answer: ServerAnswer | null;
}>;

/** Whether the model that is set can be used, or one on this machine could be. */
export function checkModel(
  { model, baseURL, isConfigured, answer }: ModelEndpoint,
  local: readonly LocalServer[],
): Check {
  const name = 'model';
  const lines = local.flatMap((server) => (server.line === null ? [] : [server.line]));
  if (!isConfigured || answer === null) {
    const [line] = lines;
    const words = 'none is set: no OPENAI_API_KEY and no OPENAI_BASE_URL, and neither is in the configuration file';
    if (line === undefined) return { name, status: 'bad', words, mend: 'export OPENAI_API_KEY=… TROUPE_MODEL=gpt-5' };
    return { name, status: 'poor', words: `${words}; but one on this machine can be used`, mend: line };
  }
  const where = display(baseURL);
  switch (answer.status) {
    case 'unauthorised':
      return {
        name,
        status: 'bad',
        words: `${where} refuses the key (${answer.code})`,
        mend: 'export OPENAI_API_KEY=…',
      };
    case 'unreachable':
      return {
        name,
        status: 'bad',
        words: `no model server answers at ${where} (${display(answer.why)})`,
        mend: lines[0] ?? 'export OPENAI_BASE_URL=http://…/v1',
      };
    case 'other':
    case 'models':
      break;
    default:
      return answer satisfies never;
  }
  const known = answer.status === 'models' ? answer.models : null;
  const reached =
    known === null
      ? `${where} answers (${answer.status === 'other' ? answer.code : 200}), but lists no models`
      : `${where} answers`;
  if (model === undefined) {
    const [first = 'MODEL'] = known ?? [];
    return {
      name,
      status: 'bad',
      words: `${reached}; but no model is named`,
      mend: `export TROUPE_MODEL=${displayArgv([first])}`,
    };
  }
  const shown = displayArgv([model]);
  if (known === null) return { name, status: 'good', words: `${shown}: ${reached}`, mend: null };
  if (known.includes(model)) return { name, status: 'good', words: `${shown}: ${reached}, and has it`, mend: null };
  const [first] = known;
  const mend = first === undefined ? null : `export TROUPE_MODEL=${displayArgv([first])}`;
  return { name, status: 'poor', words: `${reached}, but does not list ${shown}`, mend };
}
