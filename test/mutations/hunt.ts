import { programOf } from '../simulation/program.ts';
import { simulate } from '../simulation/simulate.ts';

// Tries seed after seed until a law is broken, and says which, as JSON: `node hunt.ts SEEDS`. A program that cannot even be played
// shows nothing of the laws: that is an error.
const seeds = Number(process.argv[2]);

for (let seed = 0; seed < seeds; seed += 1) {
  const { broken, hash } = await simulate(programOf(seed));
  if (broken.length === 0) continue;
  if (hash() === '') throw new Error(`Expected the program of seed ${seed} to be played, got: ${broken.join('; ')}`);
  process.stdout.write(JSON.stringify({ seed, broken: broken[0] }));
  process.exit(0);
}
process.stdout.write('null');
process.exit(0);
