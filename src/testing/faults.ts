/** How what has to do with a disk fails: with this code, and without having done anything. */
const DISK_ERRORS = ['EIO', 'ENOSPC', 'EROFS', 'EMFILE', 'EACCES'] as const;

/**
 * How any operation goes wrong: it does not end before the world is healed, or the power is cut before it is done, and the world
 * stands still from then on.
 */
const ANY = ['hangs', 'power-cut'] as const;

/** `late`: it is done, and fails afterwards. */
const CHANGE = [...DISK_ERRORS, 'late', ...ANY] as const;
const LOOK = [...DISK_ERRORS, ...ANY] as const;

/** Every way in which an operation of a simulated world can go wrong, by port and operation. */
export const FAULT_WAYS = {
  /** The disk of the logs. `short`: half of what is appended is there, and no room for the rest. `torn`: half of it is there, and the power is cut. */
  logs: {
    create: LOOK,
    open: LOOK,
    read: LOOK,
    append: [...CHANGE, 'short', 'torn'],
    sync: CHANGE,
    close: CHANGE,
  },
  /** The files of the workspace. */
  files: {
    kind: LOOK,
    realPath: LOOK,
    read: LOOK,
    mode: LOOK,
    write: CHANGE,
    remove: CHANGE,
    makeDirectory: CHANGE,
    removeDirectory: CHANGE,
  },
  /**
   * A command is not started, for one of three reasons; a stranger kills it in the middle of its output; it does not exit; its output
   * comes again and again; its output ends in the middle of a character; it exits between TERM and KILL; it does not heed a TERM, or
   * not even a KILL; it exits, and something that it started holds its output open.
   */
  processes: {
    spawn: [
      'EAGAIN',
      'ENOENT',
      'EMFILE',
      'is-killed',
      'never-exits',
      'endless-output',
      'cut-character',
      'exits-in-grace',
      'ignores-term',
      'ignores-kill',
      'holds-output',
      'power-cut',
    ],
  },
  /**
   * The model as a session sees it: a question (`sample`), before anything is told, and each thing that is told of an answer (`tell`).
   * `retries`: what was told so far is void, and comes again.
   */
  model: {
    sample: ['unreachable', 'rate-limited', 'fails', 'retries', ...ANY],
    tell: ['is-cut', 'fails', 'retries', ...ANY],
  },
  /** The sockets of `world.wire`: a request, before its headers (`connect`), and each piece of a body (`receive`). */
  sockets: {
    connect: ['ECONNREFUSED', 'ECONNRESET', '429', '500', '503', ...ANY],
    receive: ['ECONNRESET', 'ends', 'garbage', ...ANY],
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

type Ways = typeof FAULT_WAYS;
export type FaultPort = keyof Ways;
/** The ways in which one operation of a port goes wrong. */
type WayOf<P extends FaultPort, O extends keyof Ways[P]> = Ways[P][O] extends readonly (infer W)[] ? W : never;

/** What goes wrong with one port. */
export type FaultOf<P extends FaultPort> = {
  [O in keyof Ways[P]]: Readonly<{ port: P; operation: O; n: number; how: WayOf<P, O> }>;
}[keyof Ways[P]];

/** One thing that goes wrong: with the n-th operation of its sort, counted from 1 over the whole world. Plain data. */
export type WorldFault = { [P in FaultPort]: FaultOf<P> }[FaultPort];

export type DiskError = (typeof DISK_ERRORS)[number];

/** One operation of a port. `n` counts those of its sort from 1, whether they go wrong or not. */
export type Operation = Readonly<{ port: FaultPort; operation: string; n: number }>;

/** Every way in which this operation goes wrong. */
export function faultsOf({ port, operation, n }: Operation): readonly WorldFault[] {
  const ways: Readonly<Record<string, readonly string[]>> = FAULT_WAYS[port];
  return (ways[operation] ?? []).map((how) => ({ port, operation, n, how }) as WorldFault); // As the table of ways has it.
}

/** Where every operation of a world is counted, and learns whether it goes wrong. */
export interface FaultDesk {
  /** Counts an operation. Gives how it goes wrong; null: it does not. */
  begin<P extends FaultPort, O extends keyof Ways[P] & string>(port: P, operation: O): WayOf<P, O> | null;
  /** Resolves when the world is healed, or `signal` aborts. `what` is said of it while it is waited for. */
  hang(what: string, signal?: AbortSignal): Promise<void>;
  /** The power is cut. Never resolves. */
  cut(): Promise<never>;
  readonly isCut: boolean;
  /** From now on nothing goes wrong, and what hangs goes on. */
  heal(): void;
  operations(): readonly Operation[];
  /** What has gone wrong so far, in the order in which it was met. */
  met(): readonly WorldFault[];
  /** What hangs, in words. */
  hanging(): readonly string[];
}

/** Makes the desk of one world. A fault whose operation is never reached does nothing. */
export function createFaults(faults: readonly WorldFault[] = []): FaultDesk {
  const counts = new Map<string, number>();
  const operations: Operation[] = [];
  const met: WorldFault[] = [];
  const hanging = new Map<() => void, string>();
  let isCut = false;
  let isHealed = false;
  return {
    begin<P extends FaultPort, O extends keyof Ways[P] & string>(port: P, operation: O): WayOf<P, O> | null {
      const sort = `${port} ${operation}`;
      const n = (counts.get(sort) ?? 0) + 1;
      counts.set(sort, n);
      operations.push({ port, operation, n });
      const isIt = (fault: WorldFault) => fault.port === port && fault.operation === operation && fault.n === n;
      const fault = isHealed ? undefined : faults.find(isIt);
      if (fault === undefined) return null;
      met.push(fault);
      return fault.how as WayOf<P, O>; // As its port and operation say.
    },
    hang(what, signal) {
      return new Promise((resolve) => {
        const end = () => {
          hanging.delete(end);
          signal?.removeEventListener('abort', end);
          resolve();
        };
        if (isHealed || signal?.aborted) return resolve();
        hanging.set(end, what);
        signal?.addEventListener('abort', end, { once: true });
      });
    },
    cut() {
      isCut = true;
      return new Promise(() => {});
    },
    get isCut() {
      return isCut;
    },
    heal() {
      isHealed = true;
      for (const end of [...hanging.keys()]) end();
    },
    operations: () => [...operations],
    met: () => [...met],
    hanging: () => [...hanging.values()],
  };
}

const WORDS: Readonly<Record<DiskError, string>> = {
  EIO: 'i/o error',
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
  EMFILE: 'too many open files',
  EACCES: 'permission denied',
};

/** The code of what fails after all of it, or a part, was done. */
const CODES = { late: 'EIO', short: 'ENOSPC' } as const satisfies Readonly<Record<string, DiskError>>;

/** The error of a disk that fails so, with its code, as Node makes it. */
export function diskError(how: DiskError | keyof typeof CODES, what: string): Error {
  const code = how === 'late' || how === 'short' ? CODES[how] : how;
  return Object.assign(new Error(`${code}: ${WORDS[code]}, ${what}`), { code });
}
