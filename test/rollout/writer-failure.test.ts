import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogFault, LogOperation } from '../../src/rollout/memory-log-store.ts';
import type { LogMode, LogWriter } from '../../src/rollout/writer.ts';
import { open, record, seqsOf, turns, until } from './open-log.ts';

describe('a log that fails', () => {
  const cases: { operation: LogOperation; n: number; mode: LogMode; message: string; after: LogOperation[] }[] = [
    {
      operation: 'create',
      n: 1,
      mode: 'durable',
      message: 'The log of session s1 is no longer written: EIO. Records from 0 on may be missing.',
      after: ['create'],
    },
    {
      operation: 'append',
      n: 1,
      mode: 'durable',
      message: 'The log of session s1 (memory:s1) is no longer written: EIO. Records from 0 on may be missing.',
      after: ['create', 'append', 'close'],
    },
    {
      operation: 'sync',
      n: 1,
      mode: 'durable',
      message: 'The log of session s1 (memory:s1) is no longer written: EIO. Records from 0 on may be missing.',
      after: ['create', 'append', 'sync', 'close'],
    },
    {
      operation: 'sync',
      n: 2,
      mode: 'durable',
      message: 'The log of session s1 (memory:s1) is no longer written: EIO. Records from 2 on may be missing.',
      after: ['create', 'append', 'sync', 'append', 'sync', 'close'],
    },
    {
      operation: 'append',
      n: 2,
      mode: 'fast',
      message: 'The log of session s1 (memory:s1) is no longer written: EIO. Records from 2 on may be missing.',
      after: ['create', 'append', 'append', 'close'],
    },
  ];

  it.each(cases)(
    'says so once and writes nothing more ($mode, $operation $n)',
    async ({ operation, n, mode, message, after }) => {
      const fails: LogFault = (each, count) => (each === operation && count === n ? new Error('EIO') : null);
      const { store, writer, failures } = open({ mode, fault: fails });
      writer.append(record(0));
      writer.append(record(1), { sync: true });
      const first = await writer.safe(1);
      writer.append(record(2), { sync: true });
      const waited = await Promise.all([writer.safe(2), writer.safe(1)]);
      writer.append(record(3), { sync: true });
      const later = await writer.safe(3);
      await turns();
      const stillOpen = store.isOpen('s1');
      await writer.close();
      await turns();

      expect({ first, waited: waited[0], later }).toEqual({ first: n === 2, waited: false, later: false });
      expect([failures, writer.failure]).toEqual([[message], message]);
      expect(store.operations()).toEqual(after);
      expect(stillOpen).toBe(false);
    },
  );

  it('says so, too, when only the closing fails', async () => {
    const { writer, failures } = open({ fault: (operation) => (operation === 'close' ? new Error('EIO') : null) });
    writer.append(record(0));
    await writer.close();

    expect(failures).toEqual([
      'The log of session s1 (memory:s1) is no longer written: EIO. Records from 1 on may be missing.',
    ]);
    // It was synced before.
    expect(await writer.safe(0)).toBe(true);
  });

  it('answers all who wait when the sync they share fails, and does not try again', async () => {
    const { store, writer } = open({ fault: (operation) => (operation === 'sync' ? new Error('EIO') : null) });
    for (let seq = 0; seq < 8; seq += 1) writer.append(record(seq), { sync: seq % 2 === 0 });
    const answers = await Promise.all([0, 3, 7].map((seq) => writer.safe(seq)));
    await writer.close();

    expect(answers).toEqual([false, false, false]);
    expect(store.operations()).toEqual(['create', 'append', 'sync', 'close']);
  });

  it('lets the one who is told append what tells of it', async () => {
    let writer: LogWriter | null = null;
    const opened = open({
      fault: (operation) => (operation === 'append' ? new Error('EIO') : null),
      onFailure: () => writer?.append(record(1)),
    });
    writer = opened.writer;
    writer.append(record(0));

    expect(await writer.safe(0)).toBe(false);
    writer.append(record(2));
    await writer.close();
    expect(opened.store.read('s1')).toEqual([]);
  });

  it.each(['goes on after all', 'fails after all'])(
    'gives up on a disk that hangs while 64 MiB wait, and closes without it (it %s)',
    async (end) => {
      const gate = Promise.withResolvers<void>();
      const { store, writer, failures } = open({
        fault: (operation) => (operation === 'append' ? gate.promise : null),
      });
      const megabyte = 'x'.repeat(1024 * 1024);
      let seq = 0;
      for (; seq < 4; seq += 1) writer.append(record(seq, megabyte), { sync: true });
      const waiting = writer.safe(0);
      await until(store, 'append', 1);
      for (; writer.failure === null && seq < 100; seq += 1) writer.append(record(seq, megabyte), { sync: true });
      await writer.close();
      const told = [
        'The log of session s1 (memory:s1) is no longer written: the disk does not keep up, more than 67108864 bytes wait to be written. Records from 0 on may be missing.',
      ];
      expect([failures, seq, await waiting]).toEqual([told, 64, false]);

      if (end === 'fails after all') gate.reject(new Error('EIO'));
      else gate.resolve();
      await until(store, 'close', 1);
      expect([failures, store.operations()]).toEqual([told, ['create', 'append', 'close']]);
    },
  );

  it('does not sync any more when the last write before it came too late', async () => {
    const gate = Promise.withResolvers<void>();
    const { store, writer } = open({ fault: (operation) => (operation === 'append' ? gate.promise : null) });
    writer.append(record(0), { sync: true });
    await until(store, 'append', 1);
    const megabyte = 'x'.repeat(1024 * 1024);
    for (let seq = 1; writer.failure === null; seq += 1) writer.append(record(seq, megabyte));
    gate.resolve();
    await until(store, 'close', 1);

    expect(store.operations()).toEqual(['create', 'append', 'close']);
  });

  it('counts what is being written as waiting, and what is written no more', async () => {
    const { writer } = open();
    const megabyte = 'x'.repeat(1024 * 1024);
    for (let seq = 0; seq < 130; seq += 1) {
      writer.append(record(seq, megabyte));
      if (seq % 50 === 49) await writer.safe(seq);
    }
    await writer.close();

    expect(writer.failure).toBe(null);
  });

  it.each(['durable', 'fast'] as const)(
    'keeps whole what it said was safe, whichever operation fails (%s)',
    async (mode) => {
      let passed = false;
      for (let n = 1; !passed; n += 1) {
        let count = 0;
        const fault: LogFault = () => {
          count += 1;
          return count === n ? new Error('ENOSPC') : null;
        };
        const { store, writer, failures } = open({ mode, fault });
        let safe = -1;
        for (let seq = 0; seq < 12; seq += 1) {
          writer.append(record(seq), { sync: seq % 3 === 0 });
          if (seq % 4 === 1 && (await writer.safe(seq))) safe = seq;
        }
        await writer.close();
        const kept = mode === 'durable' ? store.syncedBytes('s1') : store.bytes('s1');
        passed = failures.length === 0;

        expect(failures.length).toBe(count >= n ? 1 : 0);
        expect(seqsOf(kept).slice(0, safe + 1)).toEqual(Array.from({ length: safe + 1 }, (_, seq) => seq));
        expect(seqsOf(store.bytes('s1'))).toEqual(Array.from(seqsOf(store.bytes('s1')).keys()));
      }
    },
  );
});

