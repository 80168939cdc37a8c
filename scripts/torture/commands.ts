import { fuzzCommands } from '../command-fuzz.ts';
import { runAlone, type Step } from './step.ts';

const CASES = 100_000;
/** How many of what went wrong are told. */
const TOLD_MAX = 20;

/** Whatever the policy lets run unasked does under bash what the policy has read in it, and nothing else. */
export const commands: Step = {
  name: 'commands',
  async run(say) {
    const seed = Number(process.env.SEED ?? Date.now());
    const { cases, allowed, mismatches } = await fuzzCommands({ cases: CASES, seed });
    say(`${cases} judged, ${allowed} allowed and run under bash, ${mismatches.length} wrong; SEED=${seed} repeats it`);
    for (const { command, expected, seen } of mismatches.slice(0, TOLD_MAX))
      say(JSON.stringify({ command, expected, seen }));
    if (mismatches.length > 0) throw new Error(`Expected no mismatch, got ${mismatches.length}.`);
    if (allowed < cases / 5)
      throw new Error(`Expected a fifth of ${cases} to be allowed, got ${allowed}: less tests nothing.`);
  },
};

if (import.meta.main) await runAlone(commands);
