import { createSession, type SessionOf } from '../create-session.ts';
import type { Model } from '../model/port.ts';
import type { SessionEvent } from '../protocol/events.ts';
import { type ForkPoint, forkSession, resumeSession } from '../resume-session.ts';
import type { MemoryLogStore } from '../rollout/memory-log-store.ts';
import type { LogRecord } from '../rollout/record.ts';
import { createIds } from '../runtime/ids.ts';
import type { Session } from '../session/handle.ts';
import type { SessionOptions, WorldPorts } from '../session-options.ts';
import type { TaskDefinitions } from '../tasks/define-task.ts';
import { createFaults, type Operation, type WorldFault } from './faults.ts';
import type { Script, ScriptReport } from './script.ts';
import { scriptedModel } from './scripted-model.ts';
import { type ScriptedWire, type ScriptedWireOptions, scriptedWire } from './scripted-wire.ts';
import { type SeededRng, seededRng } from './seeded-rng.ts';
import { type SimulatedFiles, simulatedFiles } from './simulated-files.ts';
import { simulatedLogStore } from './simulated-log-store.ts';
import { type CommandScript, type SimulatedProc, simulatedProc } from './simulated-proc.ts';
import { simulatedWire } from './simulated-wire.ts';
import { slowModel } from './slow-model.ts';
import { type SteppedClock, steppedClock } from './stepped-clock.ts';
import { createTrace, type TraceEntry } from './trace.ts';

export type WorldOptions = Readonly<{
  /** What goes wrong. Count the operations of a world where nothing does (`operations()`), then let each of them. */
  faults?: readonly WorldFault[];
}>;

/** A world in which one seed decides when everything happens. It stands still unless it is told to run. */
export interface SimulatedWorld extends WorldPorts {
  readonly clock: SteppedClock;
  readonly files: SimulatedFiles;
  readonly proc: SimulatedProc;
  readonly logStore: MemoryLogStore;
  /** Chance for what a test decides itself; what is drawn here changes nothing in the ports. */
  readonly rng: SeededRng;
  readonly processes: Pick<SimulatedProc, 'alive'>;
  /** A scripted model that takes its time: before it speaks, between what it tells, and to stop when it is told to. */
  model(script: Script): Model & ScriptReport;
  /** A server that says what the script says, behind a connection that takes its time: a `fetch` for `openaiModel`. */
  wire(script: Script, options?: Pick<ScriptedWireOptions, 'chunkBytes'>): ScriptedWire;
  /** Says what a command does: that of this text, or every one that the expression fits. The last that fits counts. */
  command(pattern: string | RegExp, script: CommandScript): void;
  /**
   * Opens a session in this world; what it and all below it tell goes into the trace. It works in `WORK_DIRECTORY`, with
   * an empty environment, unless the options say otherwise; a port in `options.world` takes the place of the world's own.
   */
  open<T extends TaskDefinitions = Record<never, never>>(options: SessionOptions<T>): SessionOf<T>;
  /** Opens a session of this world again, as `open` does; it is not traced before it is there. */
  resume<T extends TaskDefinitions = Record<never, never>>(
    sessionId: string,
    options: SessionOptions<T>,
  ): Promise<SessionOf<T>>;
  /** Opens a session that begins with a copy of another one's, as `open` does. */
  fork<T extends TaskDefinitions = Record<never, never>>(
    sessionId: string,
    point: ForkPoint,
    options: SessionOptions<T>,
  ): Promise<SessionOf<T>>;
  /**
   * Lets time pass until `until` holds (true), or until nothing is left that could happen (false; true without `until`),
   * as after a power cut.
   * Throws when that does not come about within `STEPS_MAX` timers.
   */
  run(until?: () => boolean): Promise<boolean>;
  /** Lets time pass until `promise` has settled, and gives what it came to. Throws when the world rests before that. */
  settled<T>(promise: Promise<T>): Promise<T>;
  /** What is waited for, in words; empty when the world is at rest. */
  waiting(): readonly string[];
  /** What was asked of the ports so far, in order, whether it went wrong or not. */
  operations(): readonly Operation[];
  /** Which of the faults have come about. */
  met(): readonly WorldFault[];
  /** From now on nothing goes wrong any more, and what hung goes on. */
  heal(): void;
  /** The power was cut: nothing happens any more. */
  readonly isCut: boolean;
  /** The records of a session's log. */
  log(sessionId: string): readonly LogRecord[];
  trace(): readonly TraceEntry[];
  /** SHA-256 of the trace, hex. The same seed and the same program give the same, or something leaks into the world. */
  traceHash(): string;
}

