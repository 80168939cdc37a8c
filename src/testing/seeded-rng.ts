import { createHash } from 'node:crypto';
import type { Rng } from '../runtime/ids.ts';

/** Chance that a seed decides: the same seed gives the same numbers, everywhere and always. */
export interface SeededRng extends Rng {
  /** A whole number from `min` to `max`, both of them included. */
  integer(min: number, max: number): number;
  /** One of these. */
  pick<T>(values: readonly T[]): T;
  /** Picks one of these maxima, once; each call then gives a whole number from 0 to it. So a seed may make a port slow. */
  pace(maxima: readonly number[]): () => number;
  /** Chance of its own for this name: what is drawn from one changes nothing in another. */
  fork(name: string): SeededRng;
}

/** Makes chance from a seed: any number, or any text. */
export function seededRng(seed: number | string): SeededRng {
  const hash = createHash('sha256').update(String(seed)).digest();
  const next32 = xoshiro128([hash.readUInt32LE(0), hash.readUInt32LE(4), hash.readUInt32LE(8), hash.readUInt32LE(12)]);
  const next = () => next32() / 2 ** 32;
  const integer = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  const pick = <T>(values: readonly T[]): T => {
    const index = integer(0, values.length - 1);
    if (values.length === 0) throw new RangeError('Expected at least one value to pick from, got none.');
    return values[index] as T; // The index is within the length.
  };
  return {
    next,
    bytes: (length) => Uint8Array.from({ length }, () => next32() >>> 24),
    integer,
    pick,
    pace(maxima) {
      const max = pick(maxima);
      return () => integer(0, max);
    },
    fork: (name) => seededRng(`${seed}/${name}`),
  };
}

/**
 * The generator xoshiro128** 1.1 of David Blackman and Sebastiano Vigna (https://prng.di.unimi.it/xoshiro128starstar.c,
 * public domain; the multipliers 5 and 9, the rotations 7 and 11 and the shift 9 are theirs). The state is four words of
 * 32 bits, not all of them 0; each call gives the next word.
 */
export function xoshiro128(state: readonly [number, number, number, number]): () => number {
  let [a, b, c, d] = state;
  return () => {
    const word = Math.imul(rotated(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotated(d, 11);
    return word;
  };
}

function rotated(word: number, left: number): number {
  return (word << left) | (word >>> (32 - left));
}
