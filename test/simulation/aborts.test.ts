import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import { isTerminal } from '../../src/protocol/events.ts';
import { defineTask } from '../../src/tasks/define-task.ts';
import type { SimulatedWorld } from '../../src/testing/world.ts';
import { brokenLaws, eventsOf } from './laws.ts';
import { verifiedWorld } from './verified-world.ts';

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed);
const { graceMs, killMs } = DEFAULT_LIMITS;

/** How long each task took from the abort of the first to its own end; a session below counts as well. */
function abortTimes(simulated: SimulatedWorld): number[] {
  const events = eventsOf(simulated.trace());
  const begun = events.find(({ type }) => type === 'task.aborting');
  return events.filter(isTerminal).map(({ time }) => Date.parse(time) - Date.parse(begun?.time ?? time));
}

describe('an abort in a simulated world', () => {
  const abortOf = async (seed: number, onTerm: 'ends' | 'ignored', onKill: 'ends' | 'ignored') => {
    const simulated = verifiedWorld(seed);
    simulated.command('serve', { output: ['up\n'], exitCode: null, onTerm, onKill });
    const model = simulated.model([{ call: { name: 'shell', arguments: { command: 'serve' } } }]);
    const session = simulated.open({ model, sandbox: 'danger-full-access' });
    const task = session.run('Serve.');
    await simulated.run(() => simulated.processes.alive().length > 0);
    const { processes } = await simulated.settled(task.abort());
    await simulated.settled(session.close());
    await simulated.run();
    return { seed, processes, inTime: Math.max(...abortTimes(simulated)) <= graceMs + killMs };
  };

  it('counts the process that ended when it was told to', async () => {
    for (const seed of SEEDS) {
      const processes = { killed: 1, survivors: 0 };
      expect(await abortOf(seed, 'ends', 'ends')).toEqual({ seed, processes, inTime: true });
    }
  });

  it('counts the process that had to be killed', async () => {
    for (const seed of SEEDS) {
      const processes = { killed: 1, survivors: 0 };
      expect(await abortOf(seed, 'ignored', 'ends')).toEqual({ seed, processes, inTime: true });
    }
  });

  it('names the process that survived', async () => {
    for (const seed of SEEDS) {
      const processes = { killed: 0, survivors: 1 };
      expect(await abortOf(seed, 'ignored', 'ignored')).toMatchObject({ seed, processes });
    }
  });

  it('ends within the grace and the kill bound also when a process survives', async () => {
    for (const seed of SEEDS) expect(await abortOf(seed, 'ignored', 'ignored')).toMatchObject({ seed, inTime: true });
  });

  it('is told once, whoever aborts again', async () => {
    const simulated = verifiedWorld(1);
    const session = simulated.open({ model: simulated.model([{ hang: true }]) });
    const task = session.run('Wait.');
    await simulated.run(() => simulated.clock.timers === 0);
    void task.abort();
    void session.interrupt();
    await simulated.settled(session.close());
    const reasons = eventsOf(simulated.trace()).flatMap((event) =>
      'reason' in event ? [[event.type, event.reason]] : [],
    );
    expect(reasons).toEqual([
      ['task.aborting', 'interrupted'],
      ['task.aborted', 'interrupted'],
    ]);
  });

  it('leaves no request open at the root that a sub-session withdrew before it was on the disk', async () => {
    const asker = defineTask({
      input: z.object({}),
      async work(_, ports) {
        const question = { id: 'q', question: 'Really?' };
        await ports.ask({ kind: 'question', questions: [question] });
        return {};
      },
    });
    const outer = defineTask({
      input: z.object({}),
      work: async (_, ports) => ({ inner: (await ports.delegate({ kind: 'asker', input: {} })).status }),
    });
    for (const seed of SEEDS) {
      const simulated = verifiedWorld(seed);
      const session = simulated.open({
        model: simulated.model([]),
        tasks: { asker, outer },
        onRequest: () => undefined,
      });
      const task = session.start('outer', {});
      await simulated.run(() => session.children().some((child) => child.pending().length > 0));
      await simulated.settled(task.abort());
      await simulated.run();
      expect({ seed, pending: session.pending() }).toEqual({ seed, pending: [] });
      await simulated.settled(session.close());
      expect({ seed, broken: brokenLaws(simulated) }).toEqual({ seed, broken: [] });
    }
  });

  it('is the end of what is told of a task, also when its hook takes too long and then wants to say something', async () => {
    const slow = defineTask({
      input: z.object({}),
      work: (_, _ports, signal) =>
        new Promise<object>((resolve) => signal.addEventListener('abort', () => resolve({}), { once: true })),
      async onAbort(_, ports) {
        await new Promise<void>((resolve) => void ports.clock.setTimeout(resolve, 2 * killMs));
        ports.commit({ type: 'warning.raised', code: 'tidied', message: 'All is tidy.' });
      },
    });
    const simulated = verifiedWorld(1);
    const session = simulated.open({ model: simulated.model([]), tasks: { slow } });
    const task = session.start('slow', {});
    await simulated.run(() => simulated.clock.timers === 0);
    await simulated.settled(task.abort());
    await simulated.run();
    await simulated.settled(session.close());
    await simulated.run();
    expect(brokenLaws(simulated)).toEqual([]);
  });

  it('ends at every depth within the grace and the kill bound, though no function returns and a hook takes all the time', async () => {
    const nest = defineTask({
      input: z.object({ depth: z.number() }),
      async work({ depth }, ports) {
        if (depth > 0) await ports.delegate({ kind: 'nest', input: { depth: depth - 1 } });
        return new Promise<object>(() => {});
      },
      onAbort: ({ depth }, ports) =>
        depth > 0 ? undefined : new Promise<void>((resolve) => void ports.clock.setTimeout(resolve, 10 * killMs)),
    });
    const simulated = verifiedWorld(1);
    const session = simulated.open({ model: simulated.model([]), tasks: { nest } });
    const task = session.start('nest', { depth: 3 });
    await simulated.run(() => simulated.clock.timers === 0);
    await simulated.settled(task.abort());
    const times = abortTimes(simulated);
    expect(times).toHaveLength(4);
    expect(Math.max(...times)).toBeLessThanOrEqual(graceMs + killMs);
  });
});
