import { programOf } from '../simulation/program.ts';

type Simulate = typeof import('../simulation/simulate.ts').simulate;

// Tries seed after seed with each of the mutations until a law is broken, and says which, as a line of JSON for each:
// `node --import change-source.ts hunt.ts SEEDS MUTATION…`. A program that cannot even be played shows nothing of the laws: that is
// an error.
const [seeds, ...names] = process.argv.slice(2);

for (const name of names) {
  const { simulate }: { simulate: Simulate } = await import(`../simulation/simulate.ts?mutation=${name}`);
  process.stdout.write(`${JSON.stringify({ name, found: await hunt(simulate) })}\n`);
}
process.exit(0);

async function hunt(simulate: Simulate): Promise<Readonly<{ seed: number; broken: string | undefined }> | null> {
  for (let seed = 0; seed < Number(seeds); seed += 1) {
    const { broken, hash } = await simulate(programOf(seed));
    if (broken.length === 0) continue;
    if (hash() === '') throw new Error(`Expected the program of seed ${seed} to be played, got: ${broken.join('; ')}`);
    return { seed, broken: broken[0] };
  }
  return null;
}
