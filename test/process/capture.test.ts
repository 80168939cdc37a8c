import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCapture } from '../../src/process/capture.ts';

function captured(keepBytes: number, ...pieces: readonly (string | Uint8Array)[]) {
  const capture = createCapture(keepBytes);
  for (const piece of pieces) capture.write(Buffer.from(piece));
  return capture.read();
}

describe('a capture', () => {
  it('gives back what fits, whole', () => {
    expect(captured(10, 'hel', 'lo ', 'you!')).toEqual({ text: 'hello you!', totalBytes: 10, truncated: false });
  });

  it('is empty when nothing was written', () => {
    expect(captured(10)).toEqual({ text: '', totalBytes: 0, truncated: false });
  });

  it('keeps the head and the tail of what does not fit, and says how much is missing', () => {
    expect(captured(10, 'abcdefghijklmnopqrstuvwxyz')).toEqual({
      text: 'abcde\n[... 16 bytes left out ...]\nvwxyz',
      totalBytes: 26,
      truncated: true,
    });
  });

  it('adds no empty line before the marker', () => {
    expect(captured(4, 'a\nbcdefg').text).toBe('a\n[... 4 bytes left out ...]\nfg');
  });

  it('keeps nothing but the count when nothing may be kept', () => {
    expect(captured(0, 'abc')).toEqual({ text: '[... 3 bytes left out ...]\n', totalBytes: 3, truncated: true });
  });

  it('decodes a character that lies across the two halves', () => {
    expect(captured(4, 'a€').text).toBe('a€');
  });

  it('leaves out the characters that the cut went through, and counts them', () => {
    expect(captured(8, '€€€€').text).toBe('€\n[... 6 bytes left out ...]\n€');
  });

  it('replaces what is no UTF-8', () => {
    expect(captured(10, Uint8Array.of(0x41, 0xff, 0xc3, 0x42)).text).toBe('A\ufffd\ufffdB');
  });

  it('does not depend on how the bytes came', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 });
    fc.assert(
      fc.property(text, fc.nat(40), fc.array(fc.integer({ min: 1, max: 20 })), (written, keepBytes, sizes) => {
        const bytes = Buffer.from(written);
        const pieces: Buffer[] = [];
        let at = 0;
        for (const size of sizes) {
          pieces.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(captured(keepBytes, ...pieces, bytes.subarray(at))).toEqual(captured(keepBytes, bytes));
      }),
    );
  });

  it('keeps the beginning and the end of any text, and no more than it may', () => {
    const text = fc.string({ unit: 'binary', maxLength: 80 }).map((string) => string.toWellFormed());
    fc.assert(
      fc.property(text, fc.nat(60), (written, keepBytes) => {
        const { text: shown, totalBytes, truncated } = captured(keepBytes, written);
        const bytes = Buffer.byteLength(written);
        expect({ totalBytes, truncated }).toEqual({ totalBytes: bytes, truncated: bytes > keepBytes });
        if (!truncated) {
          expect(shown).toBe(written);
          return;
        }
        const [, head = '', leftOut, tail = ''] =
          /^([\s\S]*?)\n?\[\.\.\. (\d+) bytes left out \.\.\.\]\n([\s\S]*)$/.exec(shown) ?? [];
        expect(written.startsWith(head) && written.endsWith(tail)).toBe(true);
        expect(Buffer.byteLength(head) + Buffer.byteLength(tail)).toBeLessThanOrEqual(keepBytes);
        expect(Number(leftOut)).toBeGreaterThanOrEqual(bytes - keepBytes);
      }),
    );
  });

  it('keeps 64 MiB within its bounds', () => {
    const capture = createCapture(1_000);
    const piece = Buffer.alloc(65_536, 'x');
    for (let count = 0; count < 1_024; count += 1) capture.write(piece);
    const { text, totalBytes, truncated } = capture.read();
    expect({ kept: Buffer.byteLength(text), totalBytes, truncated }).toEqual({
      kept: 1_000 + '\n[... 67107864 bytes left out ...]\n'.length,
      totalBytes: 67_108_864,
      truncated: true,
    });
  });
});
