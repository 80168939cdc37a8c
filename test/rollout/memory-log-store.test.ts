import { expect, it } from 'vitest';
import { memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import { encodeRecord, type LogRecord } from '../../src/rollout/record.ts';

it('gives back the records that were appended, and which bytes were synced', async () => {
  const store = memoryLogStore();
  const file = await store.create('one', 0);
  await file.append(encodeRecord(record(0)));
  await file.sync();
  await file.append(encodeRecord(record(1)));

  expect(store.read('one')).toEqual([record(0), record(1)]);
  expect(store.bytes('one')).toEqual(Buffer.concat([encodeRecord(record(0)), encodeRecord(record(1))]));
  expect(store.syncedBytes('one')).toEqual(encodeRecord(record(0)));
  expect(store.isOpen('one')).toBe(true);
  await file.close();
  expect(store.isOpen('one')).toBe(false);
  expect(store.operations()).toEqual(['create', 'append', 'sync', 'append', 'close']);
  expect(store.sessions()).toEqual(['one']);
});

it('has nothing of a session without a log', () => {
  const store = memoryLogStore();

  expect([
    store.read('none'),
    store.bytes('none').length,
    store.syncedBytes('none').length,
    store.isOpen('none'),
  ]).toEqual([[], 0, 0, false]);
});

it('refuses a second log of a session', async () => {
  const store = memoryLogStore();
  await store.create('one', 0);

  await expect(store.create('one', 0)).rejects.toThrow('Expected no log of session one, got one.');
});

it('fails the operation that it is told to, which then does nothing, and no other', async () => {
  const store = memoryLogStore({
    fault: (operation, n) => (operation === 'append' && n === 2 ? new Error('EIO') : null),
  });
  const file = await store.create('one', 0);
  await file.append(encodeRecord(record(0)));

  await expect(file.append(encodeRecord(record(1)))).rejects.toThrow('EIO');
  await file.append(encodeRecord(record(2)));

  expect(store.read('one')).toEqual([record(0), record(2)]);
});

it('holds an operation back until it is let go', async () => {
  const gate = Promise.withResolvers<void>();
  const store = memoryLogStore({ fault: (operation) => (operation === 'append' ? gate.promise : null) });
  const file = await store.create('one', 0);
  const appended = file.append(encodeRecord(record(0)));
  const before = store.read('one');
  gate.resolve();
  await appended;

  expect([before, store.read('one')]).toEqual([[], [record(0)]]);
});

it('refuses a second operation during one, and any after close', async () => {
  const file = await memoryLogStore().create('one', 0);
  const first = file.append(encodeRecord(record(0)));

  await expect(file.append(encodeRecord(record(1)))).rejects.toThrow('Expected no append during another append');
  await first;
  await file.close();
  await expect(file.sync()).rejects.toThrow('Expected no sync of a closed log');
});

it('reads no log that is not whole', async () => {
  const store = memoryLogStore();
  const torn = await store.create('torn', 0);
  await torn.append(encodeRecord(record(0)).subarray(0, 20));
  const foreign = await store.create('foreign', 0);
  await foreign.append(Buffer.from('{}\n'));

  expect(() => store.read('torn')).toThrow('Expected whole lines, got 20 bytes after the last.');
  expect(() => store.read('foreign')).toThrow('Line 1: Expected the line to end in its checksum');
});

function record(seq: number): LogRecord {
  return { seq, epoch: 0, time: '2026-03-01T12:00:00.000Z', type: 'step.started', payload: { step: seq } };
}
