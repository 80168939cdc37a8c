import { resumeSession, TroupeError } from '../../src/index.ts';
import { messageOf } from '../../src/protocol/errors.ts';
import { isTerminal, type SessionEvent } from '../../src/protocol/events.ts';
import type { Path } from '../../src/protocol/path.ts';
import { verifyLog } from '../../src/rollout/verify/verify.ts';
import { type Invariant, invariants, watchRun } from '../../src/testing/index.ts';
import { type SimulatedWorld, world } from '../../src/testing/world.ts';
import { KINDS } from './actors.ts';
import { brokenByCalls, eventsOf } from './laws.ts';

/** What was broken by a power cut, and by the resume in another world; and what was told there. */
export type AfterCut = Readonly<{ world: SimulatedWorld; broken: readonly string[] }>;

/**
 * What was synced is still there after the power was cut, and of the rest some of its beginning. The session is resumed in a
 * world where nothing goes wrong, does one thing more, and is closed. Where more than the power has failed, it cannot be told what came
 * after what in different logs: `byLogs` has each looked at by itself.
 */
export async function afterCut(
  sessionId: string,
  before: SimulatedWorld,
  seed: number | string,
  { byLogs = false }: { byLogs?: boolean } = {},
): Promise<AfterCut> {
  const after = world(`${seed} after the cut`);
  for (const id of before.logStore.sessions()) after.logStore.put(id, whatIsLeft(before, id));
  const isThere = (after.logStore.bytes(sessionId) ?? []).includes(LINE_FEED);
  const toldBefore = eventsOf(before.trace());
  const isLeft = leftIn(after, toldBefore);
  const lost = [...toldBefore.filter(isAcknowledged), ...commandsThatRan(toldBefore)]
    .filter((event) => !isLeft(event))
    .map(({ type, seq, sessionId }) => `${type}, number ${seq} of ${sessionId}, was told and nobody finds it`);
  const open = resumeSession(sessionId, {
    model: after.model([{ say: 'on' }]),
    tasks: KINDS,
    env: {},
    projectInstructions: false,
    world: after,
  });
  let session: Awaited<typeof open>;
  try {
    session = await after.settled(open);
  } catch (error) {
    // Not even its opening was on the disk: then nothing can have been done.
    const isRight = error instanceof TroupeError && !isThere;
    return { world: after, broken: isRight ? lost : [...lost, `cannot be resumed: ${messageOf(error)}`] };
  }
  const askedAgain = session.pending().map(({ id }) => `asked again: ${id}`);
  const outcome = await after.settled(session.run('go on').outcome);
  const entries = session.entries();
  await after.settled(session.close());
  await after.run();
  const failed = failedLogs(toldBefore, after);
  const runs = byLogs
    ? runsInLogs(after, sessionId, failed).map((events) => brokenIn(events, OF_ONE_SESSION))
    : runsOf(wholeRun(before, after, isLeft)).map((events) => brokenIn(events, invariants));
  return {
    world: after,
    broken: [
      ...lost,
      ...askedAgain,
      ...(outcome.status === 'completed' && outcome.answer === 'on'
        ? []
        : [`cannot go on: ${JSON.stringify(outcome)}`]),
      ...brokenByCalls(entries).map((what) => `after the resume: ${what}`),
      ...after.waiting().map((what) => `the world after the resume is not at rest: ${what}`),
      ...runs.flat().map(({ id, why }) => `after the resume, ${id}: ${why}`),
      ...(await illegalLogs(after)),
    ],
  };
}

function brokenIn(events: readonly SessionEvent[], watched: readonly Invariant[]) {
  const run = watchRun(watched);
  for (const event of events) run.event(event);
  return run.end();
}

/** What holds in each session by itself: not how those of a tree go together. */
const OF_ONE_SESSION = invariants.filter(({ id }) => !['B19', 'B20', 'C25', 'G63', 'J93'].includes(id));

/** The sessions whose log has failed: this was said; or it was only the last of a session that had closed, and nobody was there to be told. */
function failedLogs(told: readonly SessionEvent[], { logStore }: SimulatedWorld): ReadonlySet<string> {
  const isTorn = (sessionId: string) => logStore.bytes(sessionId)?.at(-1) !== LINE_FEED;
  return new Set(
    told.flatMap(({ type, sessionId }) =>
      type === 'session.degraded' || (type === 'session.closed' && isTorn(sessionId)) ? sessionId : [],
    ),
  );
}

/** The runs of a session and of all below it, each from its opening to its close, as its log has them; not where a log has failed. */
function runsInLogs(
  after: SimulatedWorld,
  sessionId: string,
  failed: ReadonlySet<string>,
  path: Path = [{ sessionId, kind: 'root' }],
): SessionEvent[][] {
  const runs: SessionEvent[][] = [[]];
  const below: SessionEvent[][] = [];
  if (failed.has(sessionId) || !after.logStore.bytes(sessionId)?.includes(LINE_FEED)) return [];
  for (const { payload, ...place } of after.log(sessionId)) {
    const event = { ...place, sessionId, path, ...(payload as object) } as SessionEvent; // As the gate wrote it.
    if (event.type === 'child.opened') {
      const { childId, kind, taskId = '' } = event;
      below.push(...runsInLogs(after, childId, failed, [...path, { sessionId: childId, kind, taskId }]));
    }
    if (runs.at(-1)?.at(-1)?.type === 'session.closed') runs.push([]);
    runs.at(-1)?.push(event);
  }
  return [...runs, ...below];
}

