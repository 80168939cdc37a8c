/** What confines a command: the sandbox, a process container, or only its group and the marker. */
export const WAYS = ['sandbox', 'container', 'group'] as const;
export type Way = (typeof WAYS)[number];

/** What a command makes of its processes, how it is ended, and what has to come of it. */
export type Tree = Readonly<{
  name: string;
  /** The command; it says "ready" when all of its processes are there. Each of them has `tag` among its arguments. */
  argv(tag: string): readonly string[];
  /** `kill`: it is told to stop. `itself`: it ends by itself, and what it leaves is ended. */
  ends: 'kill' | 'itself';
  /** How long it may take when it is told to stop; spent in full only by one that ignores that. */
  graceMs: number;
  exitCode: number;
  /** How many processes escape where there is only the group and the marker; in a container none does. */
  escapes: number;
}>;

/** Enough on a busy machine. */
const GRACE_MS = 10_000;
/** What is waited for in vain. */
const VAIN_GRACE_MS = 100;

/** Becomes a daemon as the book says: forks twice, leads a session in between, and closes what it had open. */
const daemon = (tag: string) =>
  `use POSIX; if (fork) { wait; $| = 1; print "ready\\n"; sleep ${tag}; } ` +
  `setsid; fork and exit; POSIX::close($_) for 0 .. 2; sleep ${tag};`;

export const TREES: readonly Tree[] = [
  killed('plain', (tag) => bash(`echo ready; exec sleep ${tag}`)),
  killed('sleep & sleep', (tag) => bash(`sleep ${tag} & echo ready; sleep ${tag}`)),
  killed('setsid child', (tag) => bash(`setsid sleep ${tag} & echo ready; sleep ${tag}`)),
  killed('double-fork daemon', (tag) => ['perl', '-e', daemon(tag)]),
  { ...killed('env -i daemon', (tag) => ['env', '-i', '/usr/bin/perl', '-e', daemon(tag)]), escapes: 1 },
  {
    ...killed('TERM-ignoring', (tag) => bash(`trap '' TERM; sleep ${tag} & echo ready; sleep ${tag}`)),
    exitCode: 137,
    graceMs: VAIN_GRACE_MS,
  },
  {
    ...killed('respawns on TERM', (tag) =>
      bash(`trap 'setsid sleep ${tag} & exit 3' TERM; sleep ${tag} & echo ready; wait`),
    ),
    exitCode: 3,
  },
  ended('stdout held, parent gone', (tag) => bash(`sleep ${tag} & echo ready`)),
  ended('the same with setsid', (tag) => bash(`setsid sleep ${tag} & echo ready`)),
];

/** The number of ptrace(2) on this processor. */
const PTRACE = process.arch === 'x64' ? 101 : 117;

/** How many children the one with many makes at once. */
const MANY = 2_000;

/** What is harder to end than it looks. */
export const AWKWARD_TREES: readonly Tree[] = [
  killed('stopped', (tag) => bash(`sleep ${tag} & echo ready; kill -STOP $$; wait`)),
  killed('traced by its parent', (tag) =>
    bash(`perl -e '$| = 1; syscall(${PTRACE}, 0, 0, 0, 0); print "ready\n"; sleep ${tag}' & wait`),
  ),
  killed('many children at once', (tag) => [
    'perl',
    '-e',
    `$| = 1; for (1 .. ${MANY}) { fork or do { sleep ${tag}; exit } } print "ready\n"; sleep ${tag}`,
  ]),
];

/** Four processes each, two of them in sessions of their own. */
export const CROWD: Tree = killed('four processes', (tag) =>
  bash(`setsid sleep ${tag} & setsid sleep ${tag} & sleep ${tag} & echo ready; wait`),
);

let tags = 0;

/** A number of seconds, of years, that no other process on this machine sleeps. */
export function newTag(): string {
  tags += 1;
  return `${10_000 + (process.pid % 11_000)}${String(tags).padStart(4, '0')}`;
}

function killed(name: string, argv: Tree['argv']): Tree {
  return { name, argv, ends: 'kill', graceMs: GRACE_MS, exitCode: 143, escapes: 0 };
}

function ended(name: string, argv: Tree['argv']): Tree {
  return { name, argv, ends: 'itself', graceMs: GRACE_MS, exitCode: 0, escapes: 0 };
}

function bash(command: string): readonly string[] {
  return ['bash', '--noprofile', '--norc', '-c', command];
}
