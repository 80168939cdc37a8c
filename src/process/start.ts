import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';
import { Writable } from 'node:stream';
import { errorCode, messageOf } from '../protocol/errors.ts';
import { FILTER_DESCRIPTOR, STATUS_DESCRIPTOR } from './bubblewrap-arguments.ts';
import { EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND } from './exit-codes.ts';
import { inheritedDescriptors } from './inherited-descriptors.ts';
import type { ProcessSpec } from './port.ts';
import { MARKER_NAME } from './process-table.ts';

/** Why a command was not started, in words, and the code that a shell would show. */
export type Refusal = Readonly<{ exitCode: number; error: string }>;

/** A child that runs, or one that will tell in its 'error' event why it does not: then it has no pid. */
export type Started = Readonly<{ child: ChildProcess }> | Readonly<{ refusal: Refusal }>;

type StartSpec = Pick<ProcessSpec, 'argv' | 'cwd' | 'env' | 'input'>;

/** What is executed in place of a command to confine it; it tells what it does on `STATUS_DESCRIPTOR`. */
export type Wrapping = Readonly<{
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** What it reads on `FILTER_DESCRIPTOR`; null when it reads nothing. */
  filter: Uint8Array | null;
  /** Whether it is a container, which tells what it does on `STATUS_DESCRIPTOR`, and which nothing outlives. */
  isContainer: boolean;
  /** Whether the number of its processes is limited. */
  isLimited: boolean;
}>;

/**
 * Starts a command, or what confines it, as the leader of a session and group of its own, without terminal, with no
 * standard input but `spec.input`, no environment but `spec.env` and the marker, and with no file descriptor of ours.
 */
export function start(spec: StartSpec, marker: string, wrapping: Wrapping | null): Started {
  const refusal = whyNot(spec);
  if (refusal !== null) return { refusal };
  try {
    const child = spawnApart(spec, marker, wrapping);
    give(child.stdin, spec.input);
    if (wrapping !== null && wrapping.filter !== null) give(writable(child.stdio[FILTER_DESCRIPTOR]), wrapping.filter);
    return { child };
  } catch (error) {
    return { refusal: refusalOf(error, spec) };
  }
}

/** A command that does not read what it is given has no need of it. */
function give(stream: Writable | null, input: Uint8Array | undefined): void {
  stream?.on('error', () => {});
  stream?.end(input);
}

/** Node's types do not know which of the further streams can be written to. */
function writable(stream: ChildProcess['stdio'][number]): Writable | null {
  return stream instanceof Writable ? stream : null;
}

function whyNot({ argv, cwd, env }: StartSpec): Refusal | null {
  if (argv[0] === undefined || argv[0] === '') {
    return notFound('Expected the name of a program as the first of the arguments, got none.');
  }
  const nul = [cwd, ...argv, ...Object.entries(env).flat()].find((text) => text.includes('\0'));
  if (nul !== undefined) {
    return notExecutable(`Expected arguments, directory and environment without NUL characters, got ${quote(nul)}.`);
  }
  const wrong = wrongDirectory(cwd);
  return wrong === null ? null : notFound(wrong);
}

/** Puts what the system said about a start into words. */
export function refusalOf(error: unknown, spec: StartSpec): Refusal {
  const program = quote(spec.argv[0] ?? '');
  const wrong = wrongDirectory(spec.cwd);
  if (wrong !== null) return notFound(wrong);
  switch (errorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return notFound(`${program} was not found, or the interpreter that its first line names was not.`);
    case 'EACCES':
    case 'EPERM':
    case 'EISDIR':
      return notExecutable(`${program} may not be executed: it is a directory, or has no permission for it.`);
    case 'ENOEXEC':
      return notExecutable(`${program} is not in a format that this machine executes.`);
    case 'E2BIG':
      return notExecutable(
        'The arguments are too long for the system (on Linux, one takes less than 128 KiB). ' +
          'Put the text into a file and name the file instead.',
      );
    case 'EAGAIN':
    case 'ENOMEM':
      return notExecutable('The system can start no more processes now. Stop some, or try again later.');
    case 'EMFILE':
    case 'ENFILE':
      return notExecutable('Too many files are open to start a process now. Close some, or try again later.');
    default:
      return notExecutable(`${program} could not be started: ${messageOf(error)}.`);
  }
}

function spawnApart({ argv, cwd, env, input }: StartSpec, marker: string, wrapping: Wrapping | null): ChildProcess {
  const [program = '', ...rest] = wrapping?.argv ?? argv;
  inherited ??= inheritedDescriptors();
  const leaked = inherited ?? [];
  const nowhere = leaked.length > 0 ? openSync('/dev/null', 'r') : null;
  try {
    const stdio = Array.from({ length: Math.max(2, ...leaked) + 1 }, (): 'ignore' | 'pipe' | number => 'ignore');
    if (input !== undefined) stdio[0] = 'pipe';
    stdio[1] = 'pipe';
    stdio[2] = 'pipe';
    // Node cannot close a descriptor in the child; one that leads nowhere takes its place.
    if (nowhere !== null) for (const descriptor of leaked) stdio[descriptor] = nowhere;
    if (wrapping?.isContainer) stdio[STATUS_DESCRIPTOR] = 'pipe';
    if (wrapping !== null && wrapping.filter !== null) stdio[FILTER_DESCRIPTOR] = 'pipe';
    return spawn(program, rest, {
      // What is there in the sandbox may not be what is there for us.
      cwd: wrapping?.isContainer ? '/' : cwd,
      env: { ...env, ...wrapping?.env, [MARKER_NAME]: marker },
      stdio,
      detached: true,
    });
  } finally {
    if (nowhere !== null) closeSync(nowhere);
  }
}

/** Found out once: what Node opens later is never inherited. */
let inherited: readonly number[] | null = null;

/** Says what is wrong with a working directory; Node would say that the program was not found. */
function wrongDirectory(cwd: string): string | null {
  const name = `the working directory ${quote(cwd)}`;
  try {
    if (!statSync(cwd).isDirectory()) return `Expected ${name} to be a directory, but it is not one.`;
    accessSync(cwd, constants.X_OK);
    return null;
  } catch (error) {
    switch (errorCode(error)) {
      case 'ENOENT':
        return `Expected ${name} to exist, but it does not.`;
      case 'ENOTDIR':
        return `Expected ${name} to be a directory, but a part of the path is not one.`;
      case 'ELOOP':
        return `Expected ${name} to exist, but its symbolic links lead in a circle.`;
      case 'EACCES':
        return `Expected to be allowed to enter ${name}, but there is no permission for it.`;
      default:
        return `Expected to be able to enter ${name}: ${messageOf(error)}.`;
    }
  }
}

function notFound(error: string): Refusal {
  return { exitCode: EXIT_NOT_FOUND, error };
}

function notExecutable(error: string): Refusal {
  return { exitCode: EXIT_NOT_EXECUTABLE, error };
}

/** What is shown of a name in an error, in characters. */
const QUOTE_MAX_CHARACTERS = 200;

function quote(text: string): string {
  const shown = text.length > QUOTE_MAX_CHARACTERS ? `${text.slice(0, QUOTE_MAX_CHARACTERS)}...` : text;
  return JSON.stringify(shown.toWellFormed());
}
