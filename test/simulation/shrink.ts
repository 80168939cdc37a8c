import type { Act, Program } from './program.ts';
import { type Simulated, simulate } from './simulate.ts';

/** How many smaller programs are tried at most. */
const TRIES_MAX = 400;

/**
 * The smallest program that is found to break as this one does: with fewer acts, nothing going wrong that need not, usual
 * limits, and less time in between. It is tried as long as that makes it smaller, at most `TRIES_MAX` times.
 */
export async function shrunk(program: Program, breaks: (smaller: Program) => Promise<boolean>): Promise<Program> {
  let smallest = program;
  let tries = 0;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smallerThan(smallest)) {
      if (tries === TRIES_MAX) return smallest;
      tries += 1;
      if (!(await breaks(candidate))) continue;
      smallest = candidate;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

/** Programs that are a little smaller than this one, those that are much smaller first. */
function* smallerThan(program: Program): Generator<Program> {
  const { acts, faults, limits } = program;
  for (let size = Math.ceil(acts.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let from = 0; from < acts.length; from += size)
      if (acts.length > size) yield { ...program, acts: acts.toSpliced(from, size) };
  if (program.cutAtTimer !== null) yield { ...program, cutAtTimer: null };
  if (program.people) yield { ...program, people: false };
  for (const fault of ['model', 'calls', 'commands'] as const)
    if (faults[fault]) yield { ...program, faults: { ...faults, [fault]: false } };
  if (faults.logs.length > 0) yield { ...program, faults: { ...faults, logs: [] } };
  for (const limit of ['requestTimeoutMs', 'requestsOpenMax', 'requestsPerMinuteMax'] as const)
    if (limits[limit] !== null) yield { ...program, limits: { ...limits, [limit]: null } };
  for (const [index, act] of acts.entries()) {
    if (act.afterMs > 0) yield { ...program, acts: acts.with(index, { ...act, afterMs: 0 }) };
    const simple: Act = { does: 'run', whenBusy: 'queue', stopAfterMs: null, afterMs: act.afterMs };
    if (act.does !== 'run' && act.does !== 'steer') yield { ...program, acts: acts.with(index, simple) };
  }
}

/** Whether a smaller program breaks the same: what is said first, without its ids and numbers. */
export function breaksAs({ broken }: Simulated): (program: Program) => Promise<boolean> {
  const gist = (line = '') => line.replaceAll(/[0-9A-Z]{12,}|\d+/g, '…');
  const first = gist(broken[0]);
  return async (program) => (await simulate(program)).broken.some((line) => gist(line) === first);
}
