import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { followStatus } from '../../src/process/container.ts';
import type { KillPorts } from '../../src/process/kill.ts';
import { killContainer } from '../../src/process/kill-container.ts';
import { type ProcessRow, snapshotOf } from '../../src/process/process-table.ts';
import { steppedClock } from './stepped-clock.ts';

const row = (pid: number, parent: number, startTime = pid): ProcessRow => ({
  pid,
  parent,
  group: pid,
  startTime,
  program: 'sleep',
  marker: 'm',
});
const [OUTER, INIT] = [row(100, 1), row(101, 100)];

/** A machine that does not list the children of a process; without a table nothing is known of any. */
function machineOf({ hasTable }: { hasTable: boolean }, ...rows: readonly ProcessRow[]) {
  const clock = steppedClock();
  const machine = new Map(rows.map((one) => [one.pid, one]));
  const sent: [number, string][] = [];
  const end = vi.fn();
  const ports: KillPorts = {
    clock,
    table: {
      look: async () => (hasTable ? snapshotOf([...machine.values()], true) : null),
      startTime: (pid) => machine.get(pid)?.startTime ?? null,
      lives: ({ pid, startTime }) => hasTable && machine.get(pid)?.startTime === startTime,
      below: () => null,
    },
    send(pid, signal) {
      sent.push([pid, String(signal)]);
      return machine.delete(pid);
    },
  };
  const kill = (first: ProcessRow | null) =>
    clock.runUntil(
      killContainer({ outer: OUTER, init: () => first, marker: 'm', ended: Promise.resolve(), end }, 1_000, ports)
        .report,
    );
  return { kill, sent, end };
}

describe('killing a container on a machine that lists no children', () => {
  it('finds every generation below its first process in the table, and nobody else', async () => {
    const others = [row(102, 101), row(103, 102), row(104, 103), row(200, 1)];
    const { kill, sent } = machineOf({ hasTable: true }, OUTER, INIT, ...others);
    expect([await kill(INIT), sent.map(([pid, signal]) => `${pid} ${signal}`)]).toEqual([
      { graceful: true, killed: 3, survivors: 0 },
      ['102', '103', '104'].flatMap((pid) => [`${pid} SIGTERM`, `${pid} SIGCONT`]).concat('101 SIGKILL', '100 SIGKILL'),
    ]);
  });

  it('tells nobody to stop when the number of its first process was given again, or nothing is below', async () => {
    const again = machineOf({ hasTable: true }, OUTER, row(101, 1, 999), row(102, 101));
    const alone = machineOf({ hasTable: true }, OUTER, INIT);
    expect([await again.kill(INIT), again.sent, await alone.kill(INIT), alone.sent]).toEqual([
      { graceful: true, killed: 0, survivors: 0 },
      [[100, 'SIGKILL']],
      { graceful: true, killed: 0, survivors: 0 },
      [
        [101, 'SIGKILL'],
        [100, 'SIGKILL'],
      ],
    ]);
  });

  it.each([
    ['while it is built', null],
    ['when it runs', INIT],
  ])('ends bubblewrap itself where there is no table at all, %s', async (_, first) => {
    const { kill, sent, end } = machineOf({ hasTable: false }, OUTER, INIT);
    expect([await kill(first), sent, end.mock.calls]).toEqual([{ graceful: true, killed: 0, survivors: 0 }, [], [[]]]);
  });
});

describe('what bubblewrap tells', () => {
  it('names no first process when that has ended already, and says whether the command has run', async () => {
    const told = async (startTime: (pid: number) => number | null) => {
      const stream = new PassThrough();
      const status = followStatus(stream, startTime);
      stream.write('{ "child-pid": 7');
      stream.write('7 }\n{ "exit-code": 0 }\n');
      stream.end();
      await status.told;
      return [status.init(), status.hasRun()];
    };
    expect([await told(() => null), await told((pid) => pid + 1)]).toEqual([
      [null, true],
      [{ pid: 77, startTime: 78 }, true],
    ]);
  });
});
