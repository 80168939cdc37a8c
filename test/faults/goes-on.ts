import { memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import type { WorldFault } from '../../src/testing/faults.ts';
import { type SimulatedWorld, world } from '../../src/testing/world.ts';
import { afterCut, whatIsLeft } from '../simulation/after-cut.ts';
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
    const byLogs = later.length > 0 || stage.world.met().length > 1;
    const after = await afterCut(id, before, id, { byLogs });
    broken.push(...after.broken);
  }
  return { met, broken };
}

/** The session goes on, as far as these faults let it; the world in which it has, with all that was told before and is left. */
async function wentOn(id: string, before: SimulatedWorld, faults: readonly WorldFault[]): Promise<SimulatedWorld> {
  const simulated = world(`${id} between the cuts`, { faults });
  for (const one of before.logStore.sessions()) simulated.logStore.put(one, whatIsLeft(before, one));
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
  return { ...simulated, logStore, trace: () => [...before.trace(), ...simulated.trace()] };
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
