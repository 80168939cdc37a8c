import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { markerIn, parseStat, procTable } from '../../src/process/process-table.ts';
import { systemClock } from '../../src/runtime/clock.ts';

const TAIL = '0 -1 4194304 101 0 0 0 0 0 0 0 20 0 1 0 127003 3133440 394';

describe('a line of /proc/<pid>/stat', () => {
  it.each([
    ['a plain name', `7 (cat) S 5 6 7 ${TAIL}`, true],
    ['a name with blanks and parentheses', `7 (a) R (1) S 5 6 7 ${TAIL}`, true],
    ['a name with a line feed', `7 (a\nb) T 5 6 7 ${TAIL}`, true],
    ['a zombie', `7 (cat) Z 5 6 7 ${TAIL}`, false],
    ['a thread of the kernel', `7 (kworker/0:1) I 5 6 7 ${TAIL.replace('4194304', '69238880')}`, false],
    ['a dead process', `7 (cat) X 5 6 7 ${TAIL}`, false],
    ['a process whose first thread has ended', `7 (cat) Z 5 6 7 ${TAIL.replace(' 1 0 127003', ' 2 0 127003')}`, true],
  ])('is read with %s', (_, line, alive) => {
    const program = line.slice(3, line.lastIndexOf(')'));
    expect(parseStat(7, line)).toEqual({ pid: 7, parent: 5, group: 6, program, startTime: 127_003, alive });
  });

  it.each([['', '7 (cat', '7 (cat) S 5 6']])('is not read when it is cut: %s', (line) => {
    expect(parseStat(7, line)).toBeNull();
  });
});

describe('the marker in an environment', () => {
  it.each([
    ['first', 'TROUPE_CALL=abc\0PATH=/bin\0', 'abc'],
    ['last, without an end', 'PATH=/bin\0TROUPE_CALL=abc', 'abc'],
    ['in the value of another', 'X=TROUPE_CALL=no\0', null],
    ['behind a look-alike', 'MY_TROUPE_CALL=no\0TROUPE_CALL=abc\0', 'abc'],
    ['absent', 'PATH=/bin\0', null],
  ])('is found %s', (_, environment, marker) => {
    expect(markerIn(Buffer.from(environment))).toBe(marker);
  });
});

describe.skipIf(process.platform !== 'linux')('the processes of this machine', () => {
  it('have this one among them, with its parent', async () => {
    const snapshot = await procTable(systemClock).look(0);
    expect(snapshot?.byPid.get(process.pid)?.parent).toBe(process.ppid);
  });

  it('have their markers, but for those that began before anybody asked', async () => {
    const table = procTable(systemClock);
    const child = spawn('sleep', ['600'], { env: { ...process.env, TROUPE_CALL: 'the-marker' }, stdio: 'ignore' });
    try {
      const startTime = table.startTime(child.pid ?? 0) ?? 0;
      const marked = async (since: number) =>
        (await table.look(since))?.byMarker.get('the-marker')?.map((row) => row.pid);
      expect([await marked(startTime), await marked(startTime + 1)]).toEqual([[child.pid], undefined]);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    expect(table.startTime(child.pid ?? 0)).toBeNull();
  });

  it('do not have a zombie, which is there nevertheless', async () => {
    const script = '$pid = fork; exit 0 unless $pid; $| = 1; print "$pid\\n"; sleep 600';
    const child = spawn('perl', ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [line] = await once(child.stdout, 'data');
      const zombie = Number(String(line));
      const table = procTable(systemClock);
      await expect.poll(async () => (await table.look(Number.MAX_SAFE_INTEGER))?.byPid.has(zombie)).toBe(false);
      expect(table.startTime(zombie)).not.toBeNull();
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  it('are read once for all who ask at the same time, and anew for who asks later', async () => {
    const table = procTable(systemClock);
    const under = table.look(Number.MAX_SAFE_INTEGER);
    const [first, second] = [table.look(Number.MAX_SAFE_INTEGER), table.look(Number.MAX_SAFE_INTEGER)];
    const snapshots = await Promise.all([under, first, second]);
    expect(snapshots[1]).toBe(snapshots[2]);
    expect(await table.look(Number.MAX_SAFE_INTEGER)).not.toBe(snapshots[2]);
  });
});
