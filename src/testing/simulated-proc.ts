import { createCapture } from '../process/capture.ts';
import { createDeadline, type Deadline } from '../process/deadline.ts';
import { EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, EXIT_TIMED_OUT, exitCodeOf } from '../process/exit-codes.ts';
import { KILL_BOUND_MS } from '../process/kill.ts';
import type { KillReport, Proc, ProcessEnd, ProcessSpec, RunningProcess } from '../process/port.ts';
import type { SeededRng } from './seeded-rng.ts';
import type { SteppedClock } from './stepped-clock.ts';
import type { Trace } from './trace.ts';

/** What a simulated command does. Times in ms; the seed decides those that are left out. */
export type CommandBehaviour = Readonly<{
  /** What it writes, in order, each piece so long after the one before. */
  output?: readonly (string | Readonly<{ text: string; afterMs: number }>)[];
  /** Its exit code; 0 when left out. Null: it runs until it is stopped. */
  exitCode?: number | null;
  /** How long after its last output it exits. */
  exitAfterMs?: number;
  /** What a TERM does: ends it (when left out), nothing, or lets it tidy up and exit with a code of its own. */
  onTerm?: 'ends' | 'ignored' | Readonly<{ exitCode: number; afterMs?: number }>;
  /** What a KILL does: ends it (when left out), or nothing, as to a process that hangs in the kernel. */
  onKill?: 'ends' | 'ignored';
  /** How many processes it consists of, which begin and end together; 1 when left out. */
  processes?: number;
  /** Why it cannot be started. Nothing else happens then. */
  refusal?: string;
}>;

/** A behaviour, or a function that gives one when the command starts (and may change simulated files). */
export type CommandScript = CommandBehaviour | ((spec: ProcessSpec) => CommandBehaviour);

/** A simulated command that is alive. */
export type AliveProcess = Readonly<{ pid: number; command: string; cwd: string; startedAtMs: number }>;

export interface SimulatedProc extends Proc {
  /** Says what a command does: that of this text, or every one that the expression fits. The last that fits counts. */
  command(pattern: string | RegExp, script: CommandScript): void;
  /** What is alive, oldest first. */
  alive(): readonly AliveProcess[];
}

export type SimulatedProcOptions = Readonly<{ clock: SteppedClock; rng: SeededRng; trace: Trace }>;

/** How long the slowest of what a command does takes, in ms; the seed picks one. */
const SLOWEST_MS = [2, 30, 300];
/** How long it takes at most to die of a TERM, in ms; the seed picks one. */
const SLOWEST_DEATH_MS = [0, 10, 60];

/** Processes that are no processes. Of a command that no script fits, a shell would say that it was not found. */
export function simulatedProc(options: SimulatedProcOptions): SimulatedProc {
  const scripts: { fits(command: string): boolean; script: CommandScript }[] = [];
  const table = new Map<number, AliveProcess>();
  const desk: Desk = {
    ...options,
    table,
    pace: options.rng.pace(SLOWEST_MS),
    deathPace: options.rng.pace(SLOWEST_DEATH_MS),
  };
  let lastPid = 1_000;
  return {
    command: (pattern, script) =>
      void scripts.unshift({
        fits: typeof pattern === 'string' ? (command) => command === pattern : (command) => pattern.test(command),
        script,
      }),
    alive: () => [...table.values()],
    spawn(spec) {
      const command = commandOf(spec.argv);
      const script = scripts.find(({ fits }) => fits(command))?.script ?? unknown(command);
      const behaviour = typeof script === 'function' ? script(spec) : script;
      if (behaviour.refusal !== undefined) return notStarted(behaviour.refusal);
      lastPid += 1;
      return start(lastPid, spec, behaviour, desk);
    },
  };
}

/** What is run: the text that a shell is given, else the words of the command. */
export function commandOf(argv: readonly string[]): string {
  const flag = argv.indexOf('-c');
  return (flag === -1 ? undefined : argv[flag + 1]) ?? argv.join(' ');
}

type Desk = SimulatedProcOptions &
  Readonly<{ table: Map<number, AliveProcess>; pace: () => number; deathPace: () => number }>;

type Exit = Readonly<{ code: number | null; signal: 'SIGTERM' | 'SIGKILL' | null }>;
type Cause = 'timed-out' | 'output-limit' | 'killed';
type Killing = Readonly<{ grace: Deadline; report: Promise<KillReport> }>;

const NOTHING_KILLED: KillReport = { graceful: true, killed: 0, survivors: 0 };

function start(pid: number, spec: ProcessSpec, behaviour: CommandBehaviour, desk: Desk): RunningProcess {
  const { clock, table, trace } = desk;
  const { argv, cwd } = spec;
  const command = commandOf(argv);
  const startedAtMs = clock.now();
  const exit = Promise.withResolvers<Exit>();
  const life = new AbortController();
  const capture = createCapture(spec.keepBytes);
  let totalBytes = 0;
  let cause: Cause | null = null;
  let killing: Killing | null = null;
  table.set(pid, { pid, command, cwd, startedAtMs });
  trace.add({ type: 'process.started', pid, argv, cwd });

  const isAlive = () => table.has(pid);
  const die = (code: number | null, signal: Exit['signal']) => {
    if (!table.delete(pid)) return;
    life.abort();
    trace.add({ type: 'process.ended', pid, exitCode: code, signal });
    exit.resolve({ code, signal });
  };
  const stop = (why: Cause, graceMs: number): Promise<KillReport> => {
    if (!isAlive()) return killing?.report ?? Promise.resolve(NOTHING_KILLED);
    cause ??= why;
    killing ??= kill(behaviour, { desk, command, life: life.signal, isAlive, die });
    killing.grace.within(graceMs);
    return killing.report;
  };
  const tell = tellSafely(spec.onOutput);
  const write = (text: string) => {
    const bytes = Buffer.from(text);
    capture.write(bytes);
    totalBytes += bytes.length;
    tell(text);
    if (totalBytes > spec.outputMaxBytes) void stop('output-limit', spec.graceMs);
  };
  const live = async () => {
    const { output = [], exitCode = 0, exitAfterMs } = behaviour;
    for (const piece of output) {
      const { text, afterMs } = typeof piece === 'string' ? { text: piece, afterMs: desk.pace() } : piece;
      await clock.pass(afterMs, `the next output of ${command}`, life.signal);
      if (!isAlive()) return;
      write(text);
    }
    if (exitCode === null) return;
    await clock.pass(exitAfterMs ?? desk.pace(), `the exit of ${command}`, life.signal);
    die(exitCode, null);
  };
  const end = async (): Promise<ProcessEnd> => {
    const timeout = clock.setTimeout(() => void stop('timed-out', spec.graceMs), spec.timeoutMs);
    // One that survives the killing never exits; there is nothing more to wait for then.
    const survived = new Promise<Exit>((resolve) => {
      life.signal.addEventListener('abort', () => resolve(KILLED), { once: true });
    });
    void live();
    const { code, signal } = await Promise.race([exit.promise, survived]);
    clock.clearTimeout(timeout);
    const durationMs = clock.now() - startedAtMs;
    const report = killing === null ? null : await killing.report;
    await clock.pass(desk.deathPace(), `the rest of the output of ${command}`);
    return {
      status: cause ?? 'exited',
      exitCode: cause === 'timed-out' ? EXIT_TIMED_OUT : exitCodeOf(code, signal),
      signal,
      output: capture.read(),
      error: null,
      durationMs,
      killed: report,
    };
  };
  return { pid, ended: end(), kill: (graceMs) => stop('killed', graceMs) };
}

const KILLED: Exit = { code: null, signal: 'SIGKILL' };
