import type { ChildProcess } from 'node:child_process';
import { isMainThread } from 'node:worker_threads';
import type { Clock } from '../runtime/clock.ts';
import { STATUS_DESCRIPTOR } from './bubblewrap-arguments.ts';
import { PROCESSES_MAX } from './command-limits.ts';
import { type ContainerStatus, followStatus } from './container.ts';
import { enclose } from './enclosure.ts';
import { type Begun, follow } from './follow.ts';
import { beGuarded, newMarker } from './guardian.ts';
import { type KillPorts, killTree, sendSignal } from './kill.ts';
import { killContainer } from './kill-container.ts';
import { noteOwn, sweepOrphans } from './orphans.ts';
import type { Containment, KillReport, Proc, ProcessEnd, ProcessSpec, RunningProcess } from './port.ts';
import { probeContainment } from './probe.ts';
import { procTable } from './process-table.ts';
import { type ProcessWatch, processWatch } from './process-watch.ts';
import { SEATBELT } from './seatbelt.ts';
import { type Refusal, refusalOf, start, type Wrapping } from './start.ts';
import { trustedProgram } from './trusted-program.ts';

export type SystemProcOptions = Readonly<{
  /** The path of bubblewrap; what `PATH` of this process has, away from where it works, when left out. */
  bubblewrap?: string | null;
  /** Tells a directory of ours, where it is noted which commands are to be killed when this process is dead; nothing is noted when left out. */
  state?: () => string;
  /** How many processes a sandboxed command may have; `PROCESSES_MAX` when left out. */
  processesMax?: number;
}>;

/**
 * The processes of this machine. A command in a sandbox or container is held by bubblewrap, and nothing of it can outlive
 * it. One without is in a session and group of its own and marked in its environment, so that all it starts can be found:
 * then a daemon that clears its environment can escape a kill. When this process is killed, a guardian kills what has its
 * marker; and should that be dead too, the next process with the same `state`.
 */
export function systemProc(clock: Clock, options: SystemProcOptions = {}): Proc {
  return createProc({ clock, table: procTable(clock), send: sendSignal }, options);
}

/** The same over other ports, for tests. */
export function createProc(
  killPorts: KillPorts,
  { bubblewrap, state, processesMax = PROCESSES_MAX }: SystemProcOptions = {},
): Proc {
  const ports: StartPorts = {
    ...killPorts,
    processesMax,
    watch: processWatch(processesMax, killPorts.clock, killPorts.table),
  };
  let program: string | null | undefined = bubblewrap;
  let probed: Promise<Containment> | null = null;
  let known = false;
  const containment = () => {
    if (!isMainThread) return Promise.resolve(IN_A_THREAD);
    if (program === undefined) program = trustedProgram(CONFINING, process.env.PATH ?? '', process.cwd());
    probed ??= probeContainment(program, (spec, facts) =>
      later(spec, Promise.resolve(facts), (once, given) => beginIn(once, given, program ?? null, ports)),
    );
    return probed;
  };
  /** Once, before the first command: who comes later finds what is left of it, as this one does with those before. */
  const beKnown = () => {
    if (known || state === undefined) return;
    known = true;
    noteOwn(state());
    sweepOrphans(state(), ports);
  };
  return {
    containment,
    spawn(spec) {
      beKnown();
      if (spec.confinement === undefined || spec.confinement.type === 'none') return begin(spec, null, ports);
      return later(
        spec,
        containment(),
        (once, facts) => beginIn(once, facts, program ?? null, ports),
        () => {
          probed = null; // What held once does not hold any more, or never did for this: it is tried out again.
        },
      );
    },
  };
}

/** What bubblewrap starts dies with the thread that started bubblewrap (PR_SET_PDEATHSIG of prctl(2)). */
const IN_A_THREAD: Containment = {
  sandbox: false,
  container: false,
  why: 'commands are confined only when the main thread of Node starts them, because they would die with any other thread.',
  mend: null,
  checks: [],
};

/**
 * How often it is tried to set up what confines a command. What is covered in a sandbox is looked up before it is mounted, and
 * may be gone by then, as sockets of others are when they close them.
 */
const SET_UPS_MAX = 5;

/** A command that begins when it is known what can confine it. */
function later(
  spec: ProcessSpec,
  known: Promise<Containment>,
  begin: (spec: ProcessSpec, facts: Containment) => RunningProcess,
  onFailure: () => void = () => {},
): RunningProcess {
  let running: RunningProcess | null = null;
  let isStopped = false;
  const { promise: stopped, resolve: stop } = Promise.withResolvers<null>();
  const follow = async (): Promise<ProcessEnd> => {
    const facts = await Promise.race([known, stopped]);
    if (facts === null) return NEVER_BEGUN;
    for (let setUps = 1; !isStopped; setUps += 1) {
      const { onOutput, release } = withoutRefusal(spec.onOutput);
      running = begin({ ...spec, onOutput }, facts);
      const end = await running.ended;
      if (end.notSetUp === true && setUps < SET_UPS_MAX) continue;
      if (end.status === 'not-started') onFailure();
      else release();
      return end;
    }
    return NEVER_BEGUN;
  };
  return {
    get pid() {
      return running?.pid ?? null;
    },
    ended: follow(),
    kill(graceMs) {
      isStopped = true;
      stop(null);
      return running?.kill(graceMs) ?? Promise.resolve(NOTHING_KILLED);
    },
  };
}

