import type { CapturedOutput } from './port.ts';
import { danglingHead, unfinishedTail } from './utf8-boundary.ts';

/** Keeps the two ends of what is written to it; its memory is bounded by `keepBytes`, however much that is. */
export interface Capture {
  write(bytes: Buffer): void;
  read(): CapturedOutput;
}

export function createCapture(keepBytes: number): Capture {
  const headBytes = Math.floor(keepBytes / 2);
  const head = createHead(headBytes);
  const tail = createTail(keepBytes - headBytes);
  let totalBytes = 0;
  return {
    write(bytes) {
      totalBytes += bytes.length;
      const taken = head.write(bytes);
      if (taken < bytes.length) tail.write(bytes.subarray(taken));
    },
    read() {
      const truncated = totalBytes > keepBytes;
      const text = truncated
        ? joinEnds(head.read(), tail.read(), totalBytes)
        : Buffer.concat([head.read(), tail.read()]).toString();
      return { text, totalBytes, truncated };
    },
  };
}

/** The ends as well-formed text, without the characters that were cut through, and between them how much is missing. */
function joinEnds(head: Buffer, tail: Buffer, totalBytes: number): string {
  const first = head.subarray(0, head.length - unfinishedTail(head));
  const last = tail.subarray(danglingHead(tail));
  const before = first.toString();
  const separator = before === '' || before.endsWith('\n') ? '' : '\n';
  const leftOut = totalBytes - first.length - last.length;
  return `${before}${separator}[... ${leftOut} bytes left out ...]\n${last.toString()}`;
}

/** Room to begin with: most commands write little. */
const FIRST_BYTES = 4_096;

/** The first `limit` bytes; `write` says how many it took. */
function createHead(limit: number) {
  let store: Buffer = Buffer.alloc(Math.min(limit, FIRST_BYTES));
  let length = 0;
  return {
    write(bytes: Buffer): number {
      const taken = Math.min(bytes.length, limit - length);
      if (taken === 0) return 0;
      if (length + taken > store.length) store = enlarge(store, length + taken, limit);
      bytes.copy(store, length, 0, taken);
      length += taken;
      return taken;
    },
    read: () => store.subarray(0, length),
  };
}

/** The last `limit` bytes, in a ring that is made when it is first needed. */
function createTail(limit: number) {
  let ring: Buffer = Buffer.alloc(0);
  let written = 0;
  return {
    write(bytes: Buffer): void {
      if (ring.length < limit) ring = enlarge(ring, Math.min(written + bytes.length, limit), limit);
      const last = bytes.subarray(Math.max(0, bytes.length - limit));
      const at = limit === 0 ? 0 : (written + bytes.length - last.length) % limit;
      const untilEnd = last.copy(ring, at);
      last.copy(ring, 0, untilEnd);
      written += bytes.length;
    },
    read(): Buffer {
      if (written <= limit) return ring.subarray(0, written);
      const at = written % limit;
      return Buffer.concat([ring.subarray(at), ring.subarray(0, at)]);
    },
  };
}

function enlarge(store: Buffer, neededBytes: number, limit: number): Buffer {
  if (neededBytes <= store.length) return store;
  const larger = Buffer.alloc(Math.min(limit, Math.max(neededBytes, store.length * 2)));
  store.copy(larger);
  return larger;
}
