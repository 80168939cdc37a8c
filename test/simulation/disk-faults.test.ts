import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { isTerminal } from '../../src/protocol/events.ts';
import type { FaultOf } from '../../src/testing/faults.ts';
import type { TraceEntry } from '../../src/testing/trace.ts';
import type { SimulatedWorld } from '../../src/testing/world.ts';
import { brokenByCalls, brokenLaws } from './laws.ts';
import { runScenario } from './scenario.ts';
import { verifiedWorld } from './verified-world.ts';

type Shown = Readonly<{ type: string; durable: boolean; waitedMs: number; reason: string | null }>;

/** What was told of a session that runs one task of one step, and how long each event waited to be told. */
async function shownWith(seed: number, fault: FaultOf<'logs'>): Promise<{ world: SimulatedWorld; shown: Shown[] }> {
  const simulated = verifiedWorld(seed, { faults: [fault] });
  const session = simulated.open({ model: simulated.model([{ say: 'Hi.' }]) });
  await simulated.settled(session.run('Hello.').outcome);
  await simulated.settled(session.close());
  await simulated.run();
  return { world: simulated, shown: simulated.trace().flatMap(shownOf) };
}

function shownOf(entry: TraceEntry): Shown[] {
  if (entry.type !== 'event' || entry.event.seq === null) return [];
  const { event, at } = entry;
  const reason = event.type === 'session.degraded' ? event.reason : null;
  return [{ type: event.type, durable: !('durable' in event), waitedMs: at - Date.parse(event.time), reason }];
}

/** From the terminal on. */
function ending(shown: readonly Shown[]): readonly Shown[] {
  return shown.slice(shown.findIndex(isTerminal));
}

const SEEDS = Array.from({ length: 12 }, (_, seed) => seed);
const { commitMs } = DEFAULT_LIMITS;

describe('the disk of a session that is simulated', () => {
  it('hangs, and the terminal comes after the commit bound as not durable; then the session is degraded', async () => {
    for (const seed of SEEDS) {
      const { shown } = await shownWith(seed, { port: 'logs', operation: 'sync', n: 1, how: 'hangs' });
      expect(ending(shown)).toEqual([
        { type: 'task.completed', durable: false, waitedMs: commitMs, reason: null },
        {
          type: 'session.degraded',
          durable: true,
          waitedMs: 0,
          reason: 'the log did not confirm a record within 500 ms',
        },
        { type: 'session.closed', durable: true, waitedMs: 0, reason: null },
      ]);
    }
  });

  it('fails under the terminal, which comes without waiting as not durable; then the session is degraded', async () => {
    const endings: (readonly Shown[])[] = [];
    for (const seed of SEEDS) {
      const { shown } = await shownWith(seed, { port: 'logs', operation: 'sync', n: 2, how: 'EIO' });
      const isFirst = shown.findIndex(({ durable }) => !durable) < shown.findIndex(({ reason }) => reason !== null);
      if (isFirst) endings.push(ending(shown));
    }
    expect(endings.length).toBeGreaterThan(3);
    for (const [terminal, degraded, closed] of endings) {
      expect(terminal).toEqual({ type: 'task.completed', durable: false, waitedMs: expect.any(Number), reason: null });
      expect(terminal?.waitedMs).toBeLessThan(commitMs);
      const reason = expect.stringContaining('EIO: i/o error, sync number 2 of the log store');
      expect(degraded).toEqual({ type: 'session.degraded', durable: true, waitedMs: 0, reason });
      expect(closed).toMatchObject({ type: 'session.closed' });
    }
  });

  it('fails before the terminal, and the session is degraded at once; the terminal says that it is not durable', async () => {
    const { shown } = await shownWith(1, { port: 'logs', operation: 'create', n: 1, how: 'EIO' });
    const types = shown.map(({ type }) => type);
    expect(types.indexOf('session.degraded')).toBeGreaterThan(0);
    expect(ending(shown)[0]).toMatchObject({ type: 'task.completed', durable: false });
  });

  const faults = (['create', 'append', 'sync', 'close'] as const).flatMap((operation) =>
    [1, 2, 3, 5, 8].flatMap((n) =>
      (['EIO', 'hangs'] as const).map((how) => ({ port: 'logs' as const, operation, n, how })),
    ),
  );

  it.each(faults)(
    '$how at the $operation number $n, and every law holds but those of the disk itself',
    async (fault) => {
      for (const seed of [1, 2]) {
        const { world: simulated, entries, outcomes } = await runScenario(seed, { faults: [fault] });
        const hanging = simulated.waiting().filter((what) => what.startsWith('for ever: '));
        expect(hanging.length).toBeLessThanOrEqual(1);
        const broken = [...brokenLaws(simulated), ...brokenByCalls(entries)].filter(
          (law) => !hanging.some((what) => law.endsWith(what)),
        );
        expect({ seed, broken, asked: outcomes.length }).toEqual({ seed, broken: [], asked: 3 });
      }
    },
  );
});
