import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { danglingHead, unfinishedTail } from '../../src/process/utf8-boundary.ts';

describe('unfinishedTail', () => {
  it.each([
    ['nothing', [], 0],
    ['ASCII', [0x41], 0],
    ['the first of two', [0x41, 0xc3], 1],
    ['two of two', [0xc3, 0xa9], 0],
    ['two of three', [0x41, 0xe2, 0x82], 2],
    ['three of four', [0xf0, 0x9f, 0x98], 3],
    ['four of four', [0xf0, 0x9f, 0x98, 0x80], 0],
    ['bytes that continue nothing', [0x80, 0x80, 0x80, 0x80], 0],
    ['a byte that begins nothing', [0xff], 0],
  ])('counts %s', (_, bytes, expected) => {
    expect(unfinishedTail(Uint8Array.from(bytes))).toBe(expected);
  });

  it('finds a cut that changes nothing in what any bytes decode to', () => {
    const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0xc3, 0xe2, 0x82, 0xf0, 0x9f, 0x98, 0x41));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 12 }), fc.nat(12), (bytes, cut) => {
        const all = Buffer.from(bytes);
        const end = Math.min(cut, all.length) - unfinishedTail(all.subarray(0, cut));
        expect(all.subarray(0, end).toString() + all.subarray(end).toString()).toBe(all.toString());
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('danglingHead', () => {
  it.each([
    ['nothing', [], 0],
    ['ASCII', [0x41, 0x80], 0],
    ['the end of a character', [0x82, 0xac, 0x41], 2],
    ['no more than a character can have', [0x80, 0x80, 0x80, 0x80, 0x80], 3],
  ])('counts %s', (_, bytes, expected) => {
    expect(danglingHead(Uint8Array.from(bytes))).toBe(expected);
  });
});
