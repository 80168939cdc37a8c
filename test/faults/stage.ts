// Loaded before anything is played: a module takes real time to load, while none passes in a world.
import 'openai';
import type { Session } from '../../src/index.ts';
import { openaiModel } from '../../src/model/openai.ts';
import type { Model } from '../../src/model/port.ts';
import type { ForkPoint } from '../../src/resume-session.ts';
import type { SessionOptions } from '../../src/session-options.ts';
import type { Script, ScriptEntry, ScriptStep } from '../../src/testing/script.ts';
import type { SimulatedWorld } from '../../src/testing/world.ts';
import { KINDS } from './kinds.ts';

type Options = Partial<SessionOptions<typeof KINDS>> & Readonly<{ script?: Script }>;
type StagedSession = ReturnType<SimulatedWorld['open']> & Session<typeof KINDS>;

/** Where a scenario is played: a world, and what is to be kept in it. */
export interface Stage {
  readonly world: SimulatedWorld;
  open(options?: Options): StagedSession;
  /** Null: it could not be opened again, which a fault may bring about; or its log had failed. */
  resume(sessionId: string, options?: Options): Promise<StagedSession | null>;
  fork(sessionId: string, point: ForkPoint, options?: Options): Promise<StagedSession | null>;
  /** Lets time pass until it has settled; null when nothing is left that could happen before that. It must not be rejected. */
  done<T>(what: string, promise: Promise<T>): Promise<T | null>;
  /** It has to settle in the end, and must not be rejected. */
  keep(what: string, promise: Promise<unknown>): void;
  /** Does something so many ms from now. */
  after(ms: number, act: () => void): void;
  /** Lets so many ms pass. */
  pass(ms: number): Promise<void>;
  /** A model that is asked over a wire. */
  wired(script: Script, wireApi: 'responses' | 'chat'): Model;
}

export type Staged = Stage &
  Readonly<{
    sessions(): readonly StagedSession[];
    /** What was promised and has not come, or not as it has to. */
    unkept(): readonly string[];
  }>;

/** How often a model says that it is done, after what it was told to say: a fault may let it be asked more often. */
const DONE: readonly ScriptStep[] = Array.from({ length: 12 }, () => ({ say: 'Done.' }));

/** What a model says, and that it is done for whatever it is asked after that. */
export function talk(...entries: readonly ScriptEntry[]): readonly ScriptEntry[] {
  return [...entries, ...DONE];
}

export function createStage(world: SimulatedWorld): Staged {
  const sessions: StagedSession[] = [];
  const unkept = new Set<string>();
  const keep = (what: string, promise: Promise<unknown>) => {
    unkept.add(what);
    promise.then(
      () => unkept.delete(what),
      (error: unknown) => unkept.add(`${what}, which was rejected: ${error}`),
    );
  };
  const optionsOf = ({ script = talk(), ...options }: Options): SessionOptions<typeof KINDS> => ({
    model: world.model(script),
    tasks: KINDS,
    sandbox: 'danger-full-access',
    ...options,
  });
  const added = <S>(session: S): S & StagedSession => {
    const staged = session as S & StagedSession; // All are opened with the same kinds.
    sessions.push(staged);
    return staged;
  };
  const until = async (promise: Promise<unknown>) => {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    return world.run(() => isSettled);
  };
  /** Null when it is rejected, or never settles; what is opened too late is kept as well. */
  const opened = async (opening: Promise<unknown>): Promise<StagedSession | null> => {
    const late = opening.then(added, () => null);
    return (await until(late)) ? late : null;
  };
  return {
    world,
    open: (options = {}) => added(world.open(optionsOf(options))),
    async resume(sessionId, options = {}) {
      // What was told after its log had failed is not in it: that it goes on from there is another run.
      if (isDegraded(world, sessionId)) return null;
      return opened(world.resume(sessionId, optionsOf(options)));
    },
    fork: (sessionId, point, options = {}) => opened(world.fork(sessionId, point, optionsOf(options))),
    keep,
    async done(what, promise) {
      keep(what, promise);
      return (await until(promise)) ? promise.catch(() => null) : null;
    },
    after: (ms, act) => void world.clock.setTimeout(act, ms),
    pass: async (ms) => {
      await until(world.clock.pass(ms, 'the scenario'));
    },
    wired: (script, wireApi) =>
      openaiModel({
        model: 'scripted',
        baseURL: 'http://scripted.invalid/v1',
        wireApi,
        env: {},
        fetch: world.wire(script, { chunkBytes: 400 }).fetch,
        clock: world.clock,
        rng: world.rng.fork(`retries of ${wireApi}`),
      }),
    sessions: () => sessions,
    unkept: () => [...unkept],
  };
}

function isDegraded(world: SimulatedWorld, id: string): boolean {
  return world
    .trace()
    .some((entry) => entry.type === 'event' && entry.event.type === 'session.degraded' && entry.event.sessionId === id);
}
