import type { SessionEvent } from '../../src/index.ts';
import type { Operation, WorldFault } from '../../src/testing/faults.ts';
import { watchRun } from '../../src/testing/index.ts';
import { type SimulatedWorld, world } from '../../src/testing/world.ts';
import { illegalLogs } from '../simulation/after-cut.ts';
import { brokenLaws, eventsOf } from '../simulation/laws.ts';
import { goesOn } from './goes-on.ts';
import type { Scenario } from './scenarios.ts';
import { createStage, type Staged } from './stage.ts';

/** What came of a scenario with these faults. */
export type Came = Readonly<{
  met: readonly WorldFault[];
  operations: readonly Operation[];
  broken: readonly string[];
}>;

/**
 * Plays a scenario in which these things go wrong, and later ones in the world where it goes on after a power cut. Then all is
 * healed and comes to rest, and what was promised is looked at.
 */
export async function playWith(
  scenario: Scenario,
  faults: readonly WorldFault[],
  later: readonly WorldFault[] = [],
): Promise<Came> {
  const simulated = world(scenario.name, { faults });
  const stage = createStage(simulated);
  const came = async (): Promise<Pick<Came, 'met' | 'broken'>> => {
    await scenario.play(stage);
    await simulated.run();
    if (simulated.isCut) return goesOn(stage, later);
    if (isStuck(simulated)) simulated.heal();
    await simulated.run();
    const late = stage.unkept().map((what) => `has not come when all was healed: ${what}`);
    for (const session of stage.sessions()) stage.keep(`the close of ${session.id}`, session.close());
    await simulated.run();
    if (simulated.isCut) return goesOn(stage, later);
    simulated.heal();
    await simulated.run();
    return { met: [], broken: [...late, ...(await brokenAtRest(scenario, stage))] };
  };
  const { met, broken } = await came().catch((error: unknown) => ({
    met: [],
    broken: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
  }));
  return { met: [...simulated.met(), ...met], operations: simulated.operations(), broken };
}

/** Something waits that does not end by itself. */
function isStuck({ waiting }: SimulatedWorld): boolean {
  return waiting().some((what) => what.startsWith('for ever: '));
}

async function brokenAtRest(scenario: Scenario, stage: Staged): Promise<string[]> {
  const simulated = stage.world;
  const ports = new Set(simulated.met().map(({ port }) => port));
  // A process that not even a KILL ends is still there, and nobody can help it.
  const immortal = simulated.met().some(({ how }) => how === 'ignores-kill');
  const isImmortal = (law: string) => immortal && /for its end: process|has outlived its task/.test(law);
  return [
    ...stage.unkept().map((what) => `has never come: ${what}`),
    ...stage.sessions().flatMap((session) => session.pending().map(({ id }) => `still asked in the end: ${id}`)),
    ...brokenRuns(simulated),
    ...brokenLaws(simulated, { mayFail: ports.has('logs') }).filter((law) => !isImmortal(law)),
    ...(await illegalLogs(simulated)),
    ...brokenTree(scenario, simulated),
  ];
}

/** What was broken of what holds in every run, for each root by itself. */
function brokenRuns({ trace }: SimulatedWorld): string[] {
  const roots = Map.groupBy(eventsOf(trace()), ({ path }) => path[0]?.sessionId);
  return [...roots.values()].flatMap((events) => runsOf(events).flatMap(brokenInRun));
}

function brokenInRun(events: readonly SessionEvent[]): string[] {
  const run = watchRun();
  for (const event of events) run.event(event);
  return run.end().map(({ id, promise, why }) => `${id} (${promise}): ${why}`);
}

/** A root that was closed and goes on is one run each time. */
function runsOf(events: readonly SessionEvent[]): SessionEvent[][] {
  const runs: SessionEvent[][] = [[]];
  for (const event of events) {
    if (event.type === 'session.resumed' && event.path.length === 1) runs.push([]);
    runs.at(-1)?.push(event);
  }
  return runs.filter((run) => run.length > 0);
}

function brokenTree({ trees }: Scenario, { files, met }: SimulatedWorld): string[] {
  if (trees === undefined) return [];
  const tree = JSON.stringify(files.tree());
  if (trees.some((allowed) => JSON.stringify(sorted(allowed)) === tree)) return [];
  // Where a second fault stops the undo as well, the model is told what is left.
  if (met().filter(({ port }) => port === 'files').length > 1) return [];
  return [`neither all nor nothing of the patch: ${tree}`];
}

function sorted(tree: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tree).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
