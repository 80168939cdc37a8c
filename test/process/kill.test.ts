import { describe, expect, it } from 'vitest';
import { KILL_BOUND_MS, type KillPorts, killTree } from '../../src/process/kill.ts';
import { type ProcessRow, snapshotOf } from '../../src/process/process-table.ts';
import { steppedClock } from './stepped-clock.ts';

const TREE = { leader: { pid: 100, startTime: 50 }, marker: 'm' };

/** A process of the simulated machine; `on` says what a signal does to it, and without an answer it dies. */
type Simulated = ProcessRow & { on?: (signal: string, machine: Machine) => void };
type Machine = { rows: Map<number, Simulated>; sent: [number, string][] };

function row(pid: number, more: Partial<Simulated> = {}): Simulated {
  return { pid, parent: 1, group: pid, startTime: 60, program: 'sleep', marker: null, ...more };
}

const LEADER = row(100, { startTime: 50, marker: 'm' });
const IGNORES_TERM = (signal: string, { rows }: Machine, pid: number) => {
  if (signal === 'SIGKILL') rows.delete(pid);
};

function machineOf(...rows: readonly Simulated[]) {
  return busyMachineOf(() => true, ...rows);
}

/** One on which other processes are being started while `settled` says no. */
function busyMachineOf(settled: () => boolean, ...rows: readonly Simulated[]) {
  const clock = steppedClock();
  const machine: Machine = { rows: new Map(rows.map((one) => [one.pid, one])), sent: [] };
  let looks = 0;
  const deliver = (one: Simulated, signal: string) => {
    if (one.on !== undefined) one.on(signal, machine);
    else if (signal !== 'SIGCONT') machine.rows.delete(one.pid);
  };
  const ports: KillPorts = {
    clock,
    table: {
      async look() {
        looks += 1;
        return snapshotOf([...machine.rows.values()], settled());
      },
      startTime: (pid) => machine.rows.get(pid)?.startTime ?? null,
      lives: ({ pid, startTime }) => machine.rows.get(pid)?.startTime === startTime,
      below: () => null,
    },
    send(pid, signal) {
      const reached = [...machine.rows.values()].filter((one) => (pid < 0 ? one.group === -pid : one.pid === pid));
      if (signal === 0) return reached.length > 0;
      machine.sent.push([pid, signal]);
      for (const one of reached) deliver(one, signal);
      return reached.length > 0;
    },
  };
  return { clock, ports, machine, looks: () => looks };
}

