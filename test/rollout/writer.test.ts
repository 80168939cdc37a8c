import { describe, expect, it, vi } from 'vitest';
import type { LogFault } from '../../src/rollout/memory-log-store.ts';
import type { LogWriter } from '../../src/rollout/writer.ts';
import { open, record, turns, until, WAIT } from './open-log.ts';

describe('writing', () => {
  it('makes no log before the first record', async () => {
    const { store, writer } = open();
    await turns();
    expect([store.operations(), writer.location]).toEqual([[], null]);

    writer.append(record(0));
    expect(await writer.safe(0)).toBe(true);
    expect([store.sessions(), writer.location]).toEqual([['s1'], 'memory:s1']);
  });

  it('makes no log at all for a session that is closed without a record', async () => {
    const { store, writer } = open();
    await writer.close();

    expect(store.operations()).toEqual([]);
  });

  it('writes the records in order, those of one breath at once', async () => {
    const { store, writer } = open();
    for (let seq = 3; seq < 10; seq += 1) writer.append(record(seq));
    await writer.safe(9);
    writer.append(record(10));
    await writer.close();

    expect(store.read('s1')).toEqual([3, 4, 5, 6, 7, 8, 9, 10].map((seq) => record(seq)));
    expect(store.operations()).toEqual(['create', 'append', 'sync', 'append', 'sync', 'close']);
  });

  it('writes a record as it was when it was appended', async () => {
    const { store, writer } = open();
    const payload = { step: 0 };
    writer.append({ ...record(0), payload });
    payload.step = 99;
    await writer.close();

    expect(store.read('s1')).toEqual([record(0)]);
  });

  it('cuts a long queue into several writes, between records', async () => {
    const { store, writer } = open();
    const long = [0, 1, 2, 3, 4].map((seq) => record(seq, 'x'.repeat(400 * 1024)));
    for (const each of long) writer.append(each);
    await writer.close();

    expect(store.read('s1')).toEqual(long);
    expect(store.operations()).toEqual(['create', 'append', 'append', 'append', 'sync', 'close']);
  });

  it('says where the log is once it is there, also after close', async () => {
    const { writer } = open();
    writer.append(record(0));
    await writer.close();

    expect(writer.location).toBe('memory:s1');
  });
});

describe('syncing', () => {
  it('says that a record is safe when it is synced, not before', async () => {
    const gate = Promise.withResolvers<void>();
    const { store, writer } = open({ fault: (operation) => (operation === 'sync' ? gate.promise : null) });
    const seen: boolean[] = [];
    writer.append(record(0), { sync: true });
    const safe = writer.safe(0).then((answer) => seen.push(answer));
    await until(store, 'sync', 1);
    await turns();
    expect(seen).toEqual([]);

    gate.resolve();
    await safe;
    expect([seen, store.syncedBytes('s1')]).toEqual([[true], store.bytes('s1')]);
  });

  it('syncs without being asked twice when a record wants it', async () => {
    const { store, writer } = open();
    writer.append(record(0), { sync: true });
    await until(store, 'sync', 1);
    await turns();

    expect(await writer.safe(0)).toBe(true);
    expect(store.operations()).toEqual(['create', 'append', 'sync']);
  });

  it('syncs nothing that nobody wants synced, until somebody asks', async () => {
    const { store, writer } = open();
    writer.append(record(0));
    await turns();
    expect(store.operations()).toEqual(['create', 'append']);

    expect(await writer.safe(0)).toBe(true);
    expect(store.operations()).toEqual(['create', 'append', 'sync']);
  });

  it('covers with one sync all who asked while another was under way', async () => {
    const gate = Promise.withResolvers<void>();
    const { store, writer } = open({
      fault: (operation, n) => (operation === 'sync' && n === 1 ? gate.promise : null),
    });
    writer.append(record(0), { sync: true });
    await until(store, 'sync', 1);
    const safe: Promise<boolean>[] = [];
    for (let seq = 1; seq <= 64; seq += 1) {
      writer.append(record(seq), { sync: true });
      safe.push(writer.safe(seq));
    }
    await turns();
    gate.resolve();

    expect(await Promise.all(safe)).toEqual(Array.from({ length: 64 }, () => true));
    expect(store.operations()).toEqual(['create', 'append', 'sync', 'append', 'sync']);
  });

  it('forgets no wish for a sync over another that the sync under way grants', async () => {
    const gate = Promise.withResolvers<void>();
    const { store, writer } = open({
      fault: (operation, n) => (operation === 'sync' && n === 1 ? gate.promise : null),
    });
    writer.append(record(0), { sync: true });
    await until(store, 'sync', 1);
    writer.append(record(1), { sync: true });
    const granted = writer.safe(0);
    gate.resolve();

    expect(await granted).toBe(true);
    await until(store, 'sync', 2);
    expect(store.operations()).toEqual(['create', 'append', 'sync', 'append', 'sync']);
  });

  it('does not sync for a record that an earlier sync covers already', async () => {
    const { store, writer } = open();
    writer.append(record(0));
    writer.append(record(1), { sync: true });
    await writer.safe(1);

    expect(await writer.safe(0)).toBe(true);
    await writer.close();
    expect(store.operations()).toEqual(['create', 'append', 'sync', 'close']);
  });

  it('syncs soon although records keep coming', async () => {
    let writer: LogWriter | null = null;
    const fault: LogFault = (operation, n) => {
      if (operation === 'append' && n < 50) writer?.append(record(n));
      return null;
    };
    const opened = open({ fault });
    writer = opened.writer;
    writer.append(record(0), { sync: true });
    await writer.safe(0);

    expect(opened.store.operations().slice(0, 3)).toEqual(['create', 'append', 'sync']);
    await vi.waitUntil(() => opened.store.read('s1').length === 50, WAIT);
    await writer.close();
  });

  it('never syncs in fast mode, where written is safe', async () => {
    const { store, writer } = open({ mode: 'fast' });
    writer.append(record(0), { sync: true });
    expect(await writer.safe(0)).toBe(true);
    expect(store.read('s1')).toEqual([record(0)]);

    writer.append(record(1));
    await writer.close();
    expect(store.operations()).toEqual(['create', 'append', 'append', 'close']);
  });

  it('says in fast mode that a record is safe when it is written, not before', async () => {
    const gate = Promise.withResolvers<void>();
    const { store, writer } = open({
      mode: 'fast',
      fault: (operation) => (operation === 'append' ? gate.promise : null),
    });
    const seen: boolean[] = [];
    writer.append(record(0));
    const safe = writer.safe(0).then((answer) => seen.push(answer));
    await until(store, 'append', 1);
    await turns();
    expect(seen).toEqual([]);

    gate.resolve();
    await safe;
    expect(seen).toEqual([true]);
  });
});

