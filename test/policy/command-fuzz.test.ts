import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fuzzCommands } from '../../scripts/command-fuzz.ts';
import { rounds } from '../rounds.ts';

const CASES = rounds(10_000);
const FUZZ_MS = 180_000;

it.skipIf(!existsSync('/bin/bash'))(
  'what may run unasked is to bash what it is to the policy',
  { timeout: FUZZ_MS },
  async () => {
    const { cases, allowed, mismatches } = await fuzzCommands({ cases: CASES, seed: 'commands' });
    console.log(`${cases} commands judged, ${allowed} of them allowed and run under bash.`);
    expect([mismatches, allowed > CASES / 5]).toEqual([[], true]);
  },
);
