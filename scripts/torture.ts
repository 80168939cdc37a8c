// Runs what takes longer than a test may: the same checks as in the suites, on many more cases.
//   node scripts/torture.ts                  all of them
//   node scripts/torture.ts commands         one of them; a seed may stand behind it
import { fuzzCommands } from './command-fuzz.ts';

type Torture = Readonly<{
  name: string;
  /** Gives what was done, and what went wrong, in lines. */
  run(seed: number): Promise<{ done: string; wrong: readonly string[] }>;
}>;

const COMMAND_CASES = 100_000;

const TORTURES: readonly Torture[] = [
  {
    name: 'commands',
    async run(seed) {
      const { cases, allowed, mismatches } = await fuzzCommands({ cases: COMMAND_CASES, seed });
      const wrong = mismatches.map(({ command, expected, seen }) => JSON.stringify({ command, expected, seen }));
      return {
        done: `${cases} commands judged, ${allowed} of them allowed and run under bash (${percent(allowed / cases)})`,
        wrong: allowed < cases / 5 ? [...wrong, 'Expected a fifth of them to be allowed: less tests nothing.'] : wrong,
      };
    },
  },
];

function percent(part: number): string {
  return `${(100 * part).toFixed(0)} %`;
}

const [wanted, seedText] = process.argv.slice(2);
const chosen = TORTURES.filter(({ name }) => wanted === undefined || name === wanted);
if (chosen.length === 0) {
  console.error(`Expected one of ${TORTURES.map(({ name }) => name).join(', ')}, got "${wanted}".`);
  process.exit(2);
}
for (const { name, run } of chosen) {
  const seed = seedText === undefined ? Date.now() : Number(seedText);
  const { done, wrong } = await run(seed);
  console.log(`${name}: ${done}; seed ${seed}; ${wrong.length} wrong.`);
  for (const line of wrong.slice(0, 20)) console.log(`  ${line}`);
  if (wrong.length > 0) process.exitCode = 1;
}
