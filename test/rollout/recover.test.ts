import { describe, expect, it } from 'vitest';
import { encodeRecord, type LogRecord } from '../../src/rollout/record.ts';
import { newRecovery, type Recovery, recover, UnknownVersion } from '../../src/rollout/recover.ts';

const record = (seq: number, text = `record ${seq}`): LogRecord => ({
  seq,
  epoch: 0,
  time: '2026-11-26T00:00:00.000Z',
  type: 'step.started',
  payload: { type: 'step.started', step: seq, text },
});

/** The bytes of so many records, and where each of them ends. */
function logOf(count: number): { bytes: Buffer; ends: readonly number[] } {
  const lines = Array.from({ length: count }, (_, seq) => Buffer.from(encodeRecord(record(seq))));
  let at = 0;
  const ends = lines.map((line) => {
    at += line.length;
    return at;
  });
  return { bytes: Buffer.concat(lines), ends };
}

async function read(bytes: Uint8Array, pieceBytes = 4_096): Promise<{ seqs: readonly number[]; report: Recovery }> {
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, at) =>
    bytes.subarray(at * pieceBytes, (at + 1) * pieceBytes),
  );
  const report = newRecovery();
  const seqs: number[] = [];
  for await (const { seq } of recover(pieces, report)) seqs.push(seq);
  return { seqs, report };
}

const upTo = (count: number) => Array.from({ length: count }, (_, seq) => seq);

describe('a log', () => {
  it('is read whole, in pieces of any size', async () => {
    const { bytes } = logOf(50);
    for (const pieceBytes of [1, 7, 100, 1_000_000]) {
      const { seqs, report } = await read(bytes, pieceBytes);
      expect([seqs, report]).toEqual([
        upTo(50),
        { records: 50, wholeBytes: bytes.length, lastSeq: 49, damage: [], moreDamage: 0 },
      ]);
    }
  });

  it('opens at each boundary of 2,000 records', async () => {
    const { bytes, ends } = logOf(2_000);
    for (const [at, end] of ends.entries()) {
      if (at % 40 !== 0 && at < 1_990) continue;
      const { seqs, report } = await read(bytes.subarray(0, end), 65_536);
      expect([seqs.length, report.wholeBytes, report.damage]).toEqual([at + 1, end, []]);
    }
  });

  it('opens when it is cut at any byte of three records; what was never finished is not part of the whole', async () => {
    const { bytes, ends } = logOf(3);
    for (let end = 0; end <= bytes.length; end += 1) {
      const whole = ends.filter((one) => one <= end).length;
      const { seqs, report } = await read(bytes.subarray(0, end));
      const isTorn = end > (ends[whole - 1] ?? 0);
      expect([seqs, report.wholeBytes, report.damage.map(({ what }) => what)]).toEqual([
        upTo(whole),
        ends[whole - 1] ?? 0,
        isTorn ? ['torn'] : [],
      ]);
    }
  });

  it('never takes a record with a flipped bit for one that is whole', async () => {
    const { bytes } = logOf(20);
    const original = new Map(upTo(20).map((seq) => [seq, JSON.stringify(record(seq))]));
    let state = 12_345;
    const random = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state % below;
    };
    for (let flips = 0; flips < 10_000; flips += 1) {
      const copy = Buffer.from(bytes);
      const at = random(copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
      const report = newRecovery();
      const found: LogRecord[] = [];
      try {
        for await (const one of recover([copy], report)) found.push(one);
      } catch (error) {
        expect(error).toBeInstanceOf(UnknownVersion); // Only with a right checksum.
      }
      const wrong = found.filter((one) => JSON.stringify(one) !== original.get(one.seq));
      if (wrong.length > 0 || report.damage.length === 0)
        throw new Error(`Expected the flip at byte ${at} to be noticed, got ${JSON.stringify(wrong)}.`);
    }
  });

  it.each([
    ['a line that is no JSON', (lines: string[]) => lines.toSpliced(1, 1, 'rubbish'), ['not-json', 'gap']],
    [
      'a line that is damaged',
      (lines: string[]) => lines.toSpliced(1, 1, (lines[1] ?? '').replace('record 1', 'record 7')),
      ['bad-crc', 'gap'],
    ],
    ['a record twice', (lines: string[]) => lines.toSpliced(2, 0, lines[1] ?? ''), ['duplicate']],
    ['a record that comes too late', (lines: string[]) => lines.toSpliced(3, 0, lines[0] ?? ''), ['out-of-order']],
    ['an empty line', (lines: string[]) => lines.toSpliced(1, 0, ''), ['not-json']],
    ['other JSON', (lines: string[]) => lines.toSpliced(1, 0, '[1,2]'), ['not-a-record']],
    [
      'a line separator of Unicode in a text',
      (lines: string[]) => [
        ...lines.slice(0, -1),
        Buffer.from(encodeRecord(record(5, 'a\u2028b')))
          .toString()
          .trimEnd(),
      ],
      [],
    ],
  ])('costs nothing but itself: %s', async (_, change, damage) => {
    const { bytes } = logOf(6);
    const lines = bytes.toString().trimEnd().split('\n');
    const { seqs, report } = await read(Buffer.from(`${change(lines).join('\n')}\n`));
    expect([seqs.at(0), seqs.at(-1), report.damage.map(({ what }) => what)]).toEqual([0, 5, damage]);
  });

  it('of a newer release is refused', async () => {
    const line = Buffer.from(encodeRecord(record(0))).toString();
    const body = line.replace('"v":1', '"v":2').replace(/,"crc":"\w+"\}\n$/, '}');
    const { crc32 } = await import('node:zlib');
    const newer = `${body.slice(0, -1)},"crc":"${crc32(body).toString(16).padStart(8, '0')}"}\n`;
    await expect(read(Buffer.from(newer))).rejects.toThrow('a newer release may read it');
  });

  it('with very much damage lists the first hundred', async () => {
    const { report } = await read(Buffer.from('x\n'.repeat(250)));
    expect([report.damage.length, report.moreDamage]).toEqual([100, 150]);
  });
});

it('costs no more memory than a line may have, however much there is without a line feed', async () => {
  const piece = Buffer.alloc(1024 * 1024, 'x');
  const good = Buffer.concat([Buffer.from('\n'), encodeRecord(record(0))]);
  function* pieces() {
    for (let count = 0; count < 500; count += 1) yield piece;
    yield good;
    for (let count = 0; count < 500; count += 1) yield piece;
  }
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  function* watched() {
    for (const each of pieces()) {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      yield each;
    }
  }
  const report = newRecovery();
  const seqs: number[] = [];
  for await (const { seq } of recover(watched(), report)) seqs.push(seq);
  expect([seqs, report.damage.map(({ what }) => what), report.wholeBytes]).toEqual([
    [0],
    ['too-long', 'torn'],
    500 * piece.length + good.length,
  ]);
  expect(most).toBeLessThan(250 * 1024 * 1024);
});
