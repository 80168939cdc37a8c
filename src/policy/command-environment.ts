import { isAbsolute } from 'node:path';
import { directoryContains } from './directory-contains.ts';

/**
 * The environment of a command: of `env` only what programs need to find themselves and to speak the right language, and
 * settings that keep them from paging, prompting and colouring. Everything else, secrets above all, stays out.
 */
export function commandEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const inherited = Object.entries(env).filter(
    ([name, value]) => value !== undefined && (INHERITED.has(name) || LOCALE.test(name)),
  );
  return { ...Object.fromEntries(inherited), ...SETTINGS };
}

/**
 * The same for a command that nobody is asked about, with the PATH in which its programs were found: so that `ls` is the
 * system's, and not one that the model or a stranger has put there.
 */
export function unaskedCommandEnvironment(
  env: Readonly<Record<string, string>>,
  path: readonly string[],
): Record<string, string> {
  return { ...commandEnvironment(env), PATH: path.length === 0 ? NOWHERE : path.join(':') };
}

/**
 * The directories of the PATH in which the programs of such a command may be looked for, going by their names: none of the
 * workspace, none in which anybody may write.
 */
export function programDirectories(env: Readonly<Record<string, string>>, workspace: string): readonly string[] {
  const untrusted = [workspace, ...ANYONE_WRITES, ...(env.TMPDIR === undefined ? [] : [env.TMPDIR])];
  const path = (env.PATH ?? '')
    .split(':')
    .filter((entry) => isAbsolute(entry) && !untrusted.some((directory) => directoryContains(directory, entry)));
  return path.length === 0 ? PATH_DEFAULT : path;
}

const INHERITED = new Set(['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'TZ', 'TMPDIR', 'SHELL']);
const LOCALE = /^LC_[A-Z]+$/;

const SETTINGS = { TERM: 'dumb', NO_COLOR: '1', PAGER: 'cat', GIT_PAGER: 'cat', GIT_TERMINAL_PROMPT: '0' };

const ANYONE_WRITES = ['/tmp', '/var/tmp', '/dev/shm'];

const PATH_DEFAULT = ['/usr/bin', '/bin'];

/** An empty PATH would mean the working directory. */
const NOWHERE = '/nonexistent';
