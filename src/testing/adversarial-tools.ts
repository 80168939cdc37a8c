import * as z from 'zod';
import { defineTool, type ToolReturn } from '../tools/define-tool.ts';
import type { Tool, ToolScope } from '../tools/tool.ts';

const QUESTION = { kind: 'question', questions: [{ id: 'q', question: 'Shall I?' }] } as const;
const FLOOD_TIMES = 2_000;
const never = () => new Promise<never>(() => {});

type Execute = (scope: ToolScope) => ToolReturn | Promise<ToolReturn>;
const tool = (name: string, execute: Execute): Tool =>
  defineTool({
    name,
    description: 'Does what no tool is to do.',
    input: z.object({}),
    execute: (_, scope) => execute(scope),
  });

/** Tools that do what no tool is to do, by what that is; each takes `{}`. */
export const adversarialTools: Readonly<Record<string, Tool>> = {
  'never settles': tool('never_settles', never),
  'ignores an abort': tool('ignores_abort', async ({ signal, ask, progress }) => {
    await aborted(signal);
    progress('Still here.');
    await ask(QUESTION).catch(() => {});
    return never();
  }),
  'asks and does not wait': tool('asks_and_goes', ({ ask }) => {
    ask(QUESTION).catch(() => {});
    return 'Gone.';
  }),
  floods: tool('floods', ({ progress }) => {
    for (let count = 0; count < FLOOD_TIMES; count += 1) progress('…'.repeat(100));
    return '…'.repeat(100_000);
  }),
  throws: tool('throws', () => {
    throw new Error('The tool broke.');
  }),
  'throws nothing': tool('throws_nothing', () => {
    throw undefined;
  }),
  'returns nothing': tool('returns_nothing', () => undefined),
  'returns a circle': tool('returns_circle', () => {
    const circle: { self?: object; big: bigint } = { big: 1n };
    circle.self = circle;
    return circle;
  }),
  'gives an output that is no text': {
    ...tool('gives_no_text', () => ''),
    execute: async () => ({ output: { no: 'text' } as never, success: true }), // What no type allows.
  },
  'throws before it runs': {
    ...tool('throws_before', () => ''),
    check() {
      throw new Error('The check broke.');
    },
    present() {
      throw new Error('The item broke.');
    },
  },
};

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
