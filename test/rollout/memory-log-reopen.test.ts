import { describe, expect, it } from 'vitest';
import { memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import { decodeRecord, encodeRecord } from '../../src/rollout/record.ts';
import { record, seqsOf } from './open-log.ts';

async function bytesIn(pieces: AsyncIterable<Uint8Array> | null): Promise<Uint8Array | null> {
  if (pieces === null) return null;
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

const whole = Buffer.concat([record(0), record(1)].map((one) => encodeRecord(one)));
const torn = Buffer.concat([whole, Buffer.from('{"v":1')]);

/** A log as a program has left it that was killed while it wrote. */
function left() {
  const store = memoryLogStore();
  store.put('one', torn);
  return store;
}

describe('a log in memory', () => {
  it('is read as it is, also while it is written; one that is not there has no bytes', async () => {
    const store = left();
    expect([await bytesIn(await store.pieces('one')), await store.pieces('none')]).toEqual([torn, null]);
  });

  it('is opened again for its one writer, who sets aside what is not whole and goes on', async () => {
    const store = left();
    const seen: (Uint8Array | null)[] = [];
    const file = await store.reopen('one', async (pieces) => {
      seen.push(await bytesIn(pieces));
      return whole.length;
    });
    await file.append(encodeRecord(record(2)));
    expect({
      seen,
      seqs: seqsOf(store.bytes('one')),
      synced: store.syncedBytes('one'),
      isOpen: store.isOpen('one'),
      location: file.location,
    }).toEqual({ seen: [torn], seqs: [0, 1, 2], synced: whole, isOpen: true, location: 'memory:one' });
  });

  it('is not opened again when there is none, when somebody writes it, and when it cannot be read; then it stays', async () => {
    const store = left();
    await expect(store.reopen('none', async () => 0)).rejects.toThrow('Expected a log of session none, got none.');
    await expect(store.reopen('one', () => Promise.reject(new Error('no log')))).rejects.toThrow('no log');
    expect([store.bytes('one'), store.isOpen('one')]).toEqual([torn, false]);
    await store.reopen('one', async () => whole.length);
    await expect(store.reopen('one', async () => 0)).rejects.toThrow('The session one is open already.');
  });

  it('is let go when its program has ended, and nothing is let go that is not there', async () => {
    const store = memoryLogStore();
    await store.create('one', 0);
    store.letGo('one');
    store.letGo('none');
    expect([store.isOpen('one'), store.sessions()]).toEqual([false, ['one']]);
  });
});

it('reads no line that goes on after its checksum', () => {
  const line = Buffer.from('{"v":1,"seq":1,"crc":"1234567"} ');
  expect(decodeRecord(line)).toEqual({
    ok: false,
    reason: 'not-a-record',
    message: 'Expected the line to end in its checksum, got none there.',
  });
});
