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

/** Looks for some of them, one after the other, in a process of their own: what goes wrong with them must not go wrong here. */
async function hunt(names: readonly string[]): Promise<void> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    '--import',
    join(HERE, 'change-source.ts'),
    join(HERE, 'hunt.ts'),
    String(SEEDS),
    ...names,
  ]);
  for (const line of stdout.trim().split('\n')) {
    const { name, found: one }: { name: string; found: Found | null } = JSON.parse(line);
    found.set(name, one);
  }
}

beforeAll(async () => {
  const shares = Map.groupBy(MUTATIONS.entries(), ([at]) => at % AT_ONCE).values();
  await Promise.all([...shares].map((share) => hunt(share.map(([, { name }]) => name))));
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
