import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sendSignal } from '../../src/process/kill.ts';
import { createProc, systemProc } from '../../src/process/system-proc.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { bash, exited, lasting, notStarted, testCommands } from './commands.ts';
import { survivors } from './survivors.ts';

const proc = systemProc(systemClock);
const { spec, leftovers } = testCommands('/');
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'troupe-process-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

afterEach(async () => {
  expect(await leftovers()).toEqual([]);
});

describe('a command', () => {
  it('ends with its code and all it wrote', async () => {
    const end = await proc.spawn(spec(bash('echo out; echo err >&2; exit 7'))).ended;
    expect(lasting(end)).toEqual(exited(7, 'out\nerr\n'));
  });

  it('tells its output as it comes', async () => {
    const told: string[] = [];
    const end = await proc.spawn(spec(bash('printf "one €"'), { onOutput: (text) => told.push(text) })).ended;
    expect([told.join(''), end.output.text]).toEqual(['one €', 'one €']);
  });

  it('runs where it is told to', async () => {
    const end = await proc.spawn(spec(['pwd', '-P'], { cwd: '/usr' })).ended;
    expect(lasting(end)).toEqual(exited(0, '/usr\n'));
  });

  it('has no environment but what it was given and the marker of its call, which is another each time', async () => {
    const markers = new Set<string>();
    for (let round = 0; round < 2; round += 1) {
      const { output } = await proc.spawn({ ...spec(['/usr/bin/env']), env: { A: '1', TROUPE_CALL: 'forged' } }).ended;
      const [, marker = ''] = /^TROUPE_CALL=([0-9a-f]{32})$/m.exec(output.text) ?? [];
      markers.add(marker);
      expect(output.text.trimEnd().split('\n').sort()).toEqual(['A=1', `TROUPE_CALL=${marker}`]);
    }
    expect(markers.size).toBe(2);
  });

  it('has no standard input and no terminal', async () => {
    const end = await proc.spawn(spec(bash('cat; tty; : < /dev/tty'))).ended;
    expect(lasting(end)).toEqual(exited(1, 'not a tty\nbash: line 1: /dev/tty: No such device or address\n'));
  });

  it('leads a session and a group of its own', async () => {
    const script = 'print $$ == getpgrp(0) ? "leads\\n" : "follows\\n"; print getppid, "\\n"';
    const end = await proc.spawn(spec(['perl', '-e', script])).ended;
    expect(lasting(end)).toEqual(exited(0, `leads\n${process.pid}\n`));
  });

  it('tells its pid, and its marker is found by it', async () => {
    const { promise: marker, resolve } = Promise.withResolvers<string>();
    const running = proc.spawn(
      spec(['perl', '-e', '$| = 1; print $ENV{TROUPE_CALL}; sleep 600'], { onOutput: (text) => resolve(text) }),
    );
    expect(await survivors(await marker)).toEqual([running.pid]);
    expect(await survivors()).toContain(running.pid);
    await running.kill(0);
    expect(await survivors(await marker)).toEqual([]);
    await running.ended;
  });
});

describe('the limits', () => {
  it('stop a command that takes too long', async () => {
    const end = await proc.spawn(spec(bash('echo begun; exec sleep 600'), { timeoutMs: 500 })).ended;
    expect(lasting(end)).toEqual({
      ...exited(124, 'begun\n'),
      status: 'timed-out',
      signal: 'SIGTERM',
      killed: { graceful: true, killed: 1, survivors: 0 },
    });
  });

  it('keep what a command says when it is told to stop, and its code is that of a timeout', async () => {
    const script = '$| = 1; $SIG{TERM} = sub { print "cleaned\\n"; exit 3 }; print "begun\\n"; sleep 600';
    const end = await proc.spawn(spec(['perl', '-e', script], { timeoutMs: 500 })).ended;
    expect([end.status, end.exitCode, end.signal, end.output.text]).toEqual([
      'timed-out',
      124,
      null,
      'begun\ncleaned\n',
    ]);
  });

  it('stop a command that writes too much', async () => {
    const end = await proc.spawn(spec(['yes'], { outputMaxBytes: 100_000, keepBytes: 4 })).ended;
    expect(lasting(end)).toEqual({
      status: 'output-limit',
      exitCode: 143,
      signal: 'SIGTERM',
      output: {
        text: expect.stringMatching(/^y\n\[\.\.\. \d+ bytes left out \.\.\.\]\n(y\n|\ny)$/),
        totalBytes: expect.any(Number),
        truncated: true,
      },
      error: null,
      killed: { graceful: true, killed: 1, survivors: 0 },
    });
    expect(end.output.totalBytes).toBeGreaterThan(100_000);
  });

  it('do not stop a command that writes exactly as much as it may', async () => {
    const end = await proc.spawn(spec(bash('printf 12345'), { outputMaxBytes: 5 })).ended;
    expect(lasting(end)).toEqual(exited(0, '12345'));
  });

  it('do not stop a command for a listener that throws', async () => {
    const onOutput = () => {
      throw new Error('no');
    };
    const end = await proc.spawn(spec(bash('echo one; echo two'), { onOutput })).ended;
    expect(lasting(end)).toEqual(exited(0, 'one\ntwo\n'));
  });
});

