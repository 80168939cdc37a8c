import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KillPorts } from '../../src/process/kill.ts';
import { systemClock } from '../../src/runtime/clock.ts';

/** What is not there under /proc, as on another system; what stands in the place of a file. */
const proc = vi.hoisted(() => ({ hidden: /^$/, texts: new Map<string, string>() }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const seen = (path: unknown) => {
    if (proc.hidden.test(String(path))) throw new Error(`ENOENT: ${path}`);
  };
  return {
    ...fs,
    readdirSync(...given: Parameters<typeof fs.readdirSync>) {
      seen(given[0]);
      return fs.readdirSync(...given);
    },
    readlinkSync(...given: Parameters<typeof fs.readlinkSync>) {
      seen(given[0]);
      return fs.readlinkSync(...given);
    },
    readFileSync(...given: Parameters<typeof fs.readFileSync>) {
      seen(given[0]);
      return fs.readFileSync(...given);
    },
  };
});

vi.mock('../../src/process/proc-text.ts', async (original) => {
  const { procText } = await original<typeof import('../../src/process/proc-text.ts')>();
  return {
    procText: (path: string) => (proc.hidden.test(path) ? null : (proc.texts.get(path) ?? procText(path))),
  };
});

let base: string;
beforeEach(() => {
  vi.resetModules(); // What a machine has is asked once.
  base = mkdtempSync(join(tmpdir(), 'troupe-without-proc-'));
});
afterEach(() => {
  proc.hidden = /^$/;
  proc.texts.clear();
  rmSync(base, { recursive: true });
});

const tableOf = async () => {
  const { procTable, startTimeOf } = await import('../../src/process/process-table.ts');
  return { table: procTable(systemClock), self: { pid: process.pid, startTime: startTimeOf(process.pid) ?? 0 } };
};

describe('a system without /proc', () => {
  it('has no table of processes', async () => {
    proc.hidden = /^\/proc/;
    expect(await (await tableOf()).table.look(0)).toBeNull();
  });

  it('sweeps nothing, and notes nothing', async () => {
    proc.hidden = /^\/proc/;
    const { noteOwn, sweepOrphans } = await import('../../src/process/orphans.ts');
    const asked = vi.fn();
    const ports = { clock: systemClock, table: { look: asked }, send: asked } as unknown as KillPorts; // Asked for nothing.
    noteOwn(base);
    expect([await sweepOrphans(base, ports), asked.mock.calls]).toEqual([0, []]);
    expect(() => rmSync(join(base, 'commands'))).toThrow('ENOENT');
  });
});

describe.skipIf(process.platform !== 'linux')('a system', () => {
  it('that lists no children has no quick way to those below', async () => {
    proc.hidden = /\/children$/;
    const { table, self } = await tableOf();
    expect(table.below(self)).toBeNull();
  });

  it('that does not tell the number given last is never known to stand still', async () => {
    proc.hidden = /^\/proc\/loadavg$/;
    const { table, self } = await tableOf();
    const snapshot = await table.look(Number.MAX_SAFE_INTEGER);
    expect([snapshot?.settled, snapshot?.byPid.has(self.pid)]).toEqual([false, true]);
  });

  it('has nobody below a process whose number was given again', async () => {
    const { table, self } = await tableOf();
    proc.texts.set(`/proc/${self.pid}/task/${self.pid}/children`, '1 ');
    proc.hidden = /^\/proc\/1\/task/;
    const below = (startTime: number) => table.below({ ...self, startTime })?.some(({ pid }) => pid === 1);
    expect([below(self.startTime), below(self.startTime + 1)]).toEqual([true, false]);
  });

  it('that lists children in a circle, as numbers are given again meanwhile, is gone through once', async () => {
    const { table, self } = await tableOf();
    proc.texts.set(`/proc/${self.pid}/task/${self.pid}/children`, '1 1 ');
    proc.texts.set('/proc/1/task/1/children', `${self.pid} `);
    const below = table.below(self)?.map(({ pid }) => pid);
    expect([below?.filter((pid) => pid === 1), below?.filter((pid) => pid === self.pid)]).toEqual([[1], [self.pid]]);
  });
});

describe.skipIf(process.platform !== 'linux')('what is noted of a process', () => {
  /** Ends as far as what has been noted is concerned. */
  const noted = async () => {
    const { readdirSync } = await import('node:fs');
    return readdirSync(join(base, 'commands')).length;
  };

  it('goes when it ends without commands, and stays when it leaves some', async () => {
    const { noteOwn } = await import('../../src/process/orphans.ts');
    const guardian = await import('../../src/process/guardian.ts');
    const before = process.listeners('exit');
    noteOwn(base);
    const [exit] = process.listeners('exit').filter((one) => !before.includes(one));
    const release = guardian.beGuarded();
    exit?.call(process, 0);
    const withCommands = await noted();
    release();
    noteOwn(base);
    process
      .listeners('exit')
      .filter((one) => !before.includes(one))
      .at(-1)
      ?.call(process, 0);
    for (const one of process.listeners('exit')) if (!before.includes(one)) process.off('exit', one);
    expect([withCommands, await noted()]).toEqual([1, 0]);
  });

  it('costs nobody else anything when the table is gone, or a number was given again, as it is swept', async () => {
    const { sweepOrphans } = await import('../../src/process/orphans.ts');
    const { snapshotOf } = await import('../../src/process/process-table.ts');
    const { readlinkSync, readFileSync } = await import('node:fs');
    const namespace = readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    const left = { pid: 501, parent: 1, group: 501, startTime: 60, program: 'sleep', marker: '00000000000000aa1' };
    const looks = [snapshotOf([], true), snapshotOf([left], true), snapshotOf([], true)];
    const sent = vi.fn(() => true);
    const portsOf = (next: () => (typeof looks)[number] | null): KillPorts => ({
      clock: systemClock,
      table: { look: async () => next(), startTime: () => 999, lives: () => false, below: () => null },
      send: sent,
    });
    const note = () => {
      mkdirSync(join(base, 'commands'), { recursive: true });
      writeFileSync(join(base, 'commands', `500.50.${namespace}.${boot}.00000000000000aa`), '');
    };
    note();
    const again = await sweepOrphans(
      base,
      portsOf(() => looks.shift() ?? snapshotOf([], true)),
    );
    note();
    const tables = [snapshotOf([], true)];
    const gone = await sweepOrphans(
      base,
      portsOf(() => tables.shift() ?? null),
    );
    expect([again, gone, sent.mock.calls]).toEqual([1, 0, []]);
  });
});
