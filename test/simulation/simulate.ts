import type { SessionEvent } from '../../src/index.ts';
import type { TraceEntry } from '../../src/testing/index.ts';
import { watchPoints, watchRun } from '../../src/testing/index.ts';
import { afterCut, illegalLogs } from './after-cut.ts';
import { brokenLaws, eventsOf } from './laws.ts';
import { type Played, play } from './play.ts';
import type { Program } from './program.ts';

export type Simulated = Readonly<{
  program: Program;
  events: readonly SessionEvent[];
  trace: readonly TraceEntry[];
  broken: readonly string[];
  /** Of all that has happened; made when it is asked for. */
  hash(): string;
}>;

/** Runs a program, and says in words what was broken in it. */
export async function simulate(program: Program, points: Set<string> = new Set()): Promise<Simulated> {
  let played: Played;
  try {
    played = await play(program);
  } catch (error) {
    return {
      program,
      events: [],
      trace: [],
      broken: [error instanceof Error ? error.message : String(error)],
      hash: () => '',
    };
  }
  const { world, isCut } = played;
  const trace = world.trace();
  const events = eventsOf(trace);
  const run = watchRun();
  const reached = watchPoints();
  for (const entry of trace) show(entry, run);
  for (const event of events) reached.event(event);
  for (const point of reached.reached()) points.add(point);
  if (isCut) {
    const after = await afterCut(played.sessionId, world, program.seed);
    const hash = () => `${world.traceHash()} ${after.world.traceHash()}`;
    return { program, events, trace, broken: after.broken, hash };
  }
  return {
    program,
    events,
    trace,
    broken: [...brokenAtRest(played, run.end()), ...(await illegalLogs(world))],
    hash: world.traceHash,
  };
}

/** Shows to observers of a run what has happened in a world. */
export function show(entry: TraceEntry, run: Run): void {
  if (entry.type === 'event') run.event(entry.event);
  else if (entry.type === 'log.written') run.record(entry.sessionId, entry.record);
  else if (entry.type === 'process.started') run.process({ pid: entry.pid, change: 'started' });
  else if (entry.type === 'process.ended') run.process({ pid: entry.pid, change: 'ended' });
}

type Run = ReturnType<typeof watchRun>;
type Broken = ReturnType<ReturnType<typeof watchRun>['end']>;

function brokenAtRest({ program, world, unkept, pending }: Played, broken: Broken): string[] {
  // A disk that hangs does so for ever, and the world says it.
  const hanging = world.waiting().filter((what) => what.startsWith('for ever: '));
  const isOfDisk = (law: string) => hanging.some((what) => law.endsWith(what));
  const mayFail = program.faults.logs.length > 0;
  return [
    ...broken.map(({ id, promise, why }) => `${id} (${promise}): ${why}`),
    ...brokenLaws(world, { mayFail }).filter((law) => !(mayFail && isOfDisk(law))),
    ...unkept.map((what) => `never came: ${what}`),
    ...pending.map(({ id }) => `still asked in the end: ${id}`),
  ];
}