describe('a kill', () => {
  it('is the same kill when it is asked for twice', async () => {
    const running = proc.spawn(spec(['sleep', '600']));
    const reports = [running.kill(10_000), running.kill(5_000)];
    expect(reports[0]).toBe(reports[1]);
    expect(await reports[0]).toEqual({ graceful: true, killed: 1, survivors: 0 });
    expect(lasting(await running.ended)).toEqual({
      ...exited(143, ''),
      status: 'killed',
      signal: 'SIGTERM',
      killed: { graceful: true, killed: 1, survivors: 0 },
    });
  });

  it('does nothing to a command that has ended', async () => {
    const running = proc.spawn(spec(['true']));
    const end = await running.ended;
    expect([lasting(end), await running.kill(100), await running.ended]).toEqual([
      exited(0, ''),
      { graceful: true, killed: 0, survivors: 0 },
      end,
    ]);
  });

  it('does nothing to a command that was not started', async () => {
    const running = proc.spawn(spec(['no-such-program']));
    expect([running.pid, await running.kill(100)]).toEqual([null, { graceful: true, killed: 0, survivors: 0 }]);
    await running.ended;
  });

  it('does not wait for a grace that is not needed', async () => {
    const { kill, ended } = proc.spawn(spec(['sleep', '600']));
    expect(await kill(600_000)).toEqual({ graceful: true, killed: 1, survivors: 0 });
    await ended;
  });

  it('is not put off by a timeout with a longer grace', async () => {
    const { promise: told, resolve } = Promise.withResolvers<void>();
    const onOutput = (text: string) => text.includes('told') && resolve();
    const script = '$| = 1; $SIG{TERM} = sub { print "told\\n" }; sleep 600 while 1';
    const running = proc.spawn(spec(['perl', '-e', script], { timeoutMs: 500, graceMs: 600_000, onOutput }));
    await told;
    expect((await running.kill(0)).graceful).toBe(false);
    expect(lasting(await running.ended)).toMatchObject({ status: 'timed-out', exitCode: 124, signal: 'SIGKILL' });
  });
});

describe('where there is no process table', () => {
  const bare = createProc({
    clock: systemClock,
    table: { look: async () => null, startTime: () => null, lives: () => false, below: () => null },
    send: sendSignal,
  });

  it('a command ends as ever', async () => {
    expect(lasting(await bare.spawn(spec(bash('echo done'))).ended)).toEqual(exited(0, 'done\n'));
  });

  it('a kill reaches the group', async () => {
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    const script = '$| = 1; $SIG{TERM} = "IGNORE"; print "ready\\n"; sleep 600';
    const running = bare.spawn(spec(['perl', '-e', script], { onOutput: () => resolve() }));
    await ready;
    expect(await running.kill(50)).toEqual({ graceful: false, killed: 1, survivors: 0 });
    expect((await running.ended).status).toBe('killed');
  });

  it('what is left of the group is stopped', async () => {
    const end = await bare.spawn(spec(bash('sleep 600 & echo done'), { graceMs: 50 })).ended;
    // Whether a zombie is counted as a survivor is up to who adopts it, and when that one looks after it.
    expect(lasting(end)).toEqual({ ...exited(0, 'done\n'), killed: expect.anything() });
  });
});

