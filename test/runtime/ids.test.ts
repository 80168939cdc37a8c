import { describe, expect, it } from 'vitest';
import { createIds, type Rng, systemIds, systemRng } from '../../src/runtime/ids.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';

/** Gives these bytes, whatever is asked. */
function rngOf(byte: number): Rng {
  return { next: () => 0, bytes: (length) => new Uint8Array(length).fill(byte) };
}

const START = Date.parse('2026-11-20T12:00:00.000Z');

describe('ids', () => {
  it('are ULIDs: 26 characters of the alphabet of Crockford', () => {
    const ids = createIds(createSteppedClock(START), systemRng);
    for (let count = 0; count < 100; count += 1) expect(ids.next()).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  });

  it('say when they were made', () => {
    // The time of the example in https://github.com/ulid/spec.
    const ids = createIds(createSteppedClock(1_469_918_176_385), rngOf(0));
    expect(ids.next()).toBe('01ARYZ6S410000000000000000');
  });

  it('sort by the time of their making', () => {
    const clock = createSteppedClock(START);
    const ids = createIds(clock, systemRng);
    const made = Array.from({ length: 200 }, (_, count) => {
      clock.advance(count % 3);
      return ids.next();
    });
    expect(made.toSorted()).toEqual(made);
  });

  it('are all different, and still sort, within one millisecond', () => {
    const ids = createIds(createSteppedClock(START), systemRng);
    const made = Array.from({ length: 5_000 }, () => ids.next());
    expect(new Set(made).size).toBe(5_000);
    expect(made.toSorted()).toEqual(made);
  });

  it('grow by one within one millisecond, across digits', () => {
    const ids = createIds(createSteppedClock(0), rngOf(30));
    const made = [ids.next(), ids.next(), ids.next()].map((id) => id.slice(10));
    expect(made).toEqual(['YYYYYYYYYYYYYYYY', 'YYYYYYYYYYYYYYYZ', 'YYYYYYYYYYYYYYZ0']);
  });

  it('go on growing when the clock goes back', () => {
    const times = [START, START - 60_000, START - 60_000, START + 1];
    const clock = { ...createSteppedClock(START), now: () => times.shift() ?? START };
    const ids = createIds(clock, systemRng);
    const made = [ids.next(), ids.next(), ids.next(), ids.next()];
    expect(made.toSorted()).toEqual(made);
    expect(new Set(made).size).toBe(4);
  });

  it('are the same again with the same clock and the same chance', () => {
    const make = () => {
      const ids = createIds(createSteppedClock(START), rngOf(7));
      return [ids.next(), ids.next(), ids.secret()];
    };
    expect(make()).toEqual(make());
  });
});

describe('secrets', () => {
  it('are 128 bits of chance, as hex', () => {
    expect(createIds(createSteppedClock(), rngOf(171)).secret()).toBe('ab'.repeat(16));
  });

  it('are different each time', () => {
    const ids = createIds(createSteppedClock(), systemRng);
    const made = Array.from({ length: 1_000 }, () => ids.secret());
    expect(new Set(made).size).toBe(1_000);
  });
});

describe('chance', () => {
  it('gives numbers from 0 to below 1, and as many bytes as are asked for', () => {
    const numbers = Array.from({ length: 1_000 }, () => systemRng.next());
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    expect([0, 33, 4_096, 10_000].map((length) => systemRng.bytes(length).length)).toEqual([0, 33, 4_096, 10_000]);
  });

  it('hands out no byte twice, and takes none back', () => {
    const first = systemRng.bytes(32);
    const kept = Buffer.from(first).toString('hex');
    const others = Array.from({ length: 500 }, () => Buffer.from(systemRng.bytes(32)).toString('hex'));
    expect(Buffer.from(first).toString('hex')).toBe(kept);
    expect(new Set([kept, ...others]).size).toBe(501);
  });
});

describe("the machine's own ids", () => {
  it('come from one source, so that they sort whoever asks', () => {
    const made = [systemIds().next(), systemIds().next(), systemIds().next()];
    expect(made.toSorted()).toEqual(made);
    expect(systemIds()).toBe(systemIds());
  });
});
