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

const CROCKFORD = Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ');
const TIME_DIGITS = 10;
const DIGITS = 26;

/** ULIDs from a clock and a source of chance; within one millisecond they still grow. */
export function createIds(clock: Clock, rng: Rng): Ids {
  const digits = new Uint8Array(DIGITS);
  const text = Buffer.alloc(DIGITS);
  let lastMs = -1;
  const put = (place: number, digit: number) => {
    digits[place] = digit;
    text[place] = CROCKFORD[digit] as number; // There are 32 of them.
  };
  const begin = (ms: number) => {
    let rest = ms;
    for (let place = TIME_DIGITS - 1; place >= 0; place -= 1) {
      put(place, rest % 32);
      rest = Math.floor(rest / 32);
    }
    const random = rng.bytes(DIGITS - TIME_DIGITS);
    for (let place = TIME_DIGITS; place < DIGITS; place += 1) {
      const byte = random[place - TIME_DIGITS] as number; // As many as were asked for.
      put(place, byte & 31);
    }
  };
  const increment = () => {
    for (let place = DIGITS - 1; place >= TIME_DIGITS; place -= 1) {
      const digit = ((digits[place] as number) + 1) % 32; // It is one of the places.
      put(place, digit);
      if (digit !== 0) return;
    }
  };
  return {
    next() {
      const ms = Math.max(clock.now(), lastMs);
      if (ms === lastMs) increment();
      else begin(ms);
      lastMs = ms;
      return text.toString('latin1');
    },
    secret: () => Buffer.from(rng.bytes(16)).toString('hex'),
  };
}
