import { describe, expect, it } from 'vitest';
import type { ModelProgress, ModelRequest } from '../../src/model/port.ts';
import { START_MS } from '../../src/testing/stepped-clock.ts';
import { type SimulatedWorld, STEPS_MAX, world } from '../../src/testing/world.ts';

const passed = (simulated: SimulatedWorld) => simulated.clock.now() - START_MS;

describe('a simulated world', () => {
  it('lets time pass from deadline to deadline, and what needs no time happen in between', async () => {
    const simulated = world(1);
    const seen: [number, string][] = [];
    const note = (what: string) => seen.push([passed(simulated), what]);
    const work = async (name: string, ms: number) => {
      for (let round = 0; round < 2; round += 1) {
        await simulated.clock.pass(ms, name);
        await null;
        note(name);
      }
    };
    void work('a', 20);
    void work('b', 30);
    expect(await simulated.run()).toBe(true);
    expect(seen).toEqual([
      [20, 'a'],
      [30, 'b'],
      [40, 'a'],
      [60, 'b'],
    ]);
    expect(simulated.waiting()).toEqual([]);
  });

  it('stops where it is told to, and says whether it came to that', async () => {
    const simulated = world(1);
    for (const ms of [10, 20, 30]) simulated.clock.setTimeout(() => {}, ms);
    expect(await simulated.run(() => passed(simulated) >= 20)).toBe(true);
    expect(passed(simulated)).toBe(20);
    expect(await simulated.run(() => passed(simulated) >= 1_000)).toBe(false);
    expect(passed(simulated)).toBe(30);
  });

  it('gives what a promise came to, and fails as it does', async () => {
    const simulated = world(1);
    const later = async <T>(value: T) => {
      await simulated.clock.pass(50, 'later');
      return value;
    };
    expect(await simulated.settled(later('value'))).toBe('value');
    const failing = later(null).then(() => {
      throw new Error('it failed');
    });
    await expect(simulated.settled(failing)).rejects.toThrow('it failed');
  });

  it('says what is waited for when a promise cannot settle any more', async () => {
    const simulated = world(1);
    void simulated.clock.hang('the sync of a dead disk');
    await expect(simulated.settled(new Promise(() => {}))).rejects.toThrow(
      'Expected a promise to settle, but nothing is left that could happen. What is waited for:\n- for ever: the sync of a dead disk\n',
    );
    await expect(world(1).settled(new Promise(() => {}))).rejects.toThrow('Nothing is waited for.');
  });

  it('says what is waited for when it does not come to rest', async () => {
    const simulated = world(1);
    const again = () => void simulated.clock.pass(7, 'the next beat').then(again);
    again();
    for (let count = 0; count < 12; count += 1) void simulated.clock.hang(`hanging ${count}`);
    const named = Array.from({ length: 9 }, (_, count) => `- for ever: hanging ${count}\n`).join('');
    await expect(simulated.run()).rejects.toThrow(
      `The world does not come to rest: ${STEPS_MAX} timers were fired. What is waited for:\n- in 7 ms: the next beat\n${named}- and 3 more\n`,
    );
  });

  it('passes on what a timer throws, and can run again', async () => {
    const simulated = world(1);
    simulated.clock.setTimeout(() => {
      throw new Error('broken timer');
    }, 1);
    await expect(simulated.run()).rejects.toThrow('broken timer');
    expect(await simulated.run()).toBe(true);
  });

  it('is run by one at a time', async () => {
    const simulated = world(1);
    const first = simulated.run();
    await expect(simulated.run()).rejects.toThrow('Expected one run of the world at a time');
    await first;
  });

  it('gives each seed its own ids, and the same seed the same', () => {
    const idsOf = (seed: number | string) => {
      const { ids } = world(seed);
      return [ids.next(), ids.next(), ids.secret()];
    };
    expect(idsOf(1)).toEqual(idsOf(1));
    expect(new Set([...idsOf(1), ...idsOf(2), ...idsOf('two')]).size).toBe(9);
  });

  it('opens sessions in a place of its own, and traces what they tell and what is logged of it', async () => {
    const simulated = world(11);
    const session = simulated.open({ model: simulated.model([{ say: 'Hi.' }]) });
    await simulated.settled(session.run('Hello.').outcome);
    await simulated.settled(session.close());
    await simulated.run();
    const trace = simulated.trace();
    const told = trace.flatMap((entry) => (entry.type === 'event' && entry.event.seq !== null ? entry.event.seq : []));
    const written = trace.flatMap((entry) => (entry.type === 'log.written' ? entry.record : []));
    expect(written).toEqual(simulated.log(session.id));
    expect(told).toEqual(written.map(({ seq }) => seq));
    expect(trace).toContainEqual(
      expect.objectContaining({
        event: expect.objectContaining({ context: expect.objectContaining({ cwd: '/work' }) }),
      }),
    );
    expect(simulated.logStore.isOpen(session.id)).toBe(false);
    expect(simulated.traceHash()).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('a model of a simulated world', () => {
  const request: ModelRequest = {
    instructions: null,
    history: [],
    tools: [],
    parallelToolCalls: false,
    cacheKey: 'session',
  };
  const SEEDS = Array.from({ length: 30 }, (_, seed) => seed);

  it('tells the same as the script in as much time as the seed says', async () => {
    const times = new Set<number>();
    for (const seed of SEEDS) {
      const simulated = world(seed);
      const model = simulated.model([{ say: ['Hel', 'lo'] }]);
      const told: ModelProgress[] = [];
      const answer = model.sample(request, (progress) => told.push(progress), new AbortController().signal);
      expect(await simulated.settled(answer)).toMatchObject({ status: 'completed', outputs: [{ text: 'Hello' }] });
      expect(told.map((progress) => ('delta' in progress ? progress.delta : progress.type))).toEqual([
        'output.started',
        'Hel',
        'lo',
        'output.completed',
      ]);
      model.verify();
      times.add(passed(simulated));
    }
    expect(times.size).toBeGreaterThan(10);
  });

  it('tells nothing after an abort, and ends when its connection is closed', async () => {
    for (const seed of SEEDS) {
      const simulated = world(seed);
      const model = simulated.model([{ say: ['Hel', 'lo'], hang: true }]);
      const stop = new AbortController();
      let told = 0;
      let toldAtAbort = Number.NaN;
      const listen = () => {
        told += 1;
      };
      const answer = model.sample(request, listen, stop.signal);
      simulated.clock.setTimeout(() => {
        toldAtAbort = told;
        stop.abort();
      }, 100);
      expect(await simulated.settled(answer)).toEqual({ status: 'aborted' });
      expect(told).toBe(toldAtAbort);
      expect(simulated.waiting()).toEqual([]);
    }
  });

  it('fails when who listens to it throws', async () => {
    const simulated = world(1);
    const listen = () => {
      throw new Error('broken listener');
    };
    const answer = simulated.model([{ say: 'Hi.' }]).sample(request, listen, new AbortController().signal);
    expect(await simulated.settled(answer)).toMatchObject({
      status: 'failed',
      error: { code: 'internal', message: 'A listener to the model threw: broken listener' },
    });
  });
});

describe('the log store of a simulated world', () => {
  const bytes = new TextEncoder().encode('');

  it.each(['EIO', 'hangs'] as const)(
    'goes wrong with %s at the operation that it was told to, and at no other',
    async (how) => {
      const simulated = world(1, { faults: [{ port: 'logs', operation: 'sync', n: 2, how }] });
      const file = await simulated.settled(simulated.logStore.create('one', START_MS));
      await simulated.settled(file.append(bytes));
      await simulated.settled(file.sync());
      await expect(simulated.settled(file.sync())).rejects.toThrow(
        how === 'EIO' ? 'EIO: i/o error, sync number 2' : '- for ever: sync number 2 of the log store',
      );
      const other = await simulated.settled(simulated.logStore.create('two', START_MS));
      await simulated.settled(other.sync());
      expect(simulated.trace().map(({ type }) => type)).toEqual(['log.synced', 'log.synced']);
    },
  );

  it('takes whole records only', async () => {
    const simulated = world(1);
    const file = await simulated.settled(simulated.logStore.create('one', START_MS));
    await expect(simulated.settled(file.append(new TextEncoder().encode('{}\n')))).rejects.toThrow(
      'Expected whole records to be appended',
    );
  });
});
