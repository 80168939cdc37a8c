import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord, type LogRecord, splitLines } from '../../src/rollout/record.ts';

const RECORD: LogRecord = {
  seq: 7,
  epoch: 1,
  time: '2026-03-01T12:00:00.000Z',
  type: 'item.completed',
  payload: { item: { id: 'i1', type: 'agent_message', text: 'ça va — 👍' } },
};

describe('encodeRecord', () => {
  it('writes one line of JSON that ends in the checksum of the rest', () => {
    const body =
      '{"v":1,"seq":7,"epoch":1,"time":"2026-03-01T12:00:00.000Z","type":"item.completed","payload":{"item":{"id":"i1","type":"agent_message","text":"ça va — 👍"}}}';
    const crc = crc32(Buffer.from(body)).toString(16).padStart(8, '0');

    expect(textOf(encodeRecord(RECORD))).toBe(`${body.slice(0, -1)},"crc":"${crc}"}\n`);
  });

  it('gives a checksum that begins with zeros all its digits', () => {
    const lines = Array.from({ length: 200 }, (_, seq) => textOf(encodeRecord({ ...RECORD, seq })));

    expect(lines.some((line) => /"crc":"0/.test(line))).toBe(true);
    expect(lines.filter((line) => !/,"crc":"[0-9a-f]{8}"\}\n$/.test(line))).toEqual([]);
  });

  it('replaces what is not well-formed text, and leaves alone what only looks like it', () => {
    const payload = {
      lone: 'a\ud800b',
      low: '\udfff',
      pair: '👍',
      '\ud801': 'key',
      text: '\\ud800',
      two: '\\\\\ud800',
      quoted: '"\ud900"',
    };

    expect(decodeRecord(encodeRecord({ ...RECORD, type: 't\ud800', payload }))).toEqual({
      ok: true,
      version: 1,
      record: {
        ...RECORD,
        type: 't\ufffd',
        payload: {
          lone: 'a\ufffdb',
          low: '\ufffd',
          pair: '👍',
          '\ufffd': 'key',
          text: '\\ud800',
          two: '\\\\\ufffd',
          quoted: '"\ufffd"',
        },
      },
    });
  });

  it('keeps line ends of any sort inside strings on the one line', () => {
    const payload = 'a\nb\r\nc\u2028d\u2029e\u0085f\0g';
    const line = encodeRecord({ ...RECORD, payload });

    expect(line.indexOf(0x0a)).toBe(line.length - 1);
    expect(decodeRecord(line)).toEqual({ ok: true, version: 1, record: { ...RECORD, payload } });
  });

  it('writes null for a payload that is undefined', () => {
    expect(decodeRecord(encodeRecord({ ...RECORD, payload: undefined }))).toEqual({
      ok: true,
      version: 1,
      record: { ...RECORD, payload: null },
    });
  });

  it('refuses a payload that is not JSON, and says which', () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    const refusals = [10n, loop, () => 1, Symbol('s'), { toJSON: () => undefined }].map((payload) => {
      try {
        return textOf(encodeRecord({ ...RECORD, payload }));
      } catch (error) {
        return String(error).split('\n')[0];
      }
    });

    expect(refusals).toEqual([
      'TroupeError: Expected the payload of record 7 (item.completed) to be JSON, got Do not know how to serialize a BigInt.',
      'TroupeError: Expected the payload of record 7 (item.completed) to be JSON, got Converting circular structure to JSON',
      'TroupeError: Expected the payload of record 7 (item.completed) to be JSON, got a value of type function.',
      'TroupeError: Expected the payload of record 7 (item.completed) to be JSON, got a value of type symbol.',
      'TroupeError: Expected the payload of record 7 (item.completed) to be JSON, got a value of type object.',
    ]);
  });
});