it('keeps its word under every order of operations of the disk, and any fault', async () => {
  const step = fc.record({ append: fc.nat(3), sync: fc.boolean(), ask: fc.boolean(), rest: fc.nat(4) });
  const steps = fc.array(step, { minLength: 1, maxLength: 12 });
  const mode = fc.constantFrom<LogMode>('durable', 'fast');
  const run = fc.asyncProperty(fc.scheduler(), steps, mode, fc.nat(30), async (scheduler, plan, mode, failing) => {
    let count = 0;
    const fault: LogFault = (operation) => {
      count += 1;
      return count === failing ? new Error('EIO') : scheduler.schedule(Promise.resolve(), operation);
    };
    const { store, writer, failures } = open({ mode, fault });
    const broken: number[] = [];
    const asked: Promise<unknown>[] = [];
    let seq = 0;
    for (const { append, sync, ask, rest } of plan) {
      for (let each = 0; each < append; each += 1, seq += 1) writer.append(record(seq), { sync });
      if (ask && seq > 0) asked.push(checkSafe(seq - 1));
      for (let each = 0; each < rest; each += 1) await (scheduler.count() > 0 ? scheduler.waitOne() : null);
    }
    await scheduler.waitFor(Promise.all([...asked, writer.close()]));

    const whole = seqsOf(store.bytes('s1'));
    expect({ broken, whole, failures: failures.length }).toEqual({
      broken: [],
      whole: Array.from({ length: failures.length === 0 ? seq : whole.length }, (_, each) => each),
      failures: failing > 0 && count >= failing ? 1 : 0,
    });

    async function checkSafe(asked: number): Promise<void> {
      if (!(await writer.safe(asked))) return;
      const kept = mode === 'durable' ? store.syncedBytes('s1') : store.bytes('s1');
      if (seqsOf(kept).length <= asked) broken.push(asked);
    }
  });
  await fc.assert(run, { numRuns: 400 });
});
