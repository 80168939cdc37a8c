import { dirname } from 'node:path';
import type { Confinement, Proc, ProcessEnd, SandboxProfile } from '../process/port.ts';

/** What git of ours runs with. */
export type GitPorts = Readonly<{
  proc: Proc;
  /** The absolute path of a git that nothing in a workspace can have put there. */
  program: string;
  /** The sandbox of a task that only reads. */
  profile: SandboxProfile;
  /** What it runs in where there is no sandbox. */
  withoutSandbox: Confinement;
}>;

/** Where a repository is: real paths. `commonDirectory` is another one in a linked worktree only. */
export type RepositoryPlace = Readonly<{ root: string; gitDirectory: string; commonDirectory: string }>;

/** What git gave, or in a sentence why it gave nothing. */
export type GitResult<T> = Readonly<{ ok: true; value: T }> | Readonly<{ ok: false; why: string }>;

export type GitCall = Readonly<{
  arguments: readonly string[];
  input?: Uint8Array;
  /** The one directory that it may write to. */
  writable?: string;
  env?: Readonly<Record<string, string>>;
  /** Settings on top of the hardened ones. */
  settings?: readonly (readonly [key: string, value: string])[];
  /** How much output is kept; more than this fails unless `mayCut`. */
  outputMaxBytes?: number;
  mayCut?: boolean;
  /** Codes that are an answer, too. */
  answers?: readonly number[];
}>;

/** What a call of git wrote, and its exit code. */
export type GitOutput = Readonly<{ text: string; exitCode: number; isCut: boolean }>;

const TIMEOUT_MS = 60_000;
const OUTPUT_MAX_BYTES = 16_777_216;
/** Output beyond what may be cut is still read, up to this (256 MiB). */
const CUT_MAX_BYTES = 268_435_456;

/** The same with another value, if it has one. */
export function mapped<A, B>(result: GitResult<A>, map: (value: A) => B): GitResult<B> {
  return result.ok ? { ok: true, value: map(result.value) } : result;
}

/**
 * Runs git so that nothing of the repository's is run: in the sandbox, without network and with nothing to write to but one
 * directory of ours, and with settings in place of those that name programs. Its complaints are in `why`.
 */
export async function runGit(ports: GitPorts, place: RepositoryPlace, call: GitCall): Promise<GitResult<GitOutput>> {
  const confinement = await confinementOf(ports, place, call);
  const end = await spawnGit(ports, place, call, confinement, SILENT);
  if (end.status === 'not-started') return { ok: false, why: end.error ?? 'git could not be started.' };
  if (end.status === 'output-limit') return { ok: false, why: `${nameOf(call)} wrote more than can be taken.` };
  const isAnswer = end.status === 'exited' && [0, ...(call.answers ?? [])].includes(end.exitCode);
  if (!isAnswer) {
    // What it wrote beside its output is wanted only now.
    const again = await spawnGit(ports, place, call, confinement, []);
    return { ok: false, why: `${nameOf(call)} ended with ${end.status}, exit code ${end.exitCode}: ${shown(again)}` };
  }
  return { ok: true, value: { text: end.output.text, exitCode: end.exitCode, isCut: end.output.truncated } };
}

/** Its complaints would stand among its output. */
const SILENT = ['/bin/sh', '-c', 'exec "$@" 2>/dev/null', 'sh'];

function spawnGit(
  { proc, program }: GitPorts,
  place: RepositoryPlace,
  call: GitCall,
  confinement: Confinement,
  wrapper: readonly string[],
): Promise<ProcessEnd> {
  const { outputMaxBytes = OUTPUT_MAX_BYTES, mayCut = false, input } = call;
  return proc.spawn({
    argv: [...wrapper, program, '--no-pager', '--no-optional-locks', ...call.arguments],
    cwd: place.root,
    env: { ...environmentOf(place), ...settingsIn([...SETTINGS, ...(call.settings ?? [])]), ...call.env },
    timeoutMs: TIMEOUT_MS,
    graceMs: 0,
    keepBytes: outputMaxBytes,
    outputMaxBytes: mayCut ? CUT_MAX_BYTES : outputMaxBytes,
    confinement,
    input: input ?? new Uint8Array(),
  }).ended;
}

async function confinementOf(
  { proc, profile, program, withoutSandbox }: GitPorts,
  { root, gitDirectory, commonDirectory }: RepositoryPlace,
  { writable }: GitCall,
): Promise<Confinement> {
  if (!(await proc.containment()).sandbox) return withoutSandbox;
  return {
    type: 'sandbox',
    profile: {
      ...profile,
      writableRoots: writable === undefined ? [] : [writable],
      protectedNames: [],
      reservedNames: [],
      visible: [...profile.visible, root, gitDirectory, commonDirectory, program],
      network: false,
    },
  };
}

/** Where it is said which repository is meant, git looks for none, and believes neither `core.worktree` nor `commondir`. */
function environmentOf({ root, gitDirectory, commonDirectory }: RepositoryPlace): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C',
    GIT_DIR: gitDirectory,
    GIT_COMMON_DIR: commonDirectory,
    GIT_WORK_TREE: root,
    GIT_CEILING_DIRECTORIES: dirname(root),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_PAGER: 'cat',
    GIT_EDITOR: ':',
    GIT_ASKPASS: 'true',
    GIT_SSH_COMMAND: 'false',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LITERAL_PATHSPECS: '1',
  };
}

/** Settings that take the place of what a repository says about programs, and of what would change the form of output. */
const SETTINGS: readonly (readonly [string, string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.pager', 'cat'],
  ['core.editor', ':'],
  ['core.askPass', 'true'],
  ['core.sshCommand', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.untrackedCache', 'false'],
  ['core.quotePath', 'false'],
  ['credential.helper', ''],
  ['protocol.allow', 'never'],
  ['safe.bareRepository', 'explicit'],
  ['submodule.recurse', 'false'],
  ['diff.submodule', 'short'],
  ['diff.noprefix', 'false'],
  ['diff.mnemonicPrefix', 'false'],
  ['color.ui', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
];

/** In the environment, because a key of a command line cannot have a `=` in it. */
function settingsIn(settings: readonly (readonly [string, string])[]): Record<string, string> {
  const pairs = settings.flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(pairs) };
}

function nameOf({ arguments: [name] }: GitCall): string {
  return `git ${name}`;
}

/** How much is shown of what git complains about. */
const SHOWN_MAX_CHARACTERS = 500;

function shown({ output, error }: ProcessEnd): string {
  const text = (error ?? output.text).trim();
  return text === '' ? 'it did not say why.' : text.slice(0, SHOWN_MAX_CHARACTERS);
}
