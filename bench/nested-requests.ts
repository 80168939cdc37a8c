import * as z from 'zod';
import { createSession, defineTask, defineTool, openaiModel } from '../src/index.ts';
import type { Bench, Figures } from './measures.ts';
import { USER_TEXT } from './peer.ts';

/** How deep the session is that asks, counted from the root. */
export const DEPTHS = [1, 3, 8] as const;
/** Tool calls in a turn of this model of the server, one a step. */
const MODEL = 'tools-5';
const ROUNDS = 5;

const noop = defineTool({
  name: 'noop',
  description: 'Does nothing, once it is allowed to.',
  input: z.object({}),
  check: () => ({
    verdict: 'ask',
    key: 'noop',
    subject: { kind: 'question', questions: [{ id: 'go-on', question: 'Shall I go on?' }] },
  }),
  execute: () => '',
});

const nest = defineTask({
  input: z.object({ levels: z.number(), turns: z.number() }),
  async work({ levels, turns }, ports) {
    if (levels > 1) return { outcome: await ports.delegate({ kind: 'nest', input: { levels: levels - 1, turns } }) };
    for (let done = 0; done < turns; done += 1) {
      const outcome = await ports.delegate({ input: USER_TEXT });
      if (outcome.status !== 'completed') throw new Error(`Expected a turn to complete, it ${outcome.status}.`);
    }
    return { outcome: null };
  },
});

/**
 * CPU for a tool round in which a session at some depth asks, and is answered at the root: a model request, the request, the
 * decision, the call. The baseline does the same round in its loop, and asks nobody.
 */
export async function measureNestedRequests({ name, peer, size, serverURL }: Bench): Promise<Figures> {
  const figures: Record<string, number> = {};
  for (const depth of DEPTHS) {
    const turns = async (count: number) => {
      if (name === 'baseline') {
        for (let done = 0; done < count; done += 1) {
          const conversation = peer.open(MODEL);
          await conversation.turn();
          await conversation.close();
        }
        return;
      }
      const session = createSession({
        model: openaiModel({ model: MODEL, apiKey: 'none', baseURL: serverURL }),
        tasks: { nest },
        tools: [noop],
        rollout: 'off',
        projectInstructions: false,
        checkpoints: 'off',
        limits: { requestsPerMinuteMax: null, requestsOpenMax: null },
        onRequest: () => 'approved',
      });
      await session.start('nest', { levels: depth, turns: count }).orThrow();
      await session.close();
    };
    await turns(size.warmUp);
    const start = process.cpuUsage();
    await turns(size.count);
    const { user, system } = process.cpuUsage(start);
    figures[`depth${depth}CpuMs`] = (user + system) / 1_000 / size.count / ROUNDS;
  }
  return figures;
}
