import { decodeRecord, type LogRecord } from './record.ts';
import { UNWRITTEN_MAX_BYTES } from './writer.ts';

/** Something that was wrong with a log. `line` counts from 1. */
export type Damage = Readonly<{
  line: number;
  what: 'not-json' | 'bad-crc' | 'not-a-record' | 'too-long' | 'duplicate' | 'gap' | 'out-of-order' | 'torn';
  message: string;
}>;

/** What was found of a log as a whole, once it has been gone through. */
export type Recovery = {
  records: number;
  /** The bytes up to the last line feed; what comes after them was never finished. */
  wholeBytes: number;
  /** The number of the last record; -1 when there is none. */
  lastSeq: number;
  readonly damage: Damage[];
  /** Damage that is not listed any more, because there is so much. */
  moreDamage: number;
};

/** A log that a newer release has written: nothing of it is touched. */
export class UnknownVersion extends Error {}

const NEWLINE = 0x0a;
/** A longer line was not written here: a writer gives up before that. */
const LINE_MAX_BYTES = UNWRITTEN_MAX_BYTES;
/** How much damage is listed. */
const DAMAGE_MAX = 100;

export function newRecovery(): Recovery {
  return { records: 0, wholeBytes: 0, lastSeq: -1, damage: [], moreDamage: 0 };
}

/**
 * Goes through a log, piece by piece, and gives the records that are whole, in their order; what is wrong goes into `report`.
 * A bad line costs itself and nothing else. Never has more than a line and a piece in memory. Throws `UnknownVersion`.
 */
export async function* recover(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  report: Recovery,
): AsyncGenerator<LogRecord> {
  let line = 0;
  for await (const bytes of linesOf(pieces, report)) {
    line += 1;
    if (bytes === TOO_LONG) {
      note(report, {
        line,
        what: 'too-long',
        message: `Expected a line of at most ${LINE_MAX_BYTES} bytes, got more.`,
      });
      continue;
    }
    if (bytes === TORN) {
      note(report, { line, what: 'torn', message: 'The last line was never finished; it is set aside.' });
      return;
    }
    const decoded = decodeRecord(bytes);
    if (!decoded.ok) {
      if (decoded.reason === 'unknown-version') throw new UnknownVersion(decoded.message);
      note(report, { line, what: decoded.reason, message: decoded.message });
      continue;
    }
    const { seq } = decoded.record;
    if (seq <= report.lastSeq) {
      const what = seq === report.lastSeq ? 'duplicate' : 'out-of-order';
      note(report, { line, what, message: `Expected a record after ${report.lastSeq}, got ${seq} again.` });
      continue;
    }
    if (seq > report.lastSeq + 1) {
      const message = `Expected record ${report.lastSeq + 1}, got ${seq}: what lies between is lost.`;
      note(report, { line, what: 'gap', message });
    }
    report.lastSeq = seq;
    report.records += 1;
    yield decoded.record;
  }
}

function note(report: Recovery, damage: Damage): void {
  if (report.damage.length < DAMAGE_MAX) report.damage.push(damage);
  else report.moreDamage += 1;
}

const TORN = Symbol('torn');
const TOO_LONG = Symbol('too long');

/** The lines without their line feeds. `TORN` at the end for one that has none; `TOO_LONG` for one that nobody keeps in memory. */
async function* linesOf(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  report: Recovery,
): AsyncGenerator<Uint8Array | typeof TORN | typeof TOO_LONG> {
  let begun: Uint8Array[] = [];
  let begunBytes = 0;
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end !== -1; end = piece.indexOf(NEWLINE, start)) {
      const last = piece.subarray(start, end);
      const lineBytes = begunBytes + last.length;
      const line = begun.length === 0 ? last : Buffer.concat([...begun, last]);
      begun = [];
      begunBytes = 0;
      start = end + 1;
      report.wholeBytes += lineBytes + 1;
      yield lineBytes > LINE_MAX_BYTES ? TOO_LONG : line;
    }
    begunBytes += piece.length - start;
    if (begunBytes > LINE_MAX_BYTES) begun = [];
    else if (start < piece.length) begun.push(Buffer.from(piece.subarray(start)));
  }
  if (begunBytes > 0) yield TORN;
}
