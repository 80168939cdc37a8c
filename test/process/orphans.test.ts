import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, knownOf, left } from '../../scripts/torture/census.ts';
import { guardianOf, startOrchestrator } from '../../scripts/torture/kill-ourselves.ts';
import { groundsIn, procOf, specOf } from '../../scripts/torture/ways.ts';
import type { KillPorts } from '../../src/process/kill.ts';
import { sweepOrphans } from '../../src/process/orphans.ts';
import { type ProcessRow, snapshotOf, startTimeOf } from '../../src/process/process-table.ts';
import { steppedClock } from './stepped-clock.ts';

const DEAD = '00000000000000aa';
const LIVING = '00000000000000bb';
const NAMESPACE = process.platform === 'linux' ? readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '') : '';
const BOOT = process.platform === 'linux' ? readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim() : '';

let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'troupe-orphans-'));
});

afterEach(() => rmSync(base, { recursive: true }));

function row(pid: number, marker: string | null, startTime: number): ProcessRow {
  return { pid, parent: 1, group: pid, startTime, program: 'sleep', marker };
}

function machineOf(...rows: readonly ProcessRow[]) {
  const clock = steppedClock();
  const machine = new Map(rows.map((one) => [one.pid, one]));
  const ports: KillPorts = {
    clock,
    table: {
      look: async () => snapshotOf([...machine.values()], true),
      startTime: (pid) => machine.get(pid)?.startTime ?? null,
      lives: ({ pid, startTime }) => machine.get(pid)?.startTime === startTime,
      below: () => null,
    },
    send: (pid) => machine.delete(pid),
  };
  return { ports, left: () => [...machine.keys()], sweep: () => clock.runUntil(sweepOrphans(base, ports)) };
}

/** What processes of ours have noted. */
function note(...names: readonly string[]): void {
  mkdirSync(join(base, 'commands'), { recursive: true });
  for (const name of names) writeFileSync(join(base, 'commands', name), '');
}

const noted = (state = base) => readdirSync(join(state, 'commands')).sort();
const entry = (pid: number, startTime: number, marker: string, place = `${NAMESPACE}.${BOOT}`) =>
  `${pid}.${startTime}.${place}.${marker}`;

describe.skipIf(process.platform !== 'linux')('the sweep', () => {
  it('kills what a dead process of ours has marked and left, and nothing else', async () => {
    note(entry(500, 50, DEAD), entry(600, 50, LIVING));
    const { left, sweep } = machineOf(
      row(501, `${DEAD}1`, 60),
      row(502, `${DEAD}2`, 50),
      row(503, `${DEAD}3`, 49), // Began before the dead one did.
      row(504, null, 60),
      row(600, null, 50),
      row(601, `${LIVING}1`, 60),
      row(process.pid, `${DEAD}4`, 60),
    );
    expect([await sweep(), left(), noted()]).toEqual([2, [503, 504, 600, 601, process.pid], [entry(600, 50, LIVING)]]);
  });

  it('knows that a process is another when its number was given again', async () => {
    note(entry(500, 50, DEAD));
    const { left, sweep } = machineOf(row(500, null, 70), row(501, `${DEAD}1`, 60));
    expect([await sweep(), left(), noted()]).toEqual([1, [500], []]);
  });

  it('judges nobody of another namespace, and forgets what was before the machine started', async () => {
    const elsewhere = entry(500, 50, DEAD, `1.${BOOT}`);
    note(elsewhere, entry(500, 50, DEAD, `${NAMESPACE}.${BOOT.replace(/^./, 'x')}`.replace('.x', '.0')));
    const { left, sweep } = machineOf(row(501, `${DEAD}1`, 60));
    expect([await sweep(), left(), noted()]).toEqual([0, [501], [elsewhere]]);
  });

  it('passes over files that are none of ours, and a state that is not there', async () => {
    const { sweep } = machineOf(row(501, '', 60));
    expect(await sweep()).toBe(0);
    note('notes', `500.50.${NAMESPACE}.${BOOT}.`, `500.50.${NAMESPACE}.${BOOT}.x`);
    expect([await sweep(), noted().length]).toEqual([0, 3]);
  });
});

describe.skipIf(process.platform !== 'linux')('an orchestrator that is killed together with its guardian', () => {
  it('leaves commands without a container running, and the next one ends them', async () => {
    const grounds = groundsIn(base);
    const { child, tags, said, ended } = startOrchestrator('group', base);
    await said('ready');
    const [withMarker = '', cleared = ''] = [tags[0], tags[4]];
    const known = [withMarker, cleared].map(knownOf);
    const guardian = guardianOf(child.pid ?? 0);
    if (guardian === null) throw new Error('Expected the orchestrator to have a guardian.');
    process.kill(guardian, 'SIGKILL');
    process.kill(child.pid ?? 0, 'SIGKILL');
    await ended;
    expect(known.map((one) => left(one).length)).toEqual([1, 2]);
    const next = procOf('group', grounds.state);
    await next.spawn(specOf(['true'], 'group', grounds)).ended;
    // All are ended but those of the command that has cleared its environment.
    expect(await eventually(() => tags.flatMap((tag) => left(knownOf(tag))).length === 2, 5_000)).toBe(true);
    expect(known.map((one) => left(one).length)).toEqual([0, 2]);
    for (const pid of known.flatMap(left)) process.kill(pid, 'SIGKILL');
    const own = `${process.pid}.${startTimeOf(process.pid)}.`;
    expect(await eventually(() => noted(grounds.state).every((name) => name.startsWith(own)), 5_000)).toBe(true);
  });
});