describe('decodeRecord', () => {
  it('gives back what was encoded, whatever the payload', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual({ ok: true, version: 1, record: wellFormed(record) });
      }),
    );
  });

  it('takes a line with its newline or without', () => {
    const line = encodeRecord(RECORD);

    expect(decodeRecord(line.subarray(0, -1))).toEqual(decodeRecord(line));
  });

  it('notices every flip of a single bit', () => {
    const flipped = fc.record({ record: anyRecord, at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }) });
    fc.assert(
      fc.property(flipped, ({ record, at }) => {
        const line = Uint8Array.from(encodeRecord(record));
        const bit = Math.floor(at * line.length * 8);
        line[bit >> 3] = (line[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(decodeRecord(line).ok).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  it('notices each of all flips of a single bit in one line, those in the checksum and the newline included', () => {
    const line = encodeRecord(RECORD);
    const unnoticed = Array.from({ length: line.length * 8 }, (_, bit) => bit).filter((bit) => {
      const flipped = Uint8Array.from(line);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return decodeRecord(flipped).ok;
    });

    expect(unnoticed).toEqual([]);
  });

  it('keeps members that it does not know, and has them under the checksum', () => {
    const body = '{"v":1,"seq":0,"epoch":0,"time":"t","prev":"ab","type":"x","payload":null,"later":{"a":[1]}}';

    expect(decodeRecord(sealed(body))).toEqual({
      ok: true,
      version: 1,
      record: { seq: 0, epoch: 0, time: 't', type: 'x', payload: null, prev: 'ab', later: { a: [1] } },
    });
    expect(decodeRecord(Buffer.from(textOf(sealed(body)).replace('[1]', '[2]')))).toMatchObject({
      ok: false,
      reason: 'bad-crc',
    });
  });

  it('verifies the bytes as they are, not as it would write them', () => {
    const body = '{ "v": 1, "payload": 1e2, "type": "\\u0061", "time": "t", "epoch": 0, "seq": 3 }';

    expect(decodeRecord(sealed(body))).toEqual({
      ok: true,
      version: 1,
      record: { seq: 3, epoch: 0, time: 't', type: 'a', payload: 100 },
    });
  });

  it('refuses an unknown version, and says so', () => {
    expect(decodeRecord(sealed('{"v":2,"number":1}'))).toEqual({
      ok: false,
      reason: 'unknown-version',
      message: 'Expected a record of version 1, got version 2; a newer release may read it.',
    });
  });

  it.each([
    ['nothing', ''],
    ['NULs, as a power cut leaves them', '\0\0\0\0'],
    ['a torn line', textOf(encodeRecord(RECORD)).slice(0, 60)],
    ['a byte order mark', `\ufeff${textOf(encodeRecord(RECORD))}`],
    ['two records glued together', textOf(encodeRecord(RECORD)).trimEnd().repeat(2)],
  ])('refuses %s as not JSON', (_, text) => {
    expect(decodeRecord(Buffer.from(text))).toMatchObject({ ok: false, reason: 'not-json' });
  });

  it('refuses bytes that are not UTF-8, even with the right checksum', () => {
    const body = Buffer.from('{"v":1,"seq":0,"epoch":0,"time":"t","type":"x","payload":"\x80"}', 'latin1');

    expect(decodeRecord(sealed(body))).toMatchObject({ ok: false, reason: 'not-json' });
  });

  it.each([
    ['other JSON', '[1,2]'],
    ['null', 'null'],
    ['an object without a checksum', '{"v":1,"seq":0,"epoch":0,"time":"t","type":"x","payload":null}'],
    ['a checksum in the wrong place', '{"crc":"00000000","v":1}'],
    ['a line of another program', '{"timestamp":"t","type":"session_meta","payload":{"crc":"00000000"}}'],
    ['a carriage return at the end', textOf(encodeRecord(RECORD)).replace('\n', '\r\n')],
    ['no version', textOf(sealed('{"seq":0,"epoch":0,"time":"t","type":"x","payload":null}'))],
    ['no payload', textOf(sealed('{"v":1,"seq":0,"epoch":0,"time":"t","type":"x"}'))],
    ['a number that is not one', textOf(sealed('{"v":1,"seq":0.5,"epoch":0,"time":"t","type":"x","payload":null}'))],
    ['a number below zero', textOf(sealed('{"v":1,"seq":0,"epoch":-1,"time":"t","type":"x","payload":null}'))],
    ['a time that is not text', textOf(sealed('{"v":1,"seq":0,"epoch":0,"time":5,"type":"x","payload":null}'))],
    ['a type that is not text', textOf(sealed('{"v":1,"seq":0,"epoch":0,"time":"t","type":null,"payload":null}'))],
  ])('refuses %s as not a record', (_, text) => {
    expect(decodeRecord(Buffer.from(text))).toMatchObject({ ok: false, reason: 'not-a-record' });
  });

  it('names both checksums when they differ, and nothing of the content', () => {
    const line = textOf(sealed('{"v":1,"secret":"hunter2"}')).replace(/"crc":"........"/, '"crc":"00000000"');

    expect(decodeRecord(Buffer.from(line))).toEqual({
      ok: false,
      reason: 'bad-crc',
      message: 'Expected the line to have the checksum 00000000, got 34410e95.',
    });
  });
});

describe('splitLines', () => {
  it('cuts at newlines only and keeps what follows the last one apart', () => {
    const { lines, tail } = splitLines(Buffer.from('a\u2028b\r\n\nc\0\u0085\nta'));

    expect({ lines: lines.map(textOf), tail: textOf(tail) }).toEqual({
      lines: ['a\u2028b\r', '', 'c\0\u0085'],
      tail: 'ta',
    });
  });

  it('has no lines and no tail in nothing', () => {
    expect(splitLines(new Uint8Array(0))).toEqual({ lines: [], tail: new Uint8Array(0) });
  });

  it('reads any prefix of a log as the records that are whole in it, and a tail', () => {
    const log = fc.array(anyRecord, { maxLength: 8 });
    const cut = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(log, cut, (records, share) => {
        const encoded = records.map(encodeRecord);
        const prefix = Buffer.concat(encoded).subarray(0, Math.floor(Buffer.concat(encoded).length * share));
        const ends = encoded.map((_, index) => Buffer.concat(encoded.slice(0, index + 1)).length);
        const whole = ends.filter((end) => end <= prefix.length).length;

        const { lines, tail } = splitLines(prefix);

        expect(lines.map(decodeRecord)).toEqual(
          records.slice(0, whole).map((record) => ({ ok: true, version: 1, record: wellFormed(record) })),
        );
        expect(textOf(tail)).toBe(textOf(prefix.subarray(ends[whole - 1] ?? 0)));
      }),
    );
  });
});

// Text of any UTF-16 code units, lone surrogates among them; what ends lines elsewhere comes often.
const anyText = fc.string({
  unit: fc.oneof(
    fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    fc.constantFrom('\ud800', '\udfff', '\u2028', '\u2029', '\0', '\n', '\\', '\\ud800', '"', '👍', '","crc":"'),
  ),
  maxLength: 12,
});
const anyJson = fc.anything({
  key: anyText,
  values: [anyText, fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)],
  maxDepth: 3,
});
const anyRecord: fc.Arbitrary<LogRecord> = fc.record({
  seq: fc.maxSafeNat(),
  epoch: fc.nat(),
  time: anyText,
  type: anyText,
  payload: anyJson,
});

/** The record as JSON can carry it, with well-formed text. */
function wellFormed(record: LogRecord): unknown {
  return JSON.parse(JSON.stringify(record), (_, value: unknown) => {
    if (typeof value === 'string') return value.toWellFormed();
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key.toWellFormed(), member]));
  });
}

/** A line with this body and the checksum that belongs to it. */
function sealed(body: string | Uint8Array): Uint8Array {
  const bytes = Buffer.from(body);
  const crc = crc32(bytes).toString(16).padStart(8, '0');
  return Buffer.concat([bytes.subarray(0, -1), Buffer.from(`,"crc":"${crc}"}\n`)]);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
