// `npm run bench`: measures, prints, and asserts nothing.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { PeerName } from './peer.ts';
import { measureInFreshProcess, type RunningServer, startServer } from './processes.ts';
import { type Result, resultsOf, type Samples, tableOf } from './results.ts';
import { QUICK_REPETITIONS, SCENARIOS, type Scenario } from './scenarios.ts';

const USAGE = `npm run bench -- [--quick] [--only N]… [--json]

  --quick   a fraction of the work: does it run? The figures say little.
  --only N  this scenario only; may be given more than once
  --json    the results as JSON, with every sample
`;

type Wish = Readonly<{ scenarios: readonly Scenario[]; quick: boolean; json: boolean }>;

try {
  const wish = wishOf(process.argv.slice(2));
  if (wish === null) process.stdout.write(USAGE);
  else await bench(wish);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function wishOf(words: readonly string[]): Wish | null {
  const { values } = parseArgs({
    args: [...words],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
    },
  });
  const numbers = [...new Set(SCENARIOS.map(({ number }) => String(number)))];
  const unknown = values.only.find((number) => !numbers.includes(number));
  if (unknown !== undefined) throw new Error(`Expected --only to be one of ${numbers.join(', ')}, got "${unknown}".`);
  if (values.help) return null;
  const wanted = ({ number }: Scenario) => values.only.length === 0 || values.only.includes(String(number));
  return { scenarios: SCENARIOS.filter(wanted), quick: values.quick, json: values.json };
}

async function bench({ scenarios, quick, json }: Wish): Promise<void> {
  const results: Result[] = [];
  const server = await startServer();
  try {
    for (const scenario of scenarios) {
      const startedAt = performance.now();
      results.push(...resultsOf(scenario, await samplesOf(scenario, server, quick)));
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
      process.stderr.write(`${scenario.number} ${scenario.name}: measured in ${seconds} s\n`);
    }
  } finally {
    server.stop();
  }
  const machine = { node: process.version, cores: availableParallelism(), quick };
  process.stdout.write(json ? `${JSON.stringify({ ...machine, results }, null, 2)}\n` : report(results, machine));
}

/** Peers take turns, and who goes first changes: whatever else the machine does falls on both. */
async function samplesOf(scenario: Scenario, { url }: RunningServer, quick: boolean): Promise<Samples> {
  const samples = new Map<PeerName, Map<string, number[]>>();
  const repetitions = quick ? QUICK_REPETITIONS : scenario.repetitions;
  for (let done = 0; done < repetitions; done += 1) {
    const order = done % 2 === 0 ? scenario.peers : scenario.peers.toReversed();
    for (const peer of order) {
      const figures = await measureInFreshProcess({ scenario, peer, serverURL: url, quick });
      const known = samples.get(peer) ?? new Map<string, number[]>();
      samples.set(peer, known);
      for (const [figure, value] of Object.entries(figures)) known.set(figure, [...(known.get(figure) ?? []), value]);
    }
  }
  return samples;
}

function report(results: readonly Result[], { node, cores, quick }: { node: string; cores: number; quick: boolean }) {
  const caution = quick
    ? 'A quick run: the figures are cold and say little.'
    : 'Ratios of CPU are robust; below about 15 % a difference is none. Milliseconds are of this machine and this hour.';
  return `${tableOf(results)}\n
Median [least..most] of fresh processes; ratio of medians to the baseline (the openai client with a hand-written loop).
Node ${node}, ${cores} cores. ${caution}\n`;
}
