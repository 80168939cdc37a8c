import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { killEarly, killThroughStart } from '../../scripts/torture/early-kills.ts';
import { noZombies } from '../../scripts/torture/run-tree.ts';
import { WAYS } from '../../scripts/torture/trees.ts';
import { groundsIn, procOf, specOf } from '../../scripts/torture/ways.ts';
import { systemProc } from '../../src/process/system-proc.ts';
import { trustedProgram } from '../../src/process/trusted-program.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { rounds } from '../rounds.ts';
import { bash } from './commands.ts';

const base = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-early-')));
const grounds = groundsIn(base);
const { container } = await procOf('container').containment();
const bubblewrap = trustedProgram('bwrap', process.env.PATH ?? '', base) ?? '';
/** How long a start takes at most, in ms, and at how many moments of it a kill comes. */
const START_MS = 40;
const TIMES = rounds(40);
const KILLED = { status: 'killed', left: 0, ranOn: false };

afterAll(() => rmSync(base, { recursive: true }));

describe.each(WAYS)('a kill in the way of the %s', (way) => {
  it.skipIf(way !== 'group' && !container)('ends a command at any moment of its start', async () => {
    expect(await killThroughStart(way, base, { times: TIMES, stepMs: START_MS / TIMES })).toEqual([]);
    expect(await noZombies()).toBe(true);
  });
});

describe.skipIf(!container)('a kill', () => {
  it('is not held up by the probe, and nothing runs when that has ended', async () => {
    const proc = procOf('sandbox');
    const running = proc.spawn(specOf(bash('touch probed'), 'sandbox', grounds));
    const report = await running.kill(0);
    const { status } = await running.ended;
    await proc.containment();
    expect([report, status, running.pid, readdirSync(grounds.work)]).toEqual([
      { graceful: true, killed: 0, survivors: 0 },
      'killed',
      null,
      [],
    ]);
  });

  it.each([
    ['has not begun to build anything', (path: string) => `sleep 0.2; exec ${path} "$@"`],
    ['is there, and a child of its parent', (path: string) => `${path} "$@" & wait`],
  ])('ends a container of which bubblewrap %s', async (_, script) => {
    const slow = join(base, 'slow-bwrap');
    writeFileSync(slow, `#!/bin/bash\n${script(bubblewrap)}\n`, { mode: 0o755 });
    const proc = systemProc(systemClock, { bubblewrap: slow });
    if (!(await proc.containment()).container) throw new Error('Expected a slow bubblewrap to be one.');
    for (const afterMs of [0, 5, 10, 20, 50])
      expect(await killEarly(proc, 'container', grounds, afterMs)).toEqual(KILLED);
  });
});

describe('ends that meet', () => {
  const ways = WAYS.filter((way) => way === 'group' || container);

  it.each(ways)('are one end when a kill comes as the command exits: %s', async (way) => {
    const proc = procOf(way);
    await proc.containment();
    for (let afterMs = 0; afterMs < 40; afterMs += 2) {
      const running = proc.spawn(specOf(bash('echo done'), way, grounds));
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      const { survivors } = await running.kill(0);
      const { status, exitCode, output } = await running.ended;
      const asPromised = status === 'killed' || (status === 'exited' && exitCode === 0 && output.text === 'done\n');
      expect([survivors, asPromised]).toEqual([0, true]);
    }
    expect(await noZombies()).toBe(true);
  });

  it.each(ways)('have the reason that came first when a timeout and a kill meet: %s', async (way) => {
    const proc = procOf(way);
    await proc.containment();
    for (let timeoutMs = 1; timeoutMs < 40; timeoutMs += 3) {
      const running = proc.spawn(specOf(bash('sleep 600'), way, grounds, { timeoutMs }));
      await new Promise((resolve) => setTimeout(resolve, 20));
      const { survivors } = await running.kill(0);
      const { status, exitCode } = await running.ended;
      expect([survivors, status === 'killed' || (status === 'timed-out' && exitCode === 124)]).toEqual([0, true]);
    }
  });

  it.each(ways)('are the limit when a command exits with more output than it may have: %s', async (way) => {
    const proc = procOf(way);
    for (let round = 0; round < 5; round += 1) {
      const limits = { outputMaxBytes: 100_000, keepBytes: 100 };
      const end = await proc.spawn(specOf(['head', '-c', '100001', '/dev/zero'], way, grounds, limits)).ended;
      const { status, error, output } = end;
      expect({ status, error, bytes: output.totalBytes, truncated: output.truncated }).toEqual({
        status: 'output-limit',
        error: null,
        bytes: 100_001,
        truncated: true,
      });
    }
  });
});
