import { describe, expect, inject, it } from 'vitest';
import { killExecs, lineOf, newSeed } from '../../scripts/torture/kill-exec.ts';
import { rounds } from '../rounds.ts';
import { temporaryDirectory } from './run-troupe.ts';

const TIMES = rounds(300);

describe('troupe exec that is killed at any moment', () => {
  it('leaves a log that has all it needs to go on: no effect is lost or done twice, and nothing outlives it', async () => {
    const kills = await killExecs(inject('command'), temporaryDirectory(), TIMES, process.env.TROUPE_SEED ?? newSeed());
    const wrong = kills.rounds.flatMap((round) => round.wrong);
    expect({ line: lineOf(kills), wrong }).toEqual({
      line: expect.stringMatching(`^${TIMES} killed \\(seed .*\\), .*; 0 not as promised$`),
      wrong: [],
    });
    console.info(lineOf(kills));
  }, 900_000);
});