describe('close', () => {
  it('writes and syncs what is queued, and closes the file', async () => {
    const { store, writer } = open();
    writer.append(record(0));
    writer.append(record(1));
    await writer.close();

    expect(store.syncedBytes('s1')).toEqual(store.bytes('s1'));
    expect(store.read('s1')).toEqual([record(0), record(1)]);
    expect([store.isOpen('s1'), await writer.safe(1)]).toEqual([false, true]);
  });

  it('closes once, however often it is asked', async () => {
    const { store, writer } = open();
    writer.append(record(0));
    await Promise.all([writer.close(), writer.close()]);
    await writer.close();

    expect(store.operations()).toEqual(['create', 'append', 'sync', 'close']);
  });

  it('waits for what is under way', async () => {
    const gate = Promise.withResolvers<void>();
    const { store, writer } = open({ fault: (operation) => (operation === 'append' ? gate.promise : null) });
    writer.append(record(0));
    await until(store, 'append', 1);
    let closed = false;
    const closing = writer.close().then(() => {
      closed = true;
    });
    await turns();
    expect(closed).toBe(false);

    gate.resolve();
    await closing;
    expect(store.operations()).toEqual(['create', 'append', 'sync', 'close']);
  });
});

describe('misuse', () => {
  it('throws on a record after close', async () => {
    const { writer } = open();
    await writer.close();

    expect(() => writer.append(record(0))).toThrow('Expected no record after close, got 0 (step.started).');
  });

  it('throws on a record out of order', () => {
    const { writer } = open();
    expect(() => writer.append(record(-1))).toThrow('Expected record 0, got -1 (step.started).');
    writer.append(record(4));

    expect(() => writer.append(record(4))).toThrow('Expected record 5, got 4 (step.started).');
    expect(() => writer.append(record(6))).toThrow('Expected record 5, got 6 (step.started).');
  });

  it('throws on a payload that is not JSON, whose number stays free', async () => {
    const { store, writer } = open();
    writer.append(record(0));
    expect(() => writer.append({ ...record(1), payload: 1n })).toThrow(
      'Expected the payload of record 1 (step.started)',
    );
    writer.append(record(1));
    await writer.close();

    expect([store.read('s1'), writer.failure]).toEqual([[record(0), record(1)], null]);
  });

  it('rejects the question about a record that was never appended', async () => {
    const { writer } = open();
    await expect(writer.safe(0)).rejects.toThrow('Expected the number of a record in the log (up to null), got 0.');
    writer.append(record(0));

    await expect(writer.safe(1)).rejects.toThrow('Expected the number of a record in the log (up to 0), got 1.');
  });
});