/**
 * One run: what is left of it as it was told, then how it goes on. Of sub-sessions that are only closed, nobody is told but their logs.
 * What was written and not yet told waited for the ends of all that is below: those come first. That a sub-session is closed is
 * told before it is on the disk, and written again.
 */
function wholeRun(before: SimulatedWorld, after: SimulatedWorld, isLeft: (event: SessionEvent) => boolean) {
  const told = eventsOf(before.trace()).filter(({ seq }) => seq !== null);
  const isTold = new Set(told.map(({ sessionId, seq }) => `${sessionId} ${seq}`));
  const closed = new Set(told.flatMap(({ type, sessionId }) => (type === 'session.closed' ? [sessionId] : [])));
  const isClosedAgain = ({ type, sessionId, path }: SessionEvent) =>
    type === 'session.closed' && path.length > 1 && closed.has(sessionId);
  const untold = writtenIn(before, told).filter(({ sessionId, seq }) => !isTold.has(`${sessionId} ${seq}`));
  const rest = [...untold.filter(isLeft), ...writtenIn(after, told).filter((event) => !isClosedAgain(event))];
  return [
    ...told.filter((event) => isLeft(event) || isClosedAgain(event)),
    ...rest.toSorted((one, other) => other.path.length - one.path.length),
  ];
}

/** A root that was closed before it goes on is one run each time. */
function runsOf(events: readonly SessionEvent[]): readonly (readonly SessionEvent[])[] {
  const at = events.findIndex(({ type, path }) => type === 'session.closed' && path.length === 1);
  return at === -1 || at === events.length - 1 ? [events] : [events.slice(0, at + 1), events.slice(at + 1)];
}

/** What was written to the logs, as it would have been told. */
function writtenIn({ trace }: SimulatedWorld, before: readonly SessionEvent[]): SessionEvent[] {
  const paths = new Map(before.map(({ sessionId, path }) => [sessionId, path]));
  return trace().flatMap((entry) => {
    if (entry.type !== 'log.written') return [];
    const { sessionId, record } = entry;
    const { payload, ...place } = record;
    return [
      {
        ...place,
        sessionId,
        path: paths.get(sessionId) ?? [{ sessionId, kind: 'root' }],
        ...(payload as object),
      } as SessionEvent,
    ]; // As the gate wrote it.
  });
}

const LINE_FEED = 0x0a;

/** What was synced, and some of the rest. */
export function whatIsLeft({ logStore, rng }: SimulatedWorld, id: string): Uint8Array {
  const [synced, written] = [logStore.syncedBytes(id), logStore.bytes(id)];
  return written.slice(0, synced.length + rng.integer(0, written.length - synced.length));
}

/** An end that was told without a word that it is not safe. */
function isAcknowledged(event: SessionEvent): boolean {
  return isTerminal(event) && !('durable' in event);
}

/** The beginnings of commands that did run: such a record is on the disk before the command starts. */
function commandsThatRan(told: readonly SessionEvent[]): readonly SessionEvent[] {
  const ran = new Set(
    told.flatMap((event) => {
      if (event.type === 'item.delta') return [event.itemId];
      return event.type === 'item.completed' && 'exitCode' in event.item && event.item.exitCode !== null
        ? [event.item.id]
        : [];
    }),
  );
  return told.filter(
    (event) => event.type === 'item.started' && event.item.type === 'command_execution' && ran.has(event.item.id),
  );
}

/** Whether the record of an event has outlived the cut, in a log to which the one above leads. */
export function leftIn(
  { logStore }: SimulatedWorld,
  before: readonly SessionEvent[],
): (event: SessionEvent) => boolean {
  const lines = new Map(logStore.sessions().map((id) => [id, linesIn(logStore.bytes(id))]));
  const isWritten = ({ sessionId, seq }: SessionEvent) => (seq ?? 0) < (lines.get(sessionId) ?? 0);
  const openings = new Map(before.flatMap((event) => (event.type === 'child.opened' ? [[event.childId, event]] : [])));
  const isFound = ({ path }: SessionEvent) =>
    path.slice(1).every(({ sessionId }) => {
      const opening = openings.get(sessionId);
      return opening !== undefined && isWritten(opening);
    });
  return (event) => isWritten(event) && isFound(event);
}

function linesIn(bytes: Uint8Array): number {
  return bytes.reduce((lines, byte) => (byte === LINE_FEED ? lines + 1 : lines), 0);
}

/** The logs that the log's own law refuses, with its reason. */
export async function illegalLogs({ logStore }: SimulatedWorld): Promise<string[]> {
  const broken: string[] = [];
  for (const id of logStore.sessions()) {
    const bytes = logStore.bytes(id);
    if (!bytes.includes(LINE_FEED)) continue;
    const verdict = await verifyLog([bytes]);
    if (verdict.verdict !== 'legal') broken.push(`the log of ${id}: ${JSON.stringify(verdict)}`);
  }
  return broken;
}
