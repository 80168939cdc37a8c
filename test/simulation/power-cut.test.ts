import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask, defineTool, resumeSession, TroupeError } from '../../src/index.ts';
import { isTerminal } from '../../src/protocol/events.ts';
import { newRecovery, recover } from '../../src/rollout/recover.ts';
import { emptyState, replay } from '../../src/rollout/replay.ts';
import type { Script } from '../../src/testing/script.ts';
import type { SimulatedWorld } from '../../src/testing/world.ts';
import { brokenByCalls, eventsOf } from './laws.ts';
import { verifiedWorld } from './verified-world.ts';

const SEEDS = 30;
/** How many timers a whole run takes at most; the power is cut before one of them. */
const TIMERS = 160;

const helper = defineTask({
  input: z.string(),
  work: async (input, ports) => ({ inner: (await ports.delegate({ input, as: 'helper' })).status }),
});

/** A tool that takes its time, and what it has done by now. */
function effects(simulated: SimulatedWorld) {
  const done: string[] = [];
  const tool = defineTool({
    name: 'effect',
    description: 'Does something.',
    input: z.object({}),
    parallel: true,
    execute: async (_, { callId, signal }) => {
      done.push(callId);
      await simulated.clock.pass(simulated.rng.integer(0, 30), `the effect ${callId}`, signal);
      return 'done';
    },
  });
  return { tool, done };
}

const call = (callId: string) => ({ name: 'effect', arguments: {}, callId });

const SCRIPT: Script = {
  lanes: {
    root: [
      { say: 'I begin.', call: [call('a'), call('b')] },
      { call: call('c') },
      { say: 'one' },
      { call: call('d') },
      { say: 'two' },
    ],
    child: [{ call: call('e') }, { call: call('f') }, { say: 'helped' }],
  },
  pick: ({ history }) => (JSON.stringify(history).includes('help me') ? 'child' : 'root'),
};

/** Runs until the power is cut before the n-th timer. Only what was synced is left, and of the rest some of its beginning. */
async function cutAt(seed: number, timers: number) {
  const simulated = verifiedWorld(seed);
  const effect = effects(simulated);
  const session = simulated.open({ model: simulated.model(SCRIPT), tasks: { helper }, tools: [effect.tool] });
  void session.run('first');
  void session.start('helper', 'help me');
  void session.run('second', { whenBusy: 'queue' });
  let left = timers;
  await simulated.run(() => {
    left -= 1;
    return left < 0;
  });
  const logs = simulated.logStore.sessions().map((id) => {
    const [synced, written] = [simulated.logStore.syncedBytes(id), simulated.logStore.bytes(id)];
    const beyond = simulated.rng.integer(0, written.length - synced.length);
    return [id, Buffer.from(written.subarray(0, synced.length + beyond))] as const;
  });
  const safe = eventsOf(simulated.trace()).filter((event) => isTerminal(event) && !('durable' in event));
  return { sessionId: session.id, logs: new Map(logs), done: [...effect.done], safe };
}

async function stateOf(bytes: Uint8Array) {
  const [state, report, types] = [emptyState(), newRecovery(), [] as string[]];
  const started: string[] = [];
  for await (const record of recover([bytes], report)) {
    replay(state, record);
    types.push(record.type);
    if (record.type === 'item.started') started.push(JSON.stringify(record.payload));
  }
  return { state, report, types, started };
}

describe('a power cut at any moment', () => {
  it('takes no effect without a trace and no end that was told; a resume closes what was open, and goes on', async () => {
    let [begun, closed, refused] = [0, 0, 0];
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const { sessionId, logs, done, safe } = await cutAt(seed, 1 + ((seed * 37) % TIMERS));
      const found = new Map(
        await Promise.all([...logs].map(async ([id, bytes]) => [id, await stateOf(bytes)] as const)),
      );
      const started = [...found.values()].flatMap((one) => one.started).join('\n');
      expect({ seed, unlogged: done.filter((callId) => !started.includes(`"callId":"${callId}"`)) }).toEqual({
        seed,
        unlogged: [],
      });
      for (const event of safe) {
        const { state } = found.get(event.sessionId) ?? { state: emptyState() };
        expect({ seed, isThere: state.nextSeq > (event.seq ?? 0) }).toEqual({ seed, isThere: true });
      }

      const after = verifiedWorld(`${seed} after`);
      for (const [id, bytes] of logs) after.logStore.put(id, bytes);
      const effect = effects(after);
      const open = () =>
        resumeSession(sessionId, {
          model: after.model([{ say: 'on' }]),
          tools: [effect.tool],
          tasks: { helper },
          env: {},
          projectInstructions: false,
          world: after,
        });
      let session: Awaited<ReturnType<typeof open>>;
      try {
        session = await after.settled(open());
      } catch (error) {
        // Not even its opening was on the disk: then nothing can have been done.
        expect(error).toBeInstanceOf(TroupeError);
        expect({ seed, done, records: found.get(sessionId)?.report.records ?? 0 }).toEqual({
          seed,
          done: [],
          records: 0,
        });
        refused += 1;
        continue;
      }
      expect({ seed, broken: brokenByCalls(session.entries()), pending: session.pending() }).toEqual({
        seed,
        broken: [],
        pending: [],
      });
      // What was said and not taken is a task of its own, or part of this one.
      expect(await after.settled(session.run('go on').outcome)).toMatchObject({ status: 'completed', answer: 'on' });
      const entries = session.entries();
      await after.settled(session.close());
      await after.run();
      expect({ seed, done: effect.done }).toEqual({ seed, done: [] });
      const end = await stateOf(after.logStore.bytes(sessionId));
      expect({ seed, damage: end.report.damage, open: end.state.tasks.size, history: end.state.history }).toEqual({
        seed,
        damage: [],
        open: 0,
        history: entries,
      });
      for (const id of found.get(sessionId)?.state.children.keys() ?? []) {
        const child = await stateOf(after.logStore.bytes(id));
        if (child.types.length === 0) continue;
        expect({ seed, open: child.state.tasks.size, last: child.types.at(-1) }).toEqual({
          seed,
          open: 0,
          last: 'session.closed',
        });
        closed += 1;
      }
      begun += 1;
    }
    expect([begun > SEEDS / 2, closed > 0, refused > 0]).toEqual([true, true, true]);
  });
});
