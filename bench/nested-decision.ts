import * as z from 'zod';
import { createSession, defineTask, openaiModel, type RequestSubject } from '../src/index.ts';
import type { Figures } from './measures.ts';
import type { Size } from './scenarios.ts';
import { quantile } from './statistics.ts';

/** Sub-sessions between the root and the asker, the asker's own included. */
const DEPTH = 8;
const QUESTION: RequestSubject = { kind: 'question', questions: [{ id: 'go-on', question: 'Shall I go on?' }] };

/**
 * The time from `session.answer` at the root to the first statement of the asker after it, at depth 8. The works run
 * once, however often is asked: a second run of one is an error.
 */
export async function measureDecisions({ warmUp, count }: Size): Promise<Figures> {
  let works = 0;
  let answeredAt = 0;
  const latenciesUs: number[] = [];
  const nest = defineTask({
    input: z.object({ levels: z.number() }),
    async work({ levels }, ports) {
      works += 1;
      if (levels > 0) {
        const { status } = await ports.delegate({ kind: 'nest', input: { levels: levels - 1 } });
        return { status };
      }
      for (let asked = 0; asked < warmUp + count; asked += 1) {
        await ports.ask(QUESTION);
        latenciesUs.push((performance.now() - answeredAt) * 1_000);
      }
      return { status: 'completed' };
    },
  });
  // No model is asked anything here.
  const model = openaiModel({ model: 'none', apiKey: 'none', baseURL: 'http://127.0.0.1:1/v1' });
  const session = createSession({
    model,
    tasks: { nest },
    rollout: 'off',
    limits: { depthMax: DEPTH, requestsPerMinuteMax: null },
  });
  session.requests$.subscribe(({ id }) => {
    // A person answers later, never from within the stream.
    setImmediate(() => {
      answeredAt = performance.now();
      session.answer(id, { decision: 'answered', answers: { 'go-on': 'yes' } });
    });
  });
  const { status } = await session.start('nest', { levels: DEPTH }).orThrow();
  await session.close();
  if (status !== 'completed' || works !== DEPTH + 1) {
    throw new Error(`Expected ${DEPTH + 1} works, each run once and completed, got ${works} runs and "${status}".`);
  }
  const measured = latenciesUs.slice(warmUp);
  return { p50Us: quantile(measured, 0.5), p99Us: quantile(measured, 0.99) };
}
