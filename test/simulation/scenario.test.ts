import { describe, expect, it } from 'vitest';
import { isTerminal } from '../../src/protocol/events.ts';
import { createIds, systemRng } from '../../src/runtime/ids.ts';
import type { WorldPorts } from '../../src/session-options.ts';
import { START_MS } from '../../src/testing/stepped-clock.ts';
import type { TraceEntry } from '../../src/testing/trace.ts';
import { type SimulatedWorld, world } from '../../src/testing/world.ts';
import { brokenLaws, eventsOf, historyIn } from './laws.ts';
import { type Ran, runScenario } from './scenario.ts';

const SEEDS = Array.from({ length: 50 }, (_, seed) => seed);

describe('a session that is simulated', () => {
  it('goes the same way for the same seed, to the last event, record and process', async () => {
    for (const seed of SEEDS.slice(0, 10)) {
      const [first, second] = [await runScenario(seed), await runScenario(seed)];
      expect(second.world.trace()).toEqual(first.world.trace());
      expect(second.world.traceHash()).toBe(first.world.traceHash());
    }
  });

  it('goes many ways, keeps the laws in each, and comes to rest', async () => {
    const all: Ran[] = [];
    for (const seed of SEEDS) {
      const ran = await runScenario(seed);
      expect({ seed, broken: brokenLaws(ran.world) }).toEqual({ seed, broken: [] });
      expect(ran.world.processes.alive()).toEqual([]);
      expect(historyIn(ran.world.log(ran.sessionId))).toEqual(ran.entries);
      all.push(ran);
    }
    expect(new Set(all.map((ran) => ran.world.traceHash())).size).toBe(SEEDS.length);
    expect(new Set(all.map(({ outcomes }) => outcomes.join(' ')))).toEqual(
      new Set(['completed completed aborted', 'completed aborted aborted']),
    );
  });

  it('asks at the root for what it does itself, and for what its sub-session does', async () => {
    const { world: simulated, sessionId } = await runScenario(5);
    const asked = eventsOf(simulated.trace()).flatMap((event) =>
      event.type === 'request.opened' ? [[event.path.map(({ kind }) => kind).join('/'), event.request.subject]] : [],
    );
    expect(asked).toMatchObject([
      ['root', { kind: 'command', shown: 'touch made' }],
      ['root/helper', { kind: 'command', shown: 'make test' }],
      ['root', { kind: 'command', shown: 'serve' }],
    ]);
    expect(simulated.files.tree()).toEqual({ '/work/made': '', '/work/notes/new.txt': 'hello\n' });
    const sessions = new Set(eventsOf(simulated.trace()).map((event) => event.sessionId));
    expect([...simulated.logStore.sessions()].sort()).toEqual([...sessions].sort());
    expect(sessions.has(sessionId)).toBe(true);
  });

  it('shows a terminal only when its record is on the disk', async () => {
    const { world: simulated } = await runScenario(3);
    const trace = simulated.trace();
    const order = trace.flatMap((entry, index) =>
      entry.type === 'event' && isTerminal(entry.event) ? [[entry.event, index] as const] : [],
    );
    expect(order.length).toBe(4);
    for (const [event, index] of order) {
      const before = trace.slice(0, index);
      expect(before).toContainEqual(
        expect.objectContaining({ sessionId: event.sessionId, record: expect.objectContaining({ seq: event.seq }) }),
      );
      expect(before.some((entry) => isSynced(entry, event.sessionId, event.seq ?? 0))).toBe(true);
    }
  });
});

function isSynced(entry: TraceEntry, sessionId: string, seq: number): boolean {
  return entry.type === 'log.synced' && entry.sessionId === sessionId && entry.upTo >= seq;
}

describe('the hash of a trace', () => {
  type Leak = Readonly<{
    ports?: (own: SimulatedWorld) => Partial<WorldPorts>;
    say?: () => string;
    afterMs?: () => number;
  }>;

  async function hashOf({ ports, say, afterMs }: Leak): Promise<string> {
    const simulated = world('leak');
    const model = simulated.model([() => ({ say: say?.() ?? 'Hi.', afterMs: afterMs?.() ?? 5 })]);
    const session = simulated.open({ model, world: ports?.(simulated) ?? {} });
    await simulated.settled(session.run('Hello.').outcome);
    await simulated.settled(session.close());
    return simulated.traceHash();
  }

  /** In whole numbers, one for each microsecond: two reads seldom give the same. */
  const realTime = () => START_MS + Math.floor(performance.now() * 1_000);

  it('stays the same as long as nothing leaks into the world', async () => {
    expect(await hashOf({})).toBe(await hashOf({}));
  });

  it.each<[string, Leak]>([
    ['real time where the session reads its clock', { ports: ({ clock }) => ({ clock: { ...clock, now: realTime } }) }],
    ['real chance in ids', { ports: ({ clock }) => ({ ids: createIds(clock, systemRng) }) }],
    ['real chance in what is said', { say: () => `I rolled ${Math.random()}.` }],
    ['real chance in a delay', { afterMs: () => Math.floor(Math.random() * 1_000_000) }],
  ])('shows %s', async (_, leak) => {
    expect(await hashOf(leak)).not.toBe(await hashOf(leak));
  });
});