/** Where sessions of a simulated world work. */
export const WORK_DIRECTORY = '/work';

/** How many timers one `run` fires at most: more than any test needs, and some seconds of real time. */
export const STEPS_MAX = 100_000;

/** How many of the things that are waited for an error names. */
const NAMED_MAX = 10;

/** Makes a simulated world. There is no real time, file, process or chance in it. */
export function world(seed: number | string, { faults: planned = [] }: WorldOptions = {}): SimulatedWorld {
  const root = seededRng(seed);
  const clock = steppedClock();
  const trace = createTrace(clock.now);
  const faults = createFaults(planned);
  const port = (name: string) => ({ clock, trace, faults, rng: root.fork(name) });
  const files = simulatedFiles(port('files'));
  const proc = simulatedProc(port('processes'));
  const logStore = simulatedLogStore(port('logs'));
  const ports: WorldPorts = { clock, files, proc, logStore, ids: createIds(clock, root.fork('ids')) };
  let models = 0;
  let wires = 0;
  let running = false;
  files.putDirectory(WORK_DIRECTORY);

  const withWorld = <T extends TaskDefinitions>(options: SessionOptions<T>): SessionOptions<T> => ({
    cwd: WORK_DIRECTORY,
    env: {},
    ...options,
    world: { ...ports, ...options.world },
  });
  const traced = <S extends Pick<Session, 'events$'>>(session: S): S => {
    session.events$.subscribe((event: SessionEvent) => trace.add({ type: 'event', event }));
    return session;
  };

  const waiting = () => [
    ...clock.waiting(),
    ...faults.hanging().map((what) => `for ever: ${what}`),
    ...proc.alive().map(({ pid, command }) => `for its end: process ${pid}, ${command}`),
  ];
  const run = async (until?: () => boolean): Promise<boolean> => {
    if (running)
      throw new Error('Expected one run of the world at a time, got a second one before the first was over.');
    running = true;
    try {
      for (let fired = 0; ; fired += 1) {
        await everythingThatNeedsNoTime();
        if (until?.()) return true;
        if (clock.timers === 0 || faults.isCut) return until === undefined;
        if (fired === STEPS_MAX) {
          throw new Error(`The world does not come to rest: ${fired} timers were fired. ${waitingText(waiting())}`);
        }
        clock.step();
      }
    } finally {
      running = false;
    }
  };

  return {
    ...ports,
    clock,
    files,
    proc,
    logStore,
    rng: root.fork('test'),
    processes: proc,
    model(script) {
      models += 1;
      return slowModel(scriptedModel(script, { clock }), port(`model ${models}`));
    },
    wire(script, options) {
      wires += 1;
      return simulatedWire(scriptedWire(script, { ...options, clock }), port(`wire ${wires}`));
    },
    command: proc.command,
    open: (options) => traced(createSession(withWorld(options))),
    resume: async (sessionId, options) => traced(await resumeSession(sessionId, withWorld(options))),
    fork: async (sessionId, point, options) => traced(await forkSession(sessionId, point, withWorld(options))),
    run,
    async settled(promise) {
      let isSettled = false;
      const settle = () => {
        isSettled = true;
      };
      promise.then(settle, settle);
      if (await run(() => isSettled)) return promise;
      throw new Error(
        `Expected a promise to settle, but nothing is left that could happen. ${waitingText(waiting())} Perhaps a person is asked, or something waits for real time.`,
      );
    },
    waiting,
    operations: faults.operations,
    met: faults.met,
    heal: faults.heal,
    get isCut() {
      return faults.isCut;
    },
    log: (sessionId) => logStore.read(sessionId),
    trace: trace.entries,
    traceHash: trace.hash,
  };
}

/**
 * Lets promises and microtasks go as far as they can without a timer. This is the only wait for the real world: Node
 * runs an immediate when nothing of that kind is left.
 */
function everythingThatNeedsNoTime(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function waitingText(waiting: readonly string[]): string {
  if (waiting.length === 0) return 'Nothing is waited for.';
  const more = waiting.length > NAMED_MAX ? [`and ${waiting.length - NAMED_MAX} more`] : [];
  return `What is waited for:\n${[...waiting.slice(0, NAMED_MAX), ...more].map((line) => `- ${line}`).join('\n')}\n`;
}
