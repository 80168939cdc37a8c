import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { DRAIN_IDLE_MS, DRAIN_MAX_MS, readOutput } from '../../src/process/output-reader.ts';
import { steppedClock } from './stepped-clock.ts';

function readerOf(options: { outputMaxBytes?: number; onOutput?: (text: string) => void } = {}) {
  const clock = steppedClock();
  const streams = [new PassThrough(), new PassThrough()] as const;
  const limits: string[] = [];
  const spec = { keepBytes: 1_000, outputMaxBytes: 1_000, ...options };
  const reader = readOutput(streams, spec, clock, () => limits.push('limit'));
  return { clock, out: streams[0], err: streams[1], reader, limits };
}

describe('reading output', () => {
  it('is done when both streams have ended', async () => {
    const { clock, out, err, reader } = readerOf();
    out.end('one ');
    err.end('two');
    await clock.runUntil(reader.drained());
    expect([clock.now(), clock.pending(), reader.close()]).toEqual([
      0,
      0,
      { text: 'one two', totalBytes: 7, truncated: false },
    ]);
  });

  it('is done when nothing comes any more, though a pipe is held open', async () => {
    const { clock, out, reader } = readerOf();
    out.write('held');
    await clock.advance(5);
    await clock.runUntil(reader.drained());
    expect([clock.now(), clock.pending(), reader.close().text]).toEqual([5 + DRAIN_IDLE_MS, 0, 'held']);
  });

  it('goes on as long as something comes, but not beyond its bound', async () => {
    const { clock, out, reader } = readerOf();
    const write = () => {
      out.write('.');
      clock.setTimeout(write, 50);
    };
    write();
    await clock.runUntil(reader.drained());
    expect(clock.now()).toBe(DRAIN_MAX_MS);
  });

  it('lets go of the pipes', () => {
    const { out, err, reader } = readerOf();
    reader.close();
    expect([out.destroyed, err.destroyed]).toEqual([true, true]);
  });

  it('outlives a pipe that breaks', async () => {
    const { clock, out, err, reader } = readerOf();
    out.destroy(new Error('EIO'));
    err.end('fine');
    await clock.runUntil(reader.drained());
    expect(reader.close().text).toBe('fine');
  });

  it('joins a character that came in two pieces, whatever the other stream wrote between them', async () => {
    const told: string[] = [];
    const { clock, out, err, reader } = readerOf({ onOutput: (text) => told.push(text) });
    out.write(Uint8Array.of(0x61, 0xe2, 0x82));
    await clock.advance(0);
    err.end('|');
    await clock.advance(0);
    out.end(Uint8Array.of(0xac, 0x62));
    await clock.runUntil(reader.drained());
    expect([told, reader.close().text]).toEqual([['a', '|', '€b'], 'a|€b']);
  });

  it('tells of a character that never became whole, at the end', async () => {
    const told: string[] = [];
    const { clock, out, err, reader } = readerOf({ onOutput: (text) => told.push(text) });
    out.end(Uint8Array.of(0x61, 0xe2, 0x82));
    err.end();
    await clock.runUntil(reader.drained());
    expect([reader.close(), told]).toEqual([{ text: 'a\ufffd', totalBytes: 3, truncated: false }, ['a', '\ufffd']]);
  });

  it('says once that there is too much', async () => {
    const { clock, out, err, limits } = readerOf({ outputMaxBytes: 10 });
    out.write('12345');
    err.write('67890');
    await clock.advance(0);
    const before = [...limits];
    out.write('1');
    out.write('2');
    await clock.advance(0);
    expect([before, limits]).toEqual([[], ['limit']]);
  });

  it('tells a listener that throws nothing more, and reads on', async () => {
    const told: string[] = [];
    const { clock, out, err, reader } = readerOf({
      onOutput(text) {
        told.push(text);
        throw new Error('no');
      },
    });
    out.write('one');
    await clock.advance(0);
    out.end('two');
    err.end();
    await clock.runUntil(reader.drained());
    expect([told, reader.close().text]).toEqual([['one'], 'onetwo']);
  });
});
