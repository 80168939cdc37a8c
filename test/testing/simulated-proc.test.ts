import { describe, expect, it } from 'vitest';
import { KILL_BOUND_MS } from '../../src/process/kill.ts';
import type { ProcessSpec } from '../../src/process/port.ts';
import { commandOf } from '../../src/testing/simulated-proc.ts';
import { START_MS } from '../../src/testing/stepped-clock.ts';
import { type SimulatedWorld, world } from '../../src/testing/world.ts';

const specOf = (command: string, more: Partial<ProcessSpec> = {}): ProcessSpec => ({
  argv: ['bash', '-c', command],
  cwd: '/work',
  env: {},
  timeoutMs: 10_000,
  graceMs: 100,
  keepBytes: 1_000,
  outputMaxBytes: 10_000,
  ...more,
});

const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);
const alive = (simulated: SimulatedWorld) => simulated.processes.alive().map(({ command }) => command);

describe('a simulated command', () => {
  it('writes its output piece by piece, exits, and is gone from the table', async () => {
    const simulated = world(1);
    simulated.command('build', {
      output: [
        { text: 'one\n', afterMs: 10 },
        { text: 'two\n', afterMs: 20 },
      ],
      exitAfterMs: 5,
      exitCode: 3,
    });
    const told: [number, string][] = [];
    const running = simulated.proc.spawn(
      specOf('build', { onOutput: (text) => told.push([simulated.clock.now() - START_MS, text]) }),
    );
    expect(simulated.processes.alive()).toEqual([
      { pid: running.pid, command: 'build', cwd: '/work', startedAtMs: START_MS },
    ]);
    expect(await simulated.settled(running.ended)).toEqual({
      status: 'exited',
      exitCode: 3,
      signal: null,
      output: { text: 'one\ntwo\n', totalBytes: 8, truncated: false },
      error: null,
      durationMs: 35,
      killed: null,
    });
    expect(told).toEqual([
      [10, 'one\n'],
      [30, 'two\n'],
    ]);
    expect(simulated.processes.alive()).toEqual([]);
    expect(simulated.trace()).toEqual([
      { at: START_MS, type: 'process.started', pid: running.pid, argv: ['bash', '-c', 'build'], cwd: '/work' },
      { at: START_MS + 35, type: 'process.ended', pid: running.pid, exitCode: 3, signal: null },
    ]);
  });

  it('ends on a TERM', async () => {
    for (const seed of SEEDS) {
      const simulated = world(seed);
      simulated.command('serve', { output: ['up\n'], exitCode: null, processes: 3 });
      const running = simulated.proc.spawn(specOf('serve'));
      expect(await simulated.settled(running.kill(1_000))).toEqual({ graceful: true, killed: 3, survivors: 0 });
      expect(await simulated.settled(running.ended)).toMatchObject({
        status: 'killed',
        exitCode: 143,
        signal: 'SIGTERM',
        killed: { graceful: true, killed: 3, survivors: 0 },
      });
      expect(simulated.waiting()).toEqual([]);
    }
  });

  it('tidies up on a TERM, with an exit code of its own, and goes on writing until then', async () => {
    const simulated = world(1);
    const output = [{ text: 'bye\n', afterMs: 30 }];
    simulated.command('serve', { output, exitCode: null, onTerm: { exitCode: 7, afterMs: 60 } });
    const running = simulated.proc.spawn(specOf('serve'));
    expect(await simulated.settled(running.kill(100))).toEqual({ graceful: true, killed: 1, survivors: 0 });
    expect(await simulated.settled(running.ended)).toMatchObject({
      status: 'killed',
      exitCode: 7,
      signal: null,
      output: { text: 'bye\n' },
      durationMs: 60,
    });
  });

  it('ignores a TERM, and is killed after the grace; a second kill can only shorten that', async () => {
    const simulated = world(2);
    simulated.command('serve', { exitCode: null, onTerm: 'ignored' });
    for (const [graces, lasts] of [
      [[100], 100],
      [[100, 0], 0],
      [[100, 500], 100],
    ] as const) {
      const running = simulated.proc.spawn(specOf('serve'));
      const reports = graces.map((graceMs) => running.kill(graceMs));
      expect(alive(simulated)).toEqual(['serve']);
      const report = { graceful: false, killed: 1, survivors: 0 };
      expect(await simulated.settled(Promise.all(reports))).toEqual(reports.map(() => report));
      expect(await simulated.settled(running.ended)).toMatchObject({
        status: 'killed',
        exitCode: 137,
        signal: 'SIGKILL',
        durationMs: lasts,
        killed: report,
      });
    }
  });

  it('survives a KILL, and is said to', async () => {
    const simulated = world(3);
    simulated.command('stuck', {
      output: ['x', 'y'],
      exitCode: null,
      onTerm: 'ignored',
      onKill: 'ignored',
      processes: 2,
    });
    const running = simulated.proc.spawn(specOf('stuck'));
    const report = { graceful: false, killed: 0, survivors: 2 };
    expect(await simulated.settled(running.kill(100))).toEqual(report);
    expect(await simulated.settled(running.ended)).toMatchObject({
      status: 'killed',
      durationMs: 100 + KILL_BOUND_MS,
      killed: report,
    });
    expect(alive(simulated)).toEqual(['stuck']);
    await simulated.run();
    expect(simulated.waiting()).toEqual([`for its end: process ${running.pid}, stuck`]);
  });

  it('cannot be killed when it has ended', async () => {
    const simulated = world(4);
    simulated.command('true', {});
    const running = simulated.proc.spawn(specOf('true'));
    await simulated.settled(running.ended);
    expect(await running.kill(0)).toEqual({ graceful: true, killed: 0, survivors: 0 });
  });

  it('is stopped when it takes too long, or writes too much', async () => {
    const simulated = world(5);
    simulated.command('serve', { exitCode: null });
    simulated.command('yes', { output: ['yyyy', 'yyyy', 'yyyy'], exitCode: null, onTerm: 'ignored' });
    const slow = simulated.proc.spawn(specOf('serve', { timeoutMs: 50 }));
    expect(await simulated.settled(slow.ended)).toMatchObject({
      status: 'timed-out',
      exitCode: 124,
      signal: 'SIGTERM',
    });
    const loud = simulated.proc.spawn(specOf('yes', { outputMaxBytes: 6, graceMs: 0 }));
    expect(await simulated.settled(loud.ended)).toMatchObject({
      status: 'output-limit',
      exitCode: 137,
      output: { text: 'yyyyyyyy', totalBytes: 8 },
    });
  });

  it('is not started when it refuses to', async () => {
    const simulated = world(6);
    simulated.command('broken', { refusal: 'It is not in a format that this machine executes.' });
    const running = simulated.proc.spawn(specOf('broken'));
    expect(running.pid).toBe(null);
    expect(await running.ended).toMatchObject({
      status: 'not-started',
      exitCode: 126,
      error: 'It is not in a format that this machine executes.',
    });
    expect(await running.kill(0)).toEqual({ graceful: true, killed: 0, survivors: 0 });
    expect([simulated.trace(), alive(simulated)]).toEqual([[], []]);
  });

  it('is not found when nobody has said what it does', async () => {
    const simulated = world(7);
    const end = await simulated.settled(simulated.proc.spawn(specOf('rm -rf /')).ended);
    expect(end).toMatchObject({ status: 'exited', exitCode: 127 });
    expect(end.output.text).toContain('rm -rf /: command not found. Expected a command of this simulation.');
  });

  it('does what the last that fits says, also as a function of how it was started', async () => {
    const simulated = world(8);
    simulated.command(/^git /g, { output: ['any\n'] });
    simulated.command('git status', ({ cwd }) => ({ output: [`clean in ${cwd}\n`] }));
    const texts = ['git status', 'git log'].map(async (command) => {
      const { output } = await simulated.proc.spawn(specOf(command)).ended;
      return output.text;
    });
    expect(await simulated.settled(Promise.all(texts))).toEqual(['clean in /work\n', 'any\n']);
  });

  it('does not notice that a listener throws', async () => {
    const simulated = world(9);
    simulated.command('build', { output: ['one', 'two'] });
    let calls = 0;
    const running = simulated.proc.spawn(
      specOf('build', {
        onOutput() {
          calls += 1;
          throw new Error('broken listener');
        },
      }),
    );
    expect(await simulated.settled(running.ended)).toMatchObject({ status: 'exited', output: { text: 'onetwo' } });
    expect(calls).toBe(1);
  });

  it('is known by the text that a shell is given, or else by its words', () => {
    expect(commandOf(['bash', '--noprofile', '-c', 'ls -l'])).toBe('ls -l');
    expect(commandOf(['git', 'status'])).toBe('git status');
    expect(commandOf(['bash', '-c'])).toBe('bash -c');
  });
});