describe('killing', () => {
  it('tells the group and those outside it to stop, and is done as soon as they are gone', async () => {
    const outside = row(200, { marker: 'm' });
    const { clock, ports, machine } = machineOf(LEADER, row(101, { group: 100 }), outside, row(300));
    const report = await clock.runUntil(killTree(TREE, 5_000, ports).report);
    expect({ report, sent: machine.sent, left: [...machine.rows.keys()], tookMs: clock.now() }).toEqual({
      report: { graceful: true, killed: 3, survivors: 0 },
      sent: [
        [-100, 'SIGTERM'],
        [200, 'SIGTERM'],
      ],
      left: [300],
      tookMs: 2,
    });
  });

  it('does nothing where nothing lives, and looks twice', async () => {
    const { clock, ports, machine, looks } = machineOf(row(300));
    const report = await clock.runUntil(killTree(TREE, 5_000, ports).report);
    expect([report, machine.sent, looks(), clock.now()]).toEqual([
      { graceful: true, killed: 0, survivors: 0 },
      [],
      2,
      0,
    ]);
  });

  it('looks again while processes are being started, and finds one that was between two others', async () => {
    let looksLeft = 3;
    const { clock, ports, machine } = busyMachineOf(() => {
      looksLeft -= 1;
      if (looksLeft === 0) machine.rows.set(201, row(201, { marker: 'm' }));
      return looksLeft < 0;
    });
    const report = await clock.runUntil(killTree(TREE, 5_000, ports).report);
    expect([report, [...machine.rows.keys()]]).toEqual([{ graceful: true, killed: 1, survivors: 0 }, []]);
  });

  it('does not look for ever where something is started all the time', async () => {
    const { clock, ports, looks } = busyMachineOf(() => false);
    const report = await clock.runUntil(killTree(TREE, 5_000, ports).report);
    expect([report, looks()]).toEqual([{ graceful: true, killed: 0, survivors: 0 }, 4]);
  });

  it('leaves no timer behind', async () => {
    const { clock, ports } = machineOf(LEADER);
    const killing = killTree(TREE, 5_000, ports);
    await clock.runUntil(killing.report);
    killing.hurry(10);
    expect(clock.pending()).toBe(0);
  });

  it('lets what is stopped continue, so that it can stop', async () => {
    let told = false;
    const stopped = row(101, {
      group: 100,
      on(signal, { rows }) {
        if (signal === 'SIGTERM') told = true;
        if (signal === 'SIGCONT' && told) rows.delete(101);
      },
    });
    const { clock, ports } = machineOf(stopped);
    expect(await clock.runUntil(killTree(TREE, 100, ports).report)).toEqual({
      graceful: true,
      killed: 1,
      survivors: 0,
    });
  });

  it('kills after the grace what does not stop', async () => {
    const stubborn = row(101, { group: 100, on: (signal, machine) => IGNORES_TERM(signal, machine, 101) });
    const { clock, ports, machine } = machineOf(stubborn);
    const report = await clock.runUntil(killTree(TREE, 100, ports).report);
    expect({ report, sent: machine.sent, tookMs: clock.now() }).toEqual({
      report: { graceful: false, killed: 1, survivors: 0 },
      sent: [
        [-100, 'SIGTERM'],
        [-100, 'SIGCONT'],
        [-100, 'SIGKILL'],
      ],
      tookMs: 102,
    });
  });

  it('kills what is started in answer to being told to stop', async () => {
    const respawns = row(100, {
      startTime: 50,
      on(signal, { rows }) {
        rows.delete(100);
        if (signal !== 'SIGTERM') return;
        rows.set(201, row(201, { marker: 'm', on: (next, machine) => IGNORES_TERM(next, machine, 201) }));
      },
    });
    const { clock, ports, machine } = machineOf(respawns);
    const report = await clock.runUntil(killTree(TREE, 100, ports).report);
    expect([report, [...machine.rows.keys()]]).toEqual([{ graceful: false, killed: 2, survivors: 0 }, []]);
  });

  it('tells each process once to stop', async () => {
    const stubborn = row(101, { group: 100, on: (signal, machine) => IGNORES_TERM(signal, machine, 101) });
    const late = row(102, { group: 100 });
    const { clock, ports, machine } = machineOf(stubborn);
    clock.setTimeout(() => machine.rows.set(102, late), 10);
    await clock.runUntil(killTree(TREE, 100, ports).report);
    expect(machine.sent.filter(([, signal]) => signal === 'SIGTERM')).toEqual([
      [-100, 'SIGTERM'],
      [102, 'SIGTERM'],
    ]);
  });

  it('tells one again that became another program after it was told', async () => {
    const sleep = row(101, { group: 100 });
    const shell = row(101, { group: 100, program: 'bash', on: (_, { rows }) => rows.set(101, sleep) });
    const { clock, ports } = machineOf(shell);
    const report = await clock.runUntil(killTree(TREE, 100, ports).report);
    expect(report).toEqual({ graceful: true, killed: 1, survivors: 0 });
  });

  it('remembers a descendant that has lost its parent, its group and its marker', async () => {
    const daemon = row(202, { parent: 101, on: (signal, machine) => IGNORES_TERM(signal, machine, 202) });
    const parent = row(101, {
      group: 100,
      on(_, { rows }) {
        rows.delete(101);
        rows.set(202, { ...daemon, parent: 1 });
      },
    });
    const { clock, ports, machine } = machineOf(parent, daemon);
    const report = await clock.runUntil(killTree(TREE, 100, ports).report);
    expect([report, [...machine.rows.keys()]]).toEqual([{ graceful: false, killed: 2, survivors: 0 }, []]);
  });

  it('never signals a process that got the number of one that was found', async () => {
    const stranger = row(202, { startTime: 999 });
    const found = row(202, { marker: 'm', on: (_, { rows }) => rows.set(202, stranger) });
    const { clock, ports, machine } = machineOf(found);
    const report = await clock.runUntil(killTree(TREE, 100, ports).report);
    expect([report, machine.sent, machine.rows.get(202)]).toEqual([
      { graceful: true, killed: 1, survivors: 0 },
      [[202, 'SIGTERM']],
      stranger,
    ]);
  });

  it('never signals a group that got the number of the command', async () => {
    const { clock, ports, machine } = machineOf(row(100, { startTime: 999 }), row(101, { group: 100 }));
    await clock.runUntil(killTree(TREE, 100, ports).report);
    expect(machine.sent).toEqual([]);
  });

  it('never signals this process, the first one, or one that is older than the command', async () => {
    const { clock, ports, machine } = machineOf(
      row(process.pid, { marker: 'm' }),
      row(1, { marker: 'm' }),
      row(60, { marker: 'm', startTime: 49 }),
      row(61, { parent: 60, marker: null }),
    );
    await clock.runUntil(killTree(TREE, 100, ports).report);
    expect(machine.sent).toEqual([]);
  });

  it('reports within its bound what nothing can kill', async () => {
    const stuck = row(101, { group: 100, on: () => {} });
    const { clock, ports } = machineOf(LEADER, stuck);
    const report = await clock.runUntil(killTree(TREE, 100, ports).report);
    expect([report, clock.now()]).toEqual([{ graceful: false, killed: 1, survivors: 1 }, 100 + KILL_BOUND_MS]);
  });

  it('gives less grace when it is told to hurry, and never more', async () => {
    const stubborn = row(101, { group: 100, on: (signal, machine) => IGNORES_TERM(signal, machine, 101) });
    const { clock, ports } = machineOf(stubborn);
    const killing = killTree(TREE, 5_000, ports);
    await clock.advance(1_000);
    killing.hurry(100);
    killing.hurry(60_000);
    await clock.runUntil(killing.report);
    expect(clock.now()).toBe(1_102);
  });

  it('knows the group only where there is no process table', async () => {
    const inGroup = row(101, { group: 100, on: (signal, machine) => IGNORES_TERM(signal, machine, 101) });
    const { clock, ports, machine } = machineOf(inGroup, row(200, { marker: 'm' }));
    const table = { look: async () => null, startTime: () => null, lives: () => false, below: () => null };
    const report = await clock.runUntil(killTree(TREE, 100, { ...ports, table }).report);
    expect([report, machine.sent]).toEqual([
      { graceful: false, killed: 1, survivors: 0 },
      [
        [-100, 'SIGTERM'],
        [-100, 'SIGCONT'],
        [-100, 'SIGKILL'],
      ],
    ]);
  });
});
