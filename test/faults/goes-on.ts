import type { SessionEvent } from '../../src/index.ts';
import { type MemoryLogStore, memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import type { WorldFault } from '../../src/testing/faults.ts';
import type { TraceEntry } from '../../src/testing/trace.ts';
import { type SimulatedWorld, world } from '../../src/testing/world.ts';
import { afterCut, leftIn, whatIsLeft } from '../simulation/after-cut.ts';
import { eventsOf } from '../simulation/laws.ts';
import { KINDS } from './kinds.ts';
import { type Staged, talk } from './stage.ts';

type WentOn = Readonly<{ met: readonly WorldFault[]; broken: readonly string[] }>;

/**
 * After a power cut: each session that the scenario opened goes on in a world where nothing goes wrong, by itself. Where `later`
 * has something, it goes on in one before where that goes wrong, until the power is cut there as well.
 */
export async function goesOn(stage: Staged, later: readonly WorldFault[]): Promise<WentOn> {
  const broken: string[] = [];
  const met: WorldFault[] = [];
  for (const id of new Set(stage.sessions().map((session) => session.id))) {
    let before = treeOf(stage.world, id);
    if (later.length > 0) {
      const between = await wentOn(id, before, later);
      met.push(...between.met());
      before = between;
    }
    const after = await afterCut(id, before, id);
    broken.push(...after.broken);
  }
  return { met, broken };
}

/** The session goes on, as far as these faults let it; the world in which it has, with all that was told before and is left. */
async function wentOn(id: string, before: SimulatedWorld, faults: readonly WorldFault[]): Promise<SimulatedWorld> {
  const simulated = world(`${id} between the cuts`, { faults });
  for (const one of before.logStore.sessions()) simulated.logStore.put(one, whatIsLeft(before, one));
  const isLeft = leftIn(simulated, eventsOf(before.trace()));
  const lines = linesOf(simulated.logStore);
  const kept = before.trace().filter((entry) => {
    if (entry.type === 'event') return entry.event.seq !== null && isLeft(entry.event);
    return entry.type !== 'log.written' || entry.record.seq < (lines.get(entry.sessionId) ?? 0);
  });
  const opening = simulated.resume(id, {
    model: simulated.model(talk({ say: 'on' })),
    tasks: KINDS,
    projectInstructions: false,
  });
  // It may be rejected, and it may hang: then nothing was done.
  opening.then(
    (session) => void session.run('Go on, if you can.'),
    () => {},
  );
  await simulated.run();
  const logStore = memoryLogStore();
  for (const one of simulated.logStore.sessions()) logStore.put(one, whatIsLeft(simulated, one));
  const left = linesOf(logStore);
  const paths = new Map(eventsOf(kept).map(({ sessionId, path }) => [sessionId, path]));
  const given = new Set(eventsOf(simulated.trace()).flatMap(givenUp));
  const isGivenUp = (path: SessionEvent['path'] | undefined) =>
    path === undefined || path.some(({ sessionId }) => given.has(sessionId));
  // Of sub-sessions that are closed only their logs are told: here, before their parent is.
  const asTold = (entry: TraceEntry): TraceEntry[] => {
    if (entry.type !== 'log.written' || entry.sessionId === id) return [entry];
    const { payload, ...place } = entry.record;
    if (place.seq >= (left.get(entry.sessionId) ?? 0)) return [];
    const event = { ...place, sessionId: entry.sessionId, path: paths.get(entry.sessionId), ...(payload as object) };
    return [{ type: 'event', at: entry.at, event: { ...event, durable: false } as SessionEvent }]; // As the resume wrote it.
  };
  const trace = [...kept, ...simulated.trace().flatMap(asTold)].filter((entry) => {
    if (entry.type === 'event') return !isGivenUp(entry.event.path);
    return entry.type !== 'log.written' || !isGivenUp(paths.get(entry.sessionId));
  });
  return { ...simulated, logStore, trace: () => trace };
}

/** How many whole lines each log has. */
function linesOf(store: MemoryLogStore): ReadonlyMap<string, number> {
  return new Map(store.sessions().map((id) => [id, Buffer.from(store.bytes(id)).toString().split('\n').length - 1]));
}

/** The sub-sessions of which a resume says that it could not close their logs: they stay as they are. */
function givenUp(event: SessionEvent): string[] {
  if (event.type !== 'session.resumed') return [];
  return event.damage.flatMap(
    (words) => /^The log of the sub-session (\S+) could not be closed/.exec(words)?.[1] ?? [],
  );
}

/** The world as one root and all below it have seen it, since it was opened last. */
function treeOf(before: SimulatedWorld, rootId: string): SimulatedWorld {
  const trace = before.trace();
  const events = eventsOf(trace);
  const last = Math.max(0, ...events.flatMap(({ sessionId, epoch }) => (sessionId === rootId ? epoch : [])));
  const ids = new Set(events.flatMap(({ path, sessionId }) => (path[0]?.sessionId === rootId ? sessionId : [])));
  const isOf = (sessionId: string, epoch: number) => ids.has(sessionId) && (sessionId !== rootId || epoch === last);
  return {
    ...before,
    trace: () =>
      trace.filter((entry) => {
        if (entry.type === 'event') return isOf(entry.event.sessionId, entry.event.epoch);
        return entry.type !== 'log.written' || isOf(entry.sessionId, entry.record.epoch);
      }),
  };
}
