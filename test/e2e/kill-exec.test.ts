import { describe, expect, it } from 'vitest';
import { killExecs, lineOf } from '../../scripts/torture/kill-exec.ts';
import { temporaryDirectory } from './run-troupe.ts';

/** `npm run torture -- kill-exec` does the same 300 times. */
const TIMES = 4;

describe('troupe exec that is killed at any moment', () => {
  it('leaves a log that has all it needs to go on: no effect is lost or done twice, and nothing outlives it', async () => {
    const rounds = await killExecs(temporaryDirectory(), TIMES);
    expect({ line: lineOf(rounds), wrong: rounds.flatMap(({ wrong }) => wrong) }).toEqual({
      line: expect.stringMatching(`^${TIMES} killed, .*; 0 not as promised$`),
      wrong: [],
    });
  }, 120_000);
});
