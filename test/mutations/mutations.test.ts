import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { changed, MUTATIONS, type Mutation } from './mutations.ts';

const HERE = import.meta.dirname;
/** Within so many seeds each of them has to be found. */
const SEEDS = 1_000;
/** How many are looked for at once. */
const AT_ONCE = 2;

type Found = Readonly<{ seed: number; broken: string }>;
const found = new Map<string, Found | null>();

async function hunt({ name }: Mutation): Promise<Found | null> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--import',
      join(HERE, 'change-source.ts'),
      join(HERE, 'hunt.ts'),
      String(SEEDS),
    ],
    { env: { ...process.env, MUTATION: name } },
  );
  return JSON.parse(stdout);
}

beforeAll(async () => {
  const left = [...MUTATIONS];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) found.set(next.name, await hunt(next));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const rows = MUTATIONS.map(({ name, words }) => {
    const one = found.get(name);
    return `${name}: ${words}\n    ${one ? `after ${one.seed + 1} seeds: ${one.broken}` : 'not found'}`;
  });
  const count = (isSeed: boolean) => {
    const of = MUTATIONS.filter((one) => (one.of === 'the seed') === isSeed);
    return `${of.filter(({ name }) => found.get(name)).length} of ${of.length}`;
  };
  console.log(`${rows.join('\n')}\n${count(true)} seed defects and ${count(false)} mutations found`);
}, 600_000);

describe.each(MUTATIONS)('$name: $words', ({ name }) => {
  it(`is found by the laws within ${SEEDS} seeds`, () => {
    expect(found.get(name)).toEqual({ seed: expect.any(Number), broken: expect.stringMatching(/\S/) });
  });
});

it('has the nine defects, and ten slips in requests, relay, rollout and kill', () => {
  const counts = Object.fromEntries(
    Object.entries(Object.groupBy(MUTATIONS, ({ of }) => of)).map(([of, all]) => [of, all.length]),
  );
  expect(counts).toEqual({ 'the seed': 9, requests: 2, relay: 3, rollout: 3, kill: 2 });
});

it('says so when the product has changed where a mutation would be', () => {
  const [first] = MUTATIONS as readonly [Mutation];
  expect(() => changed(first, 'nothing of the kind')).toThrow(
    'Expected the text of the mutation S1 1 times in src/session/logic.ts, found it 0 times. The product has changed: say in mutations.ts where the defect would be now.',
  );
});
