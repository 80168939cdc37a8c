import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { RACE_ACTS, type Race, runRace } from './race.ts';
import { RACE_DECISIONS, RACE_STEPS } from './race-parts.ts';

const RACES = 300;

const race: fc.Arbitrary<Race> = fc.record({
  acts: fc.array(fc.record({ type: fc.constantFrom(...RACE_ACTS), which: fc.nat(9), after: fc.nat(12) }), {
    minLength: 1,
    maxLength: 10,
  }),
  steps: fc.array(fc.constantFrom(...RACE_STEPS), { maxLength: 10 }),
  decisions: fc.array(fc.constantFrom(...RACE_DECISIONS), { maxLength: 6 }),
});

/** What all races together come to. */
const REACHED = [
  'abort aborted',
  'abort aborted, killed',
  'abort not-running',
  'aborted interrupted',
  'aborted replaced',
  'aborted shutdown',
  'answer accepted',
  'answer already-resolved',
  'answer withdrawn',
  'completed',
  'failed',
  'queued',
  'rejected busy',
  'rejected closed',
  'started',
  'steer queued',
  'steer rejected closed',
  'steer started',
  'steer steered',
];

describe('a session, in whatever order callers, models, people, tools, the clock and the disk have their turns', () => {
  const walked = { races: 0, turns: 0 };
  const reached = new Set<string>();
  afterAll(() => console.log(`races: ${walked.races} of ${walked.turns} turns`));

  it('keeps what holds in every run, gives every promise an end, and tells no end that is not on the disk', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), race, async (scheduler, plan) => {
        const raced = await runRace(scheduler, plan);
        walked.races += 1;
        walked.turns += raced.turns;
        for (const word of raced.reached) reached.add(word);
        expect(raced.broken).toEqual([]);
      }),
      { seed: 11, numRuns: RACES },
    );
    // A race in which nothing meets anything says nothing.
    expect([...reached].toSorted()).toEqual(REACHED);
  });
});