describe('what a command leaves running', () => {
  it('is stopped when it exits, and its output ends there', async () => {
    const end = await proc.spawn(spec(bash('sleep 600 & echo done'))).ended;
    expect(lasting(end)).toEqual({ ...exited(0, 'done\n'), killed: { graceful: true, killed: 1, survivors: 0 } });
  });

  it('is stopped though it holds none of its pipes and has left its group', async () => {
    const command = 'setsid sleep 600 > /dev/null 2>&1 & until [ "$(cat /proc/$!/comm)" = sleep ]; do :; done';
    const end = await proc.spawn(spec(bash(command))).ended;
    expect(lasting(end)).toEqual({ ...exited(0, ''), killed: { graceful: true, killed: 1, survivors: 0 } });
  });

  it('may end by itself while its output is read to the end', async () => {
    const command = 'seq 100000 > >(exec tail -n 1)';
    const end = await proc.spawn(spec(bash(command))).ended;
    expect([end.status, end.exitCode, end.output.text]).toEqual(['exited', 0, '100000\n']);
  });
});

describe('a command that cannot be started', () => {
  const directoryIsWrong = (name: string, error: string) =>
    notStarted(127, `Expected ${name}the working directory "${join(directory, 'there')}" ${error}`);

  it.each([
    ['a program that is not there', ['no-such-program'], 127, '"no-such-program" was not found'],
    ['a path that is not there', ['/no/such/program'], 127, '"/no/such/program" was not found'],
    ['a path through a file', ['/etc/passwd/x'], 127, '"/etc/passwd/x" was not found'],
    ['a directory', ['/usr'], 126, '"/usr" may not be executed'],
    ['a file without permission', ['/etc/passwd'], 126, '"/etc/passwd" may not be executed'],
    ['too long an argument', ['echo', 'x'.repeat(131_072)], 126, 'The arguments are too long'],
    ['a NUL in an argument', ['echo', 'a\0b'], 126, 'without NUL characters, got "a\\u0000b"'],
    ['no arguments', [], 127, 'Expected the name of a program'],
    ['an empty name', [''], 127, 'Expected the name of a program'],
  ])('says why: %s', async (_, argv, exitCode, words) => {
    const end = await proc.spawn(spec(argv)).ended;
    expect(end).toEqual({ ...notStarted(exitCode, ''), error: expect.stringContaining(words), durationMs: 0 });
  });

  it('says why: its interpreter is not there', async () => {
    const script = join(directory, 'script');
    await writeFile(script, '#!/no/such/interpreter\n', { mode: 0o755 });
    const end = await proc.spawn(spec([script])).ended;
    expect([end.status, end.exitCode, end.error]).toEqual([
      'not-started',
      127,
      `${JSON.stringify(script)} was not found, or the interpreter that its first line names was not.`,
    ]);
  });

  it('says why: NUL in the environment', async () => {
    const end = await proc.spawn(spec(['true'], { env: { A: 'b\0c' } })).ended;
    expect([end.status, end.exitCode]).toEqual(['not-started', 126]);
  });

  it.each([
    ['is missing', async () => {}, '', 'to exist, but it does not.'],
    ['is a file', (path: string) => writeFile(path, ''), '', 'to be a directory, but it is not one.'],
    [
      'is a circle of links',
      (path: string) => symlink(path, path),
      '',
      'to exist, but its symbolic links lead in a circle.',
    ],
  ])('says that its directory %s', async (_, make, name, error) => {
    const there = join(directory, 'there');
    await make(there);
    const end = await proc.spawn(spec(['true'], { cwd: there })).ended;
    await rm(there, { force: true });
    expect(lasting(end)).toEqual(directoryIsWrong(name, error));
  });

  it('says that its directory was deleted', async () => {
    const there = join(directory, 'there');
    await mkdir(there);
    const before = await proc.spawn(spec(['true'], { cwd: there })).ended;
    await rm(there, { recursive: true });
    const after = await proc.spawn(spec(['true'], { cwd: there })).ended;
    expect([lasting(before), lasting(after)]).toEqual([
      exited(0, ''),
      directoryIsWrong('', 'to exist, but it does not.'),
    ]);
  });

  it('says that its directory has a NUL in its name', async () => {
    const end = await proc.spawn(spec(['true'], { cwd: '/tmp\0' })).ended;
    expect([end.status, end.exitCode]).toEqual(['not-started', 126]);
  });
});
