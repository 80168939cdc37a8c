import type { Decision } from '../../protocol/requests.ts';
import { adversarialChildren } from '../adversarial-children.ts';
import { type ConformanceCheck, checkOf, type Finding } from './check.ts';
import {
  CONFORMANCE_LIMITS,
  type KindSubject,
  nameOf,
  type Observed,
  observeKind,
  terminalsIn,
} from './observe-kind.ts';

/** How many moments of a run are aborted at, at most: the first ones. */
const MOMENTS_MAX = 50;

/** What every kind of task promises, whatever it does. */
export function kindChecks(subject: KindSubject): readonly ConformanceCheck[] {
  const name = nameOf(subject);
  const check = (what: string, look: () => Promise<Finding | null>) => checkOf(`The kind "${name}"`, what, look);
  const normal = once(() => observeKind(subject));
  const aborted = once(() => abortedAtEachMoment(subject, normal));
  const inEach = async (look: (run: Moment) => Finding | null) => {
    for (const run of await aborted()) {
      const finding = look(run);
      if (finding !== null) return finding;
    }
    return null;
  };

  return [
    check('ends by itself, once', async () => endsOnce(await normal(), subject)),
    check('gives what JSON can hold', async () => returnsJson(await normal())),
    check('stops in time when it is aborted, at every moment', () => inEach(stopsInTime)),
    check('begins nothing once it is aborted', () => inEach(beginsNothing)),
    check('has an abort hook that does not fail', () => inEach(hookHolds)),
    check('uses nothing once it has ended', async () => usesNothing(await normal()) ?? (await inEach(usesNothing))),
    check('leaves nothing open behind', async () => leavesNothing(await normal()) ?? (await inEach(leavesNothing))),
    check('ends when it is asked to wrap up', async () => {
      const run = await observeKind(subject, { told: (event, task) => event.type === 'task.started' && task.cancel() });
      return endsOnce(run, subject, ' when it is asked to wrap up');
    }),
    ...(['denied', 'abort'] satisfies Decision[]).map((decide) =>
      check(`ends when people decide "${decide}"`, async () =>
        endsOnce(await observeKind(subject, { decide }), subject, ` when people decide "${decide}"`),
      ),
    ),
    check('ends when the model fails', async () => {
      const script = () => Array.from({ length: 100 }, () => ({ fail: { message: 'The model broke.' } }));
      return endsOnce(await observeKind(subject, { script }), subject, ' when the model fails');
    }),
    ...Object.entries(adversarialChildren).map(([child, children]) =>
      check(`lives with a sub-session that ${child}`, async () => {
        const { delegated } = await normal();
        if (delegated.length === 0) return null;
        const run = await observeKind(subject, { children, told: abortAfter(WAITED_EVENTS) });
        return endsOnce(run, subject, ` when a sub-session ${child}`) ?? leavesNothing(run);
      }),
    ),
  ];
}

/** A run that was aborted after `at` events. */
type Moment = Observed & Readonly<{ at: string }>;

/** When a task that waits for a child that never ends is aborted. */
const WAITED_EVENTS = 6;

function abortAfter(count: number) {
  let events = 0;
  return (_: unknown, task: { abort(): void }) => {
    events += 1;
    if (events === count) task.abort();
  };
}

async function abortedAtEachMoment(subject: KindSubject, normal: () => Promise<Observed>): Promise<readonly Moment[]> {
  const { told } = await normal();
  const runs: Moment[] = [];
  for (const [at, type] of told.slice(0, MOMENTS_MAX).entries()) {
    const run = await observeKind(subject, { told: abortAtOwn(at) });
    runs.push({ ...run, at: at === 0 ? `at its start (${type})` : `after ${type}, event ${at + 1} of ${told.length}` });
  }
  return runs;
}

/** Aborts with the n-th event of the session itself. */
function abortAtOwn(at: number) {
  let events = -1;
  return (event: { path: readonly unknown[]; seq: number | null; type: string }, task: { abort(): void }) => {
    if (event.path.length !== 1 || event.seq === null || event.type === 'session.opened') return;
    events += 1;
    if (events === at) task.abort();
  };
}

