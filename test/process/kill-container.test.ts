import { describe, expect, it } from 'vitest';
import { KILL_BOUND_MS, type KillPorts } from '../../src/process/kill.ts';
import { killContainer } from '../../src/process/kill-container.ts';
import { type Identity, type ProcessRow, snapshotOf } from '../../src/process/process-table.ts';
import { steppedClock } from './stepped-clock.ts';

const MARKER = 'm';
const OUTER = row(100, { startTime: 50, parent: 1, program: 'bwrap', marker: MARKER });
const INIT = row(101, { startTime: 51, parent: 100, program: 'bwrap', marker: MARKER });

/** A process of the simulated machine: `dies` says of which signals. */
type Simulated = ProcessRow & Readonly<{ dies: readonly string[] }>;

function row(pid: number, more: Partial<Simulated> = {}): Simulated {
  return {
    pid,
    parent: 101,
    group: pid,
    startTime: 60,
    program: 'sleep',
    marker: null,
    dies: ['SIGTERM', 'SIGKILL'],
    ...more,
  };
}

/** A machine on which the first process of a container takes all below it along, as a process namespace does, but what hangs. */
function machineOf(told: Identity | null, ...rows: readonly Simulated[]) {
  const clock = steppedClock();
  const machine = new Map(rows.map((one) => [one.pid, one]));
  const sent: [number, string][] = [];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const below = (pid: number): Simulated[] =>
    [...machine.values()].filter(({ parent }) => parent === pid).flatMap((one) => [one, ...below(one.pid)]);
  const end = (pid: number) => {
    if (pid === INIT.pid) for (const one of below(pid)) if (one.dies.includes('SIGKILL')) machine.delete(one.pid);
    machine.delete(pid);
    if (pid === OUTER.pid) resolve();
  };
  const ports: KillPorts = {
    clock,
    table: {
      look: async () => snapshotOf([...machine.values()], true),
      startTime: (pid) => machine.get(pid)?.startTime ?? null,
      lives: ({ pid, startTime }) => machine.get(pid)?.startTime === startTime,
      below: ({ pid, startTime }) => (machine.get(pid)?.startTime === startTime ? below(pid) : []),
    },
    send(pid, signal) {
      sent.push([pid, String(signal)]);
      if (machine.get(pid)?.dies.includes(String(signal))) end(pid);
      return true;
    },
  };
  const kill = (graceMs: number) =>
    killContainer({ outer: OUTER, init: () => told, marker: MARKER, ended }, graceMs, ports);
  return { clock, machine, sent, kill, end };
}

describe('killing a container', () => {
  it('tells each of its processes to stop, and then ends the whole', async () => {
    const { clock, machine, sent, kill, end } = machineOf(INIT, OUTER, INIT, row(102), row(103, { parent: 102 }));
    const killing = kill(5_000);
    clock.setTimeout(() => end(OUTER.pid), 10); // Nothing is left to run, so bubblewrap ends.
    expect([await clock.runUntil(killing.report), [...machine.keys()], sent]).toEqual([
      { graceful: true, killed: 2, survivors: 0 },
      [],
      [
        [102, 'SIGTERM'],
        [102, 'SIGCONT'],
        [103, 'SIGTERM'],
        [103, 'SIGCONT'],
        [101, 'SIGKILL'],
      ],
    ]);
  });

  it('ends the whole after the grace when something does not stop', async () => {
    const { clock, machine, kill } = machineOf(INIT, OUTER, INIT, row(102, { dies: ['SIGKILL'] }));
    expect([await clock.runUntil(kill(300).report), [...machine.keys()], clock.now() >= 300]).toEqual([
      { graceful: false, killed: 1, survivors: 0 },
      [],
      true,
    ]);
  });

  it('says within its bound that something hangs in the kernel', async () => {
    const { clock, kill } = machineOf(INIT, OUTER, INIT, row(102, { dies: [] }), row(103));
    expect([await clock.runUntil(kill(100).report), clock.now()]).toEqual([
      { graceful: false, killed: 1, survivors: 1 },
      100 + KILL_BOUND_MS,
    ]);
  });

  it('ends what is still being built, of which nothing was told yet', async () => {
    const { clock, machine, sent, kill } = machineOf(null, OUTER, INIT, row(300, { parent: 1 }));
    expect([await clock.runUntil(kill(5_000).report), [...machine.keys()], sent]).toEqual([
      { graceful: true, killed: 0, survivors: 0 },
      [300],
      [
        [100, 'SIGKILL'],
        [101, 'SIGKILL'],
      ],
    ]);
  });

  it('ends what is still being built when bubblewrap outside has ended already', async () => {
    const { clock, machine, kill } = machineOf(null, row(101, { ...INIT, parent: 1 }), row(300, { parent: 1 }));
    await clock.runUntil(kill(5_000).report);
    expect([...machine.keys()]).toEqual([300]);
  });

  it('signals nobody who has got the number of one of its processes', async () => {
    const strangers = [row(100, { startTime: 999, parent: 1 }), row(101, { startTime: 999, parent: 1 })];
    const { clock, machine, sent, kill } = machineOf(INIT, ...strangers);
    await clock.runUntil(kill(100).report);
    expect([[...machine.keys()], sent]).toEqual([[100, 101], []]);
  });

  it('leaves no timer behind', async () => {
    const { clock, kill } = machineOf(INIT, OUTER, INIT, row(102));
    const killing = kill(5_000);
    await clock.runUntil(killing.report);
    killing.hurry(10);
    expect(clock.pending()).toBe(0);
  });
});
