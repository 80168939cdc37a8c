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
  const split = lineSplitter(report);
  let line = 0;
  for await (const piece of pieces) {
    for (const bytes of split.lines(piece)) {
      line += 1;
      const record = recordIn(bytes, line, report);
      if (record !== null) yield record;
    }
  }
  if (split.isTorn())
    note(report, { line: line + 1, what: 'torn', message: 'The last line was never finished; it is set aside.' });
}

/** The record of a line, if it is one, and is the next one or a later one; what is wrong with it is noted. */
function recordIn(bytes: Uint8Array | typeof TOO_LONG, line: number, report: Recovery): LogRecord | null {
  if (bytes === TOO_LONG) {
    note(report, { line, what: 'too-long', message: `Expected a line of at most ${LINE_MAX_BYTES} bytes, got more.` });
    return null;
  }
  const decoded = decodeRecord(bytes);
  if (!decoded.ok) {
    if (decoded.reason === 'unknown-version') throw new UnknownVersion(decoded.message);
    note(report, { line, what: decoded.reason, message: decoded.message });
    return null;
  }
  const { seq } = decoded.record;
  if (seq <= report.lastSeq) {
    const what = seq === report.lastSeq ? 'duplicate' : 'out-of-order';
    note(report, { line, what, message: `Expected a record after ${report.lastSeq}, got ${seq} again.` });
    return null;
  }
  if (seq > report.lastSeq + 1) {
    const message = `Expected record ${report.lastSeq + 1}, got ${seq}: what lies between is lost.`;
    note(report, { line, what: 'gap', message });
  }
  report.lastSeq = seq;
  report.records += 1;
  return decoded.record;
}

function note(report: Recovery, damage: Damage): void {
  if (report.damage.length < DAMAGE_MAX) report.damage.push(damage);
  else report.moreDamage += 1;
}

const TOO_LONG = Symbol('too long');

type LineSplitter = Readonly<{
  /** The lines that end in this piece, without their line feeds; `TOO_LONG` for one that nobody keeps in memory. */
  lines(piece: Uint8Array): Generator<Uint8Array | typeof TOO_LONG>;
  /** Whether the last line has no line feed. */
  isTorn(): boolean;
}>;

function lineSplitter(report: Recovery): LineSplitter {
  let begun: Uint8Array[] = [];
  let begunBytes = 0;
  return {
    *lines(piece) {
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
    },
    isTorn: () => begunBytes > 0,
  };
}