function endsOnce(run: Observed, { withinMs = 10_000 }: KindSubject, when = ''): Finding | null {
  if (run.outcome === null)
    return {
      expected: `must end${when || ' by itself'}`,
      happened: `it had not ended after ${withinMs} ms.`,
      trace: run.told,
      remedy: 'See what it waits for; give `withinMs` when it needs longer.',
    };
  const terminals = terminalsIn(run);
  if (terminals === 1) return null;
  return {
    expected: `must have one terminal event${when}`,
    happened: `it had ${terminals}.`,
    trace: run.told,
    remedy: 'Works that are actor logic end once: with their output, or with `work.done` or `work.failed`.',
  };
}

function returnsJson({ outcome, givesJson }: Observed): Finding | null {
  if (outcome?.status !== 'completed' || givesJson) return null;
  return {
    expected: 'must give what JSON can hold: its data is written to the log',
    happened: 'what it returned is not the same after JSON.parse(JSON.stringify(…)).',
    remedy: 'Return plain objects, arrays, texts, finite numbers, booleans and null; no Map, Date, function or circle.',
  };
}

function stopsInTime({ outcome, at, told }: Moment): Finding | null {
  const expected = `must stop by itself within its grace of ${CONFORMANCE_LIMITS.graceMs} ms when it is aborted`;
  const remedy = 'Hand `signal` on to whatever takes time, and return or throw as soon as it is aborted.';
  if (outcome === null) return { expected, happened: `aborted ${at}, it did not end at all.`, trace: told, remedy };
  if (outcome.status !== 'aborted') return null;
  const { phases, unsettled } = outcome.receipt;
  if (unsettled === 0 && phases.every(({ phase }) => phase !== 'killing')) return null;
  const went = phases.map(({ phase, ms }) => `${phase} ${Math.round(ms)} ms`).join(', ');
  const rest = unsettled === 0 ? '' : `; then it had still not returned`;
  return { expected, happened: `aborted ${at}, it had to be killed (${went})${rest}.`, trace: told, remedy };
}

const BEGINNINGS = ['item.started', 'step.started', 'request.opened', 'child.opened'];

function beginsNothing({ told, at }: Moment): Finding | null {
  const begun = told.slice(told.indexOf('task.aborting') + 1).find((type) => BEGINNINGS.includes(type));
  if (begun === undefined || !told.includes('task.aborting')) return null;
  return {
    expected: 'must begin nothing once it is aborted',
    happened: `aborted ${at}, it said ${begun} after task.aborting.`,
    trace: told,
    remedy:
      'After an abort finish what is open, and begin no item, step, request or sub-session: look at `signal.aborted` first.',
  };
}

function hookHolds({ events, at }: Moment): Finding | null {
  const failed = events.find((event) => event.type === 'warning.raised' && event.code === 'abort-hook-failed');
  if (failed?.type !== 'warning.raised') return null;
  return {
    expected: 'must have an abort hook that does not fail',
    happened: `aborted ${at}: ${failed.message}`,
    remedy: 'Let `onAbort` cope with whatever state the work was in, also with one in which nothing had begun.',
  };
}

function usesNothing(run: Observed & { at?: string }): Finding | null {
  if (run.late.length === 0) return null;
  return {
    expected: 'must use none of its ports once its task has ended',
    happened: `${run.at === undefined ? '' : `aborted ${run.at}, `}it called ${[...new Set(run.late)].join(', ')} after its end.`,
    remedy: 'Wait for all that it has begun before it returns, and stop all of that when `signal` is aborted.',
  };
}

function leavesNothing(run: Observed & { at?: string }): Finding | null {
  const [first] = run.left;
  if (first === undefined) return null;
  return {
    expected: 'must leave nothing open behind',
    happened: `${run.at === undefined ? '' : `aborted ${run.at}, `}${first}.`,
    trace: run.told,
    remedy: 'Wait for what `ask` and `delegate` give.',
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make();
    return made;
  };
}
