import { isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { messageOf, TroupeError } from '../protocol/errors.ts';

/** One entry of a session's log. `seq` is gapless per session; `time` is ISO 8601 in UTC; `payload` is JSON. */
export type LogRecord = Readonly<{ seq: number; epoch: number; time: string; type: string; payload: unknown }>;

/** What a line of a log turned out to be. Members of the line that are not known here stay on the record. */
export type DecodedRecord =
  | Readonly<{ ok: true; record: LogRecord; version: number }>
  | Readonly<{ ok: false; reason: 'not-json' | 'bad-crc' | 'not-a-record' | 'unknown-version'; message: string }>;

/** The version of the format that is written here. Whatever the version, a line is JSON and ends in its checksum. */
export const RECORD_VERSION = 1;

const NEWLINE = 0x0a;
const NOT_JSON = Symbol('not JSON');
const BEFORE_CHECKSUM = Buffer.from(',"crc":"');
const DIGITS = 8;
const CHECKSUM_BYTES = BEFORE_CHECKSUM.length + DIGITS + '"}'.length;

/**
 * The line of a record, its newline included. It ends in the CRC-32 of the object without its member `crc`. Text that is
 * not well-formed gets U+FFFD for what is wrong. Throws when the payload is not JSON.
 */
export function encodeRecord(record: LogRecord): Uint8Array {
  const body = wellFormed(stringify(record));
  return Buffer.from(`${body.slice(0, -1)},"crc":"${checksum(crc32(body))}"}\n`);
}

/** The record of a line, with or without its newline. The checksum is that of the bytes as they are. */
export function decodeRecord(line: Uint8Array): DecodedRecord {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length - (line.at(-1) === NEWLINE ? 1 : 0));
  const parsed = parse(bytes);
  if (parsed === NOT_JSON)
    return refused('not-json', `Expected a line of JSON, got ${bytes.length} bytes that are not.`);
  if (!isObject(parsed)) return refused('not-a-record', 'Expected an object, got other JSON.');
  const bodyBytes = bytes.length - CHECKSUM_BYTES;
  const given = checksumIn(bytes, bodyBytes);
  if (given === null) return refused('not-a-record', 'Expected the line to end in its checksum, got none there.');
  const found = crc32('}', crc32(bytes.subarray(0, bodyBytes)));
  if (given !== found) {
    const message = `Expected the line to have the checksum ${checksum(given)}, got ${checksum(found)}.`;
    return refused('bad-crc', message);
  }
  return fromObject(parsed);
}

/** Cuts at newlines and nowhere else. `tail` is what follows the last newline; the lines have theirs no more. */
export function splitLines(bytes: Uint8Array): { lines: readonly Uint8Array[]; tail: Uint8Array } {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return { lines, tail: bytes.subarray(start) };
}

function stringify({ seq, epoch, time, type, payload }: LogRecord): string {
  let body = '';
  let got = `a value of type ${typeof payload}`;
  try {
    body = JSON.stringify({
      v: RECORD_VERSION,
      seq,
      epoch,
      time,
      type,
      payload: payload === undefined ? null : payload,
    });
  } catch (error) {
    got = messageOf(error);
  }
  // A function, for one, is left out without a word. Quotes in `time` and `type` are escaped, so this finds the member.
  if (body.includes(',"payload":')) return body;
  throw new TroupeError('invalid-input', `Expected the payload of record ${seq} (${type}) to be JSON, got ${got}.`);
}

// JSON.stringify writes a lone surrogate as an escape, `\ud800` to `\udfff`, and writes no other escape like it. What
// looks like one after an escaped backslash is text: so escapes are gone through one by one.
function wellFormed(json: string): string {
  if (!json.includes('\\ud')) return json;
  return json.replace(/\\(?:ud[89a-f][0-9a-f]{2}|.)/g, (found) => (found.startsWith('\\ud') ? '\ufffd' : found));
}

/**
 * The checksum at the end of a line, whose other bytes are so many; null when there is none. What is JSON, begins as one at
 * that place and has the digits of one ends as one, too.
 */
function checksumIn(bytes: Buffer, bodyBytes: number): number | null {
  if (bodyBytes < 0) return null;
  for (const [at, byte] of BEFORE_CHECKSUM.entries()) if (bytes[bodyBytes + at] !== byte) return null;
  const begin = bodyBytes + BEFORE_CHECKSUM.length;
  let crc = 0;
  for (let at = begin; at < begin + DIGITS; at += 1) {
    const digit = digitOf(bytes[at] as number); // The whole checksum is there, as what follows it is.
    if (digit === null) return null;
    crc = crc * 16 + digit;
  }
  return crc;
}

/** What a small hexadecimal digit is worth, by its byte; null for what is none. */
function digitOf(byte: number): number | null {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x61 + 10 : null;
}

function checksum(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

function parse(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) return NOT_JSON;
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return NOT_JSON;
  }
}

function fromObject(line: Record<string, unknown>): DecodedRecord {
  const { v: version } = line;
  if (!isCount(version)) return refused('not-a-record', 'Expected a version `v`, got none.');
  if (version !== RECORD_VERSION) {
    const message = `Expected a record of version ${RECORD_VERSION}, got version ${version}; a newer release may read it.`;
    return refused('unknown-version', message);
  }
  const { seq, epoch, time, type, payload } = line;
  if (
    !isCount(seq) ||
    !isCount(epoch) ||
    typeof time !== 'string' ||
    typeof type !== 'string' ||
    payload === undefined
  ) {
    return refused(
      'not-a-record',
      'Expected `seq`, `epoch`, `time`, `type` and `payload`, got a line without one of them.',
    );
  }
  const record = { seq, epoch, time, type, payload };
  return { ok: true, record: hasOthers(line) ? withOthers(line, record) : record, version };
}

function hasOthers(line: Record<string, unknown>): boolean {
  for (const name in line) if (!KNOWN.has(name)) return true;
  return false;
}

const KNOWN: ReadonlySet<string> = new Set(['v', 'seq', 'epoch', 'time', 'type', 'payload', 'crc']);

function withOthers({ v: _, crc: __, ...members }: Record<string, unknown>, record: LogRecord): LogRecord {
  return { ...members, ...record };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function refused(reason: Extract<DecodedRecord, { ok: false }>['reason'], message: string): DecodedRecord {
  return { ok: false, reason, message };
}
