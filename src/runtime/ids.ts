import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from './clock.ts';

/** Chance. */
export interface Rng {
  /** A number in [0, 1). */
  next(): number;
  /** Bytes that nobody can guess (here), or that the seed decides (in simulation). */
  bytes(length: number): Uint8Array;
}

/** Names for things. Each call gives a new one. */
export interface Ids {
  /** A ULID: sorts by time of making, 26 characters (https://github.com/ulid/spec). */
  next(): string;
  /** 128 bits that nobody can guess, as hex. */
  secret(): string;
}

/** How many bytes are drawn from the system at once, to be handed out in small pieces. */
const POOL_BYTES = 4_096;
let pool = Buffer.alloc(0);

export const systemRng: Rng = {
  next: () => Math.random(),
  bytes(length) {
    if (length > pool.length) pool = randomBytes(Math.max(POOL_BYTES, length));
    const bytes = pool.subarray(0, length);
    pool = pool.subarray(length);
    return bytes;
  },
};

/** The machine's own ids. */
export const systemIds = (): Ids => {
  ids ??= createIds(systemClock, systemRng);
  return ids;
};

let ids: Ids | null = null;

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** ULIDs from a clock and a source of chance; within one millisecond they still grow. */
export function createIds(clock: Clock, rng: Rng): Ids {
  let lastMs = -1;
  let random: number[] = [];
  return {
    next() {
      const ms = Math.max(clock.now(), lastMs);
      if (ms === lastMs) increment(random);
      else random = Array.from(rng.bytes(16), (byte) => byte & 31);
      lastMs = ms;
      return encodeTime(ms) + random.map((digit) => CROCKFORD[digit]).join('');
    },
    secret: () => Buffer.from(rng.bytes(16)).toString('hex'),
  };
}

function encodeTime(ms: number): string {
  let text = '';
  let rest = ms;
  for (let place = 0; place < 10; place += 1) {
    text = CROCKFORD[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function increment(digits: number[]): void {
  for (let place = digits.length - 1; place >= 0; place -= 1) {
    const digit = (digits[place] ?? 0) + 1;
    digits[place] = digit % 32;
    if (digit < 32) return;
  }
}
