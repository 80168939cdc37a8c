import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Clock } from '../runtime/clock.ts';
import type { ContainerStatus } from './container.ts';
import { createDeadline } from './deadline.ts';
import { EXIT_NOT_EXECUTABLE, EXIT_TIMED_OUT, exitCodeOf } from './exit-codes.ts';
import type { Killing } from './kill.ts';
import { readOutput } from './output-reader.ts';
import type { CapturedOutput, KillReport, ProcessEnd, ProcessSpec, RunningProcess } from './port.ts';

/** How long Node may take to tell the end of a process that the process table no longer has. */
const EXIT_WAIT_MS = 1_000;

/** A command that was started: its process, or the one that contains it, and how to stop all of it. */
export type Begun = Readonly<{
  child: ChildProcess;
  pid: number;
  kill(graceMs: number): Killing;
  /** What its container tells; null when it is in none, and may leave something behind. */
  status: ContainerStatus | null;
}>;

/** Follows a command that was started, to its end and to the end of everything that it started. */
export function follow({ child, pid, kill, status }: Begun, spec: ProcessSpec, clock: Clock): RunningProcess {
  const startedAtMs = clock.now();
  const state: { cause: Cause | null; exited: boolean; killing: Killing | null } = {
    cause: null,
    exited: false,
    killing: null,
  };
  const killBegun = Promise.withResolvers<KillReport>();

  const stop = (cause: Cause, graceMs: number): Promise<KillReport> => {
    if (!state.exited) state.cause ??= cause;
    return end(graceMs);
  };
  const end = (graceMs: number): Promise<KillReport> => {
    if (state.killing === null) state.killing = kill(graceMs);
    else state.killing.hurry(graceMs);
    killBegun.resolve(state.killing.report);
    return state.killing.report;
  };

  const exit = exitOf(child, () => {
    state.exited = true;
  });
  const output = readOutput(outputsOf(child), spec, clock, () => {
    // This is also said of a command that has exited while its output was still on the way.
    state.cause ??= 'output-limit';
    end(spec.graceMs);
  });
  const timer = clock.setTimeout(() => stop('timed-out', spec.graceMs), spec.timeoutMs);

  const finish = async (): Promise<ProcessEnd> => {
    const exited = await exitOrGiveUp(exit, killBegun.promise, clock);
    clock.clearTimeout(timer);
    if (exited === null) child.unref();
    const durationMs = Math.max(0, clock.now() - startedAtMs);
    await state.killing?.report;
    await output.drained();
    const swept = state.killing === null;
    const report = await (state.killing?.report ?? (status === null ? end(spec.graceMs) : NOTHING_KILLED));
    if (swept && report.killed > 0) await output.drained();
    // One that a signal has ended may have had its command running.
    if (status !== null && state.cause === null && exited !== null && exited.signal === null) {
      const isTold = await toldAll(status, clock);
      if (!status.hasRun()) return { ...neverBegun(output.close()), ...(isTold ? { notSetUp: true } : {}) };
    }
    const { code, signal } = exited ?? { code: null, signal: 'SIGKILL' };
    const untouched = state.cause === null && report.killed === 0 && report.survivors === 0;
    return {
      status: state.cause ?? (signal === null ? 'exited' : 'signalled'),
      exitCode: state.cause === 'timed-out' ? EXIT_TIMED_OUT : exitCodeOf(code, signal),
      signal,
      output: output.close(),
      error: null,
      durationMs,
      killed: untouched ? null : report,
    };
  };
  const ended = finish().finally(() => status?.close());
  return { pid, ended, kill: (graceMs) => stop('killed', graceMs) };
}

/** Nothing can be left of a command in a container: what is in it dies with it. */
const NOTHING_KILLED: KillReport = { graceful: true, killed: 0, survivors: 0 };

/** How long a container may take to tell, once it has ended, what became of its command, in ms. */
const STATUS_WAIT_MS = 1_000;

async function toldAll(status: ContainerStatus, clock: Clock): Promise<boolean> {
  const patience = createDeadline(clock);
  patience.within(STATUS_WAIT_MS);
  const isTold = await Promise.race([status.told.then(() => true), patience.reached.then(() => false)]);
  patience.cancel();
  return isTold;
}

/** What the container said in place of the command. */
function neverBegun({ text }: CapturedOutput): ProcessEnd {
  return {
    status: 'not-started',
    exitCode: EXIT_NOT_EXECUTABLE,
    signal: null,
    output: { text: '', totalBytes: 0, truncated: false },
    error: `The command was not run, because what confines it could not be set up: ${text.trim()}.`,
    durationMs: 0,
    killed: null,
  };
}

/** Why a command was stopped; the first reason stays. */
type Cause = 'timed-out' | 'output-limit' | 'killed';

type Exit = Readonly<{ code: number | null; signal: NodeJS.Signals | null }>;

function exitOf(child: ChildProcess, onExit: () => void): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      onExit();
      resolve({ code, signal });
    });
  });
}

/** How a command ended; null when it was killed and is there nevertheless. */
async function exitOrGiveUp(exit: Promise<Exit>, killed: Promise<KillReport>, clock: Clock): Promise<Exit | null> {
  const patience = createDeadline(clock);
  killed.then(({ survivors }) => patience.within(survivors > 0 ? 0 : EXIT_WAIT_MS));
  const exited = await Promise.race([exit, patience.reached.then(() => null)]);
  patience.cancel();
  return exited;
}

function outputsOf(child: ChildProcess): readonly Readable[] {
  return [child.stdout, child.stderr].filter((stream) => stream !== null);
}
