import { createCapture } from '../process/capture.ts';
import { createDeadline, type Deadline } from '../process/deadline.ts';
import { EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, EXIT_TIMED_OUT, exitCodeOf } from '../process/exit-codes.ts';
import { KILL_BOUND_MS } from '../process/kill.ts';
import type { Containment, KillReport, Proc, ProcessEnd, ProcessSpec, RunningProcess } from '../process/port.ts';
import { unfinishedTail } from '../process/utf8-boundary.ts';
import { createFaults, type FaultDesk, type FaultOf } from './faults.ts';
import { faultyBehaviour } from './faulty-behaviour.ts';
import type { SeededRng } from './seeded-rng.ts';
import type { SteppedClock } from './stepped-clock.ts';
import type { Trace } from './trace.ts';

/** What a simulated command does. Times in ms; the seed decides those that are left out. */
export type CommandBehaviour = Readonly<{
  /** What it writes, in order, each piece so long after the one before. */
  output?: readonly OutputPiece[];
  /** It begins anew with its output when it has come to the end, until it is stopped. */
  repeats?: boolean;
  /** Its exit code; 0 when left out. Null: it runs until it is stopped. */
  exitCode?: number | null;
  /** It is killed by this signal, of a stranger, in place of its exit. */
  exitSignal?: NodeJS.Signals;
  /** How long after its last output it exits. */
  exitAfterMs?: number;
  /** What a TERM does: ends it (when left out), nothing, or lets it tidy up and exit with a code of its own. */
  onTerm?: 'ends' | 'ignored' | Readonly<{ exitCode: number; afterMs?: number }>;
  /** What a KILL does: ends it (when left out), or nothing, as to a process that hangs in the kernel. */
  onKill?: 'ends' | 'ignored';
  /** How long something that it started, and that nobody sees, holds its output open after its exit. */
  outputHeldMs?: number;
  /** How many processes it consists of, which begin and end together; 1 when left out. */
  processes?: number;
  /** Why it cannot be started. Nothing else happens then. */
  refusal?: string;
}>;

/** What a command writes at once: text, or bytes that may be no text, or end inside of a character. */
export type OutputPiece = string | Uint8Array | Readonly<{ text: string | Uint8Array; afterMs: number }>;

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

export type SimulatedProcOptions = Readonly<{
  clock: SteppedClock;
  rng: SeededRng;
  trace: Trace;
  faults?: FaultDesk;
  /** What is said to confine commands; nothing does when left out. Nothing is confined in truth. */
  containment?: Containment;
}>;

