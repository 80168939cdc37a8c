import { z } from 'zod';
import { pause } from '../../src/model/pause.ts';
import { defineTask } from '../../src/tasks/define-task.ts';

const NEVER = new AbortController().signal;

/** Is done by a sub-session, or by one of its own kind, so deep. */
const nested = defineTask({
  input: z.object({ depth: z.number(), asks: z.boolean().optional() }),
  async work({ depth, asks = false }, ports) {
    const question = { kind: 'question', questions: [{ id: 'q', question: 'Really?' }] } as const;
    if (asks) await ports.ask(question).catch(() => {});
    const outcome =
      depth === 0
        ? await ports.delegate({ input: 'Go.' })
        : await ports.delegate({ kind: 'nested', input: { depth: depth - 1, asks } });
    return { inner: outcome.status };
  },
});

/** Has two sub-sessions at once. */
const pair = defineTask({
  input: z.object({}),
  async work(_, ports) {
    const outcomes = await Promise.all([ports.delegate({ input: 'One.' }), ports.delegate({ input: 'Two.' })]);
    return { statuses: outcomes.map(({ status }) => status) };
  },
});

/** Takes its time beside whatever runs, and tidies up when it is aborted. */
const beside = defineTask({
  input: z.object({ takesMs: z.number() }),
  placement: 'beside',
  async work({ takesMs }, ports, signal) {
    await pause(ports.clock, takesMs, signal);
    return {};
  },
  async onAbort(_, ports) {
    await pause(ports.clock, 20, NEVER);
  },
});

/** The kinds of all scenarios: one set, so that its charts are made once. */
export const KINDS = { nested, pair, beside };