/** Holds back what may be what bubblewrap says in place of a command, until it is known to be the command's. */
function withoutRefusal(tell: (text: string) => void = () => {}) {
  let held: string | null = null;
  let isFirst = true;
  return {
    onOutput(text: string) {
      if (isFirst && text.startsWith(REFUSAL)) held = '';
      isFirst = false;
      if (held === null) tell(text);
      else held += text;
    },
    release() {
      if (held !== null) tell(held);
    },
  };
}

/** What bubblewrap says of itself begins so. */
const REFUSAL = 'bwrap: ';

/** What confines commands on this system. */
const CONFINING = process.platform === 'darwin' ? SEATBELT : 'bwrap';

/** What a command is started with, besides what it is killed with. */
type StartPorts = KillPorts & Readonly<{ processesMax: number; watch: ProcessWatch }>;

function beginIn(spec: ProcessSpec, facts: Containment, program: string | null, ports: StartPorts): RunningProcess {
  const enclosed = enclose(spec, facts, program);
  if ('refusal' in enclosed) return notStarted(Promise.resolve(enclosed.refusal));
  const running = begin(spec, enclosed.wrapping, ports);
  const ended = running.ended.then((end) => {
    const notes = enclosed.leave();
    return notes.length === 0 ? end : { ...end, notes: [...(end.notes ?? []), ...notes] };
  });
  return { pid: running.pid, ended, kill: running.kill };
}

function begin(spec: ProcessSpec, wrapping: Wrapping | null, ports: StartPorts): RunningProcess {
  const release = ports.table.startTime(process.pid) === null ? () => {} : beGuarded();
  const running = beginGuarded(spec, wrapping, ports);
  running.ended.finally(release);
  return running;
}

function beginGuarded(spec: ProcessSpec, wrapping: Wrapping | null, ports: StartPorts): RunningProcess {
  const marker = newMarker();
  const started = start(spec, marker, wrapping);
  if ('refusal' in started) return notStarted(Promise.resolve(started.refusal));
  const { child } = started;
  if (child.pid === undefined) return notStarted(refusalFrom(child, spec));
  const status = wrapping?.isContainer ? statusOf(child, ports) : null;
  const running = follow(begunOf(child, child.pid, marker, status, ports), spec, ports.clock);
  return status === null || wrapping?.isLimited !== true ? running : watched(running, status, ports);
}

/** The same, killed when it has too many processes. */
function watched(
  running: RunningProcess,
  { init }: ContainerStatus,
  { watch, processesMax }: StartPorts,
): RunningProcess {
  let tooMany = false;
  const release = watch.follow(init, () => {
    tooMany = true;
    running.kill(0);
  });
  const ended = running.ended.then((end) => {
    release();
    return tooMany ? { ...end, notes: [`Killed, because it had more than ${processesMax} processes.`] } : end;
  });
  return { pid: running.pid, ended, kill: running.kill };
}

function begunOf(
  child: ChildProcess,
  pid: number,
  marker: string,
  status: ContainerStatus | null,
  ports: KillPorts,
): Begun {
  // A child keeps its number until its end was waited for, so this reads the child's own.
  const leader = { pid, startTime: ports.table.startTime(pid) ?? 0 };
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const kill = (graceMs: number) =>
    status === null
      ? killTree({ leader, marker }, graceMs, ports)
      : killContainer(
          { outer: leader, init: status.init, marker, ended, end: () => child.kill('SIGKILL') },
          graceMs,
          ports,
        );
  return { child, pid, status, kill };
}

function statusOf(child: ChildProcess, { table }: KillPorts): ContainerStatus | null {
  const stream = child.stdio[STATUS_DESCRIPTOR];
  // Node's types do not know which of the streams are readable; this one was asked for as a pipe.
  return stream === null || stream === undefined || !('read' in stream) ? null : followStatus(stream, table.startTime);
}

const NOTHING_KILLED: KillReport = { graceful: true, killed: 0, survivors: 0 };

/** A command that was stopped before it had begun. */
const NEVER_BEGUN: ProcessEnd = {
  status: 'killed',
  exitCode: 137,
  signal: 'SIGKILL',
  output: { text: '', totalBytes: 0, truncated: false },
  error: null,
  durationMs: 0,
  killed: NOTHING_KILLED,
};

function notStarted(refusal: Promise<Refusal>): RunningProcess {
  return {
    pid: null,
    ended: refusal.then(({ exitCode, error }) => ({
      status: 'not-started',
      exitCode,
      signal: null,
      output: { text: '', totalBytes: 0, truncated: false },
      error,
      durationMs: 0,
      killed: null,
    })),
    kill: () => Promise.resolve(NOTHING_KILLED),
  };
}

function refusalFrom(child: ChildProcess, spec: ProcessSpec): Promise<Refusal> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(refusalOf(error, spec)));
  });
}
