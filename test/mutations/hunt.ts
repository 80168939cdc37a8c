import { programOf } from '../simulation/program.ts';
import { simulate } from '../simulation/simulate.ts';

// Tries seed after seed until something is broken, and says what, as JSON: `node hunt.ts SEEDS`.
const seeds = Number(process.argv[2]);

for (let seed = 0; seed < seeds; seed += 1) {
  const { broken } = await simulate(programOf(seed));
  if (broken.length === 0) continue;
  process.stdout.write(JSON.stringify({ seed, broken: broken[0] }));
  process.exit(0);
}
process.stdout.write('null');
process.exit(0);
