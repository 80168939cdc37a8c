import { afterEach, describe, expect, it } from 'vitest';
import type { ProcessSpec } from '../../src/process/port.ts';
import { systemProc } from '../../src/process/system-proc.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { bash, testCommands } from './commands.ts';

const proc = systemProc(systemClock);
const { spec, leftovers } = testCommands('/');

/** Becomes a daemon as the book says: forks twice, leads a session in between, and closes what it had open. */
const DAEMON = `
  use POSIX;
  if (fork) { wait; $| = 1; print "ready\\n"; sleep 600; }
  setsid;
  fork and exit;
  POSIX::close($_) for 0 .. 2;
  sleep 600;
`;

/** What a command makes of its processes, and says "ready" then; the first line is run by bash. */
const TREES: readonly [string, readonly string[]][] = [
  ['one process', bash('echo ready; exec sleep 600')],
  ['children in the background and in front', bash('sleep 600 & sleep 600 & echo ready; sleep 600')],
  ['a child in a session of its own', bash('setsid sleep 600 & echo ready; sleep 600')],
  ['a daemon that forked twice', ['perl', '-e', DAEMON]],
  ['processes that ignore TERM', bash("trap '' TERM; sleep 600 & echo ready; sleep 600")],
  [
    'a process that starts another when told to stop',
    bash("trap 'setsid sleep 600 & exit' TERM; sleep 600 & echo ready; wait"),
  ],
  [
    'a process that never stops starting others',
    bash("trap 'sleep 600 &' TERM; echo ready; while :; do sleep 600 & wait; done"),
  ],
  ['a process that is stopped', bash('sleep 600 & echo ready; kill -STOP $$')],
  ['a pipeline', bash('{ echo ready; sleep 600; } | tee /dev/null | cat')],
  ['a tree three levels deep', bash('(sleep 600 & (sleep 600 & (sleep 600 & echo ready; sleep 600)))')],
];

/** The same of commands that end by themselves; what they leave holds their output. */
const REMAINS: readonly [string, string][] = [
  ['a child that holds the output', 'sleep 600 & echo ready'],
  ['a child in a session of its own that holds the output', 'setsid sleep 600 & echo ready'],
  ['a child that ignores TERM and holds the output', "trap '' TERM; sleep 600 & echo ready"],
  ['a child that holds nothing', 'setsid sleep 600 > /dev/null 2>&1 & echo ready'],
];

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
});

describe('a kill leaves nothing of', () => {
  it.each(TREES)('%s', async (_, argv) => {
    const { running, ready } = start(spec(argv));
    await ready;
    const { survivors } = await running.kill(100);
    expect([survivors, await leftovers()]).toEqual([0, []]);
    const { status, output } = await running.ended;
    expect([status, output.text.split('\n')[0]]).toEqual(['killed', 'ready']);
  });

  it.each(TREES)('%s that has only begun', async (_, argv) => {
    const running = proc.spawn(spec(argv));
    expect((await running.kill(0)).survivors).toBe(0);
    expect((await running.ended).status).toBe('killed');
  });
});

describe('a timeout leaves nothing of', () => {
  it.each(TREES)('%s', async (_, argv) => {
    const { status, exitCode, killed } = await proc.spawn(spec(argv, { timeoutMs: 150, graceMs: 100 })).ended;
    expect([status, exitCode, killed?.survivors]).toEqual(['timed-out', 124, 0]);
  });
});

describe('an exit leaves nothing of', () => {
  it.each(REMAINS)('%s', async (_, command) => {
    const end = await proc.spawn(spec(bash(command), { graceMs: 100 })).ended;
    expect([end.status, end.exitCode, end.output.text, end.killed?.survivors]).toEqual(['exited', 0, 'ready\n', 0]);
  });

  it.each(REMAINS)('%s, when it is killed while its output is waited for', async (_, command) => {
    const { running, ready } = start(spec(bash(command)));
    await ready;
    expect((await running.kill(100)).survivors).toBe(0);
    expect((await running.ended).output.text).toBe('ready\n');
  });
});

it('kills many trees at once', async () => {
  const started = Array.from({ length: 20 }, () =>
    start(spec(bash('setsid sleep 600 & sleep 600 & echo ready; sleep 600'))),
  );
  await Promise.all(started.map(({ ready }) => ready));
  const reports = await Promise.all(started.map(({ running }) => running.kill(100)));
  expect(reports.map(({ survivors }) => survivors)).toEqual(started.map(() => 0));
  await Promise.all(started.map(({ running }) => running.ended));
});

function start(command: ProcessSpec) {
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const onOutput = (text: string) => {
    if (text.includes('ready')) resolve();
  };
  return { running: proc.spawn({ ...command, onOutput }), ready };
}
