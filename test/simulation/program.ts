import type { FaultOf } from '../../src/testing/faults.ts';
import { type SeededRng, seededRng } from '../../src/testing/seeded-rng.ts';

type WhenBusy = 'replace' | 'queue' | 'reject';

/** One thing that a caller does. `which` is one of the tasks or requests that there are then, counted round; `chance` is a seed. */
export type Deed =
  | Readonly<{ does: 'run'; whenBusy: WhenBusy; stopAfterMs: number | null }>
  | Readonly<{ does: 'help'; whenBusy: WhenBusy; chance: number }>
  | Readonly<{ does: 'beside'; takesMs: number; heeds: boolean }>
  | Readonly<{ does: 'shell'; command: string }>
  | Readonly<{ does: 'compact'; whenBusy: WhenBusy }>
  | Readonly<{ does: 'answer'; which: number; chance: number }>
  | Readonly<{ does: 'abort' | 'cancel' | 'read'; which: number }>
  | Readonly<{ does: 'steer' | 'interrupt' }>;

export type Act = Deed & Readonly<{ afterMs: number }>;

/** What is done to one session, and in which world. Plain data: the same program goes the same way, and can be made smaller. */
export type Program = Readonly<{
  /** Decides the pace of everything, what models and sub-sessions do, and what people answer. */
  seed: number;
  sandbox: 'workspace-write' | 'danger-full-access';
  limits: Readonly<{
    requestTimeoutMs: number | null;
    requestsOpenMax: number | null;
    requestsPerMinuteMax: number | null;
    graceMs: number;
  }>;
  /** Somebody answers requests; else only acts do. */
  people: boolean;
  /** What goes wrong. The model may fail, hang and be cut short; calls may be broken or unknown; commands may ignore what they are told. */
  faults: Readonly<{ model: boolean; calls: boolean; commands: boolean; logs: readonly FaultOf<'logs'>[] }>;
  acts: readonly Act[];
  /** The power is cut before the n-th timer, and the session is resumed in another world; null: it is closed. */
  cutAtTimer: number | null;
}>;

export const COMMANDS = ['ls', 'quick', 'slow', 'stubborn', 'tidy'] as const;

/** How many acts a program has at most: most are small, so that many can be tried; some are long. */
const ACTS_MAX = [2, 4, 4, 8, 25];

/** The program of a seed. */
export function programOf(seed: number): Program {
  const rng = seededRng(`program ${seed}`);
  const isOne = (of: number) => rng.integer(1, of) === 1;
  const pace = rng.pace([5, 50, 400]);
  return {
    seed,
    sandbox: rng.pick(['workspace-write', 'danger-full-access']),
    limits: {
      requestTimeoutMs: rng.pick([null, 400]),
      requestsOpenMax: rng.pick([1, 8, null]),
      requestsPerMinuteMax: rng.pick([2, 30, null]),
      graceMs: rng.pick([0, 100]),
    },
    people: isOne(2),
    faults: { model: isOne(2), calls: isOne(2), commands: isOne(2), logs: isOne(6) ? [logFault(rng)] : [] },
    acts: Array.from({ length: rng.integer(1, rng.pick(ACTS_MAX)) }, () => ({ ...deedOf(rng), afterMs: pace() })),
    cutAtTimer: isOne(6) ? rng.integer(1, rng.pick([20, 60])) : null,
  };
}

function logFault(rng: SeededRng): FaultOf<'logs'> {
  const operation = rng.pick(['create', 'append', 'append', 'sync', 'sync', 'close'] as const);
  return { port: 'logs', operation, n: rng.integer(1, rng.pick([2, 8])), how: rng.pick(['EIO', 'EIO', 'hangs']) };
}

function deedOf(rng: SeededRng): Deed {
  const whenBusy = () => rng.pick(['replace', 'queue', 'reject'] as const);
  const chance = () => rng.integer(0, 2 ** 31);
  const which = () => rng.integer(0, 99);
  const run = (): Deed => ({ does: 'run', whenBusy: whenBusy(), stopAfterMs: null });
  const help = (): Deed => ({ does: 'help', whenBusy: whenBusy(), chance: chance() });
  const answer = (): Deed => ({ does: 'answer', which: which(), chance: chance() });
  return rng.pick<() => Deed>([
    run,
    run,
    help,
    help,
    answer,
    answer,
    () => ({ does: 'run', whenBusy: whenBusy(), stopAfterMs: rng.integer(0, 300) }),
    () => ({ does: 'beside', takesMs: rng.integer(0, 900), heeds: rng.pick([true, false]) }),
    () => ({ does: 'shell', command: rng.pick(COMMANDS) }),
    () => ({ does: 'compact', whenBusy: whenBusy() }),
    () => ({ does: 'steer' }),
    () => ({ does: 'interrupt' }),
    () => ({ does: 'abort', which: which() }),
    () => ({ does: 'cancel', which: which() }),
    () => ({ does: 'read', which: which() }),
  ])();
}