/** A world in which nothing confines commands. */
const UNCONFINED: Containment = {
  sandbox: false,
  container: false,
  why: 'There is none in a simulated world.',
  mend: null,
  checks: [],
};

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
  const faults = options.faults ?? createFaults();
  let lastPid = 1_000;
  return {
    command: (pattern, script) =>
      void scripts.unshift({
        fits:
          typeof pattern === 'string' ? (command) => command === pattern : (command) => command.search(pattern) !== -1,
        script,
      }),
    alive: () => [...table.values()],
    containment: async () => options.containment ?? UNCONFINED,
    spawn(spec) {
      const command = commandOf(spec.argv);
      const script = scripts.find(({ fits }) => fits(command))?.script ?? unknown(command);
      const how = faults.begin('processes', 'spawn');
      if (how === 'power-cut') return cutShort(faults);
      const refusal = how === null ? null : refusalOf(how);
      if (refusal !== null) return notStarted(refusal);
      const intended = typeof script === 'function' ? script(spec) : script;
      const behaviour = how === null ? intended : faultyBehaviour(intended, how, spec);
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

type Exit = Readonly<{ code: number | null; signal: NodeJS.Signals | null }>;
type Cause = 'timed-out' | 'output-limit' | 'killed';
type Killing = Readonly<{ grace: Deadline; report: Promise<KillReport> }>;

const NOTHING_KILLED: KillReport = { graceful: true, killed: 0, survivors: 0 };
const KILLED: Exit = { code: null, signal: 'SIGKILL' };

function start(pid: number, spec: ProcessSpec, behaviour: CommandBehaviour, desk: Desk): RunningProcess {
  const { clock, trace, table } = desk;
  const { argv, cwd } = spec;
  const life = begin(pid, spec, desk);
  const capture = createCapture(spec.keepBytes);
  const tell = tellSafely(spec.onOutput);
  let totalBytes = 0;
  let cause: Cause | null = null;
  let killing: Killing | null = null;
  table.set(pid, { pid, command: life.command, cwd, startedAtMs: life.startedAtMs });
  trace.add({ type: 'process.started', pid, argv, cwd });

  const stop = (why: Cause, graceMs: number): Promise<KillReport> => {
    if (!life.isAlive()) return killing?.report ?? Promise.resolve(NOTHING_KILLED);
    cause ??= why;
    killing ??= beginKilling(life, behaviour, desk);
    killing.grace.within(graceMs);
    return killing.report;
  };
  let held: Buffer = Buffer.alloc(0);
  const pass = (bytes: Buffer) => {
    if (bytes.length === 0) return;
    capture.write(bytes);
    tell(bytes.toString());
  };
  const write = (text: string | Uint8Array) => {
    const bytes = Buffer.concat([held, Buffer.from(text)]);
    totalBytes += bytes.length - held.length;
    const whole = bytes.length - unfinishedTail(bytes);
    held = bytes.subarray(whole);
    pass(bytes.subarray(0, whole));
    if (totalBytes > spec.outputMaxBytes) void stop('output-limit', spec.graceMs);
  };
  const end = async (): Promise<ProcessEnd> => {
    const timeout = clock.setTimeout(() => void stop('timed-out', spec.graceMs), spec.timeoutMs);
    const { code, signal } = await life.exit;
    clock.clearTimeout(timeout);
    const durationMs = clock.now() - life.startedAtMs;
    const killed = killing === null ? null : await killing.report;
    await clock.pass(behaviour.outputHeldMs ?? desk.deathPace(), `the rest of the output of ${life.command}`);
    pass(held);
    const exitCode = cause === 'timed-out' ? EXIT_TIMED_OUT : exitCodeOf(code, signal);
    const status = cause ?? (signal === null ? 'exited' : 'signalled');
    return { status, exitCode, signal, output: capture.read(), error: null, durationMs, killed };
  };
  void live(life, behaviour, desk, write);
  return { pid, ended: end(), kill: (graceMs) => stop('killed', graceMs) };
}

/** A process from its start to its end. */
type Life = Readonly<{
  command: string;
  startedAtMs: number;
  isAlive(): boolean;
  /** Aborts when it does nothing any more: it has ended, or was given up. */
  over: AbortSignal;
  /** How it ended, or was given up. */
  exit: Promise<Exit>;
  die(exit: Exit): void;
  giveUp(): void;
}>;

function begin(pid: number, { argv }: ProcessSpec, { clock, table, trace }: Desk): Life {
  const over = new AbortController();
  const { promise: exit, resolve } = Promise.withResolvers<Exit>();
  const leave = (how: Exit) => {
    over.abort();
    resolve(how);
  };
  return {
    command: commandOf(argv),
    startedAtMs: clock.now(),
    isAlive: () => table.has(pid),
    over: over.signal,
    exit,
    die({ code, signal }) {
      if (!table.delete(pid)) return;
      trace.add({ type: 'process.ended', pid, exitCode: code, signal });
      leave({ code, signal });
    },
    giveUp: () => leave(KILLED),
  };
}

async function live(
  life: Life,
  behaviour: CommandBehaviour,
  desk: Desk,
  write: (text: string | Uint8Array) => void,
): Promise<void> {
  const { output = [], repeats = false, exitCode = 0, exitSignal, exitAfterMs } = behaviour;
  for (const piece of piecesOf(output, repeats)) {
    const { text, afterMs } = isTimed(piece) ? piece : { text: piece, afterMs: desk.pace() };
    await desk.clock.pass(afterMs, `the next output of ${life.command}`, life.over);
    if (life.over.aborted) return;
    write(text);
  }
  if (exitCode === null && exitSignal === undefined) return;
  await desk.clock.pass(exitAfterMs ?? desk.pace(), `the exit of ${life.command}`, life.over);
  if (life.over.aborted) return;
  life.die(exitSignal === undefined ? { code: exitCode, signal: null } : { code: null, signal: exitSignal });
}

function* piecesOf(output: readonly OutputPiece[], repeats: boolean): Generator<OutputPiece> {
  do yield* output;
  while (repeats && output.length > 0);
}

function isTimed(piece: OutputPiece): piece is Extract<OutputPiece, { text: unknown }> {
  return typeof piece === 'object' && 'text' in piece;
}

function beginKilling(life: Life, behaviour: CommandBehaviour, desk: Desk): Killing {
  const grace = createDeadline(desk.clock);
  void obey(life, behaviour, desk);
  return { grace, report: stopAndKill(life, behaviour, grace, desk) };
}

/** What a TERM does. */
async function obey(life: Life, { onTerm = 'ends' }: CommandBehaviour, { clock, deathPace }: Desk): Promise<void> {
  if (onTerm === 'ignored') return;
  const tidies = typeof onTerm === 'object';
  const afterMs = (tidies ? onTerm.afterMs : undefined) ?? deathPace();
  await clock.pass(afterMs, `${life.command} to end after a TERM`, life.over);
  if (life.over.aborted) return;
  life.die(tidies ? { code: onTerm.exitCode, signal: null } : { code: null, signal: 'SIGTERM' });
}

async function stopAndKill(
  life: Life,
  { onKill = 'ends', processes = 1 }: CommandBehaviour,
  grace: Deadline,
  { clock }: Desk,
): Promise<KillReport> {
  await Promise.race([life.exit, grace.reached]);
  grace.cancel();
  if (!life.isAlive()) return { graceful: true, killed: processes, survivors: 0 };
  if (onKill === 'ends') life.die(KILLED);
  else await clock.pass(KILL_BOUND_MS, `${life.command} to be gone after a KILL`);
  if (!life.isAlive()) return { graceful: false, killed: processes, survivors: 0 };
  life.giveUp();
  return { graceful: false, killed: 0, survivors: processes };
}

const REFUSALS: ReadonlyMap<FaultOf<'processes'>['how'], string> = new Map([
  ['EAGAIN', 'spawn EAGAIN: resource temporarily unavailable'],
  ['ENOENT', 'spawn ENOENT: no such file or directory'],
  ['EMFILE', 'spawn EMFILE: too many open files'],
]);

function refusalOf(how: FaultOf<'processes'>['how']): string | null {
  return REFUSALS.get(how) ?? null;
}

/** The power is cut as it starts. */
function cutShort(faults: FaultDesk): RunningProcess {
  const never = faults.cut();
  return { pid: null, ended: never, kill: () => never };
}

function notStarted(error: string): RunningProcess {
  const output = { text: '', totalBytes: 0, truncated: false };
  return {
    pid: null,
    ended: Promise.resolve({
      status: 'not-started',
      exitCode: EXIT_NOT_EXECUTABLE,
      signal: null,
      output,
      error,
      durationMs: 0,
      killed: null,
    }),
    kill: () => Promise.resolve(NOTHING_KILLED),
  };
}

function unknown(command: string): CommandBehaviour {
  const advice = 'Expected a command of this simulation. Say what it does with world.command(pattern, behaviour).';
  return { output: [`${command}: command not found. ${advice}\n`], exitCode: EXIT_NOT_FOUND };
}

/** A listener that throws is told nothing more. */
function tellSafely(listener: ((text: string) => void) | undefined): (text: string) => void {
  let listening = listener;
  return (text) => {
    try {
      listening?.(text);
    } catch {
      listening = undefined;
    }
  };
}
