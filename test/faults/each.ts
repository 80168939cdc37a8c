import { type FaultPort, faultsOf, type WorldFault } from '../../src/testing/faults.ts';
import { seededRng } from '../../src/testing/seeded-rng.ts';
import { type Came, playWith } from './play-with.ts';
import type { Scenario } from './scenarios.ts';

/** How often a port went wrong, and how much of that was together with another fault. */
export type Tally = { scenarios: number; runs: number; compound: number; met: Record<FaultPort, number> };

export const newTally = (): Tally => ({
  scenarios: 0,
  runs: 0,
  compound: 0,
  met: { logs: 0, files: 0, processes: 0, model: 0, sockets: 0 },
});

/** A run in which something was broken. */
export type Failed = Readonly<{ scenario: string; faults: string; broken: readonly string[] }>;

/**
 * Lets each operation that a scenario comes to go wrong in each way, or in every n-th of all ways; then, so many times, two or three of them. What is met is
 * counted, not what was planned.
 */
export async function everyFault(
  scenario: Scenario,
  { every, compound }: { every: number; compound: number },
  tally: Tally,
): Promise<Failed[]> {
  const failed: Failed[] = [];
  const play = async (faults: readonly WorldFault[], later: readonly WorldFault[] = []): Promise<Came> => {
    const came = await playWith(scenario, faults, later);
    tally.runs += 1;
    for (const { port } of came.met) tally.met[port] += 1;
    if (came.met.length > 1) tally.compound += came.met.length;
    if (came.broken.length > 0)
      failed.push({
        scenario: scenario.name,
        faults: JSON.stringify([...faults, ...later.map((one) => ({ ...one, later: true }))]),
        broken: came.broken,
      });
    return came;
  };
  tally.scenarios += 1;
  const quiet = await play([]);
  const single = quiet.operations.flatMap(faultsOf);
  const cuts: WorldFault[] = [];
  for (const [at, fault] of single.entries()) {
    if (fault.how === 'power-cut' || fault.how === 'torn') cuts.push(fault);
    if (at % every !== 0) continue;
    const { met } = await play([fault]);
    if (met.length !== 1)
      failed.push({ scenario: scenario.name, faults: JSON.stringify([fault]), broken: ['was not met'] });
  }
  const rng = seededRng(`pairs of ${scenario.name}`);
  for (let count = 0; count < compound; count += 1) {
    const isLater = count % 3 === 0;
    if (isLater) await play([rng.pick(cuts)], [laterFault(rng)]);
    else await play([rng.pick(single), rng.pick(single)]);
  }
  return failed;
}

/** What may go wrong where a session goes on after a power cut. */
function laterFault(rng: ReturnType<typeof seededRng>): WorldFault {
  const operation = rng.pick(['open', 'read', 'append', 'sync', 'close', 'sync', 'append'] as const);
  // The log of a sub-session that cannot be read is said to be as it is, and left so: only that of the root is.
  const n = operation === 'open' || operation === 'read' ? 1 : rng.integer(1, 3);
  return rng.pick(faultsOf({ port: 'logs', operation, n }));
}

/** One line of figures. */
export function closingLine({ scenarios, met, compound }: Tally, failed: number): string {
  const count = (number: number) => number.toLocaleString('en');
  const total = Object.values(met).reduce((sum, number) => sum + number, 0);
  const ports = Object.entries(met).map(([port, number]) => `${port} ${count(number)}`);
  const end = failed === 0 ? 'nothing acknowledged lost, nothing broken' : `${failed} RUNS BROKEN`;
  return `${count(total)} faults met in ${scenarios} scenarios (${ports.join(', ')}; ${count(compound)} of them compound): ${end}`;
}
