import * as z from 'zod';
import { defineTask, defineTool } from '../../src/index.ts';
import type { Decision } from '../../src/protocol/requests.ts';
import type { ScriptCall, ScriptStep } from '../../src/testing/index.ts';

export const RACE_STEPS = ['answers', 'asks', 'works', 'asks and works', 'never settles', 'fails', 'hangs'] as const;
export const RACE_DECISIONS = ['answered', 'denied', 'denied, all', 'abort', 'none'] as const;

const call = (name: string): ScriptCall => ({ name, arguments: {} });
export const STEPS: Readonly<Record<(typeof RACE_STEPS)[number], ScriptStep>> = {
  answers: { say: ['Do', 'ne.'] },
  asks: { call: call('ask') },
  works: { say: 'I work.', call: call('work') },
  'asks and works': { call: [call('ask'), call('work')] },
  'never settles': { call: call('never') },
  fails: { fail: {} },
  hangs: { say: ['Ha', 'lf'], hang: true },
};

const QUESTION = { kind: 'question', questions: [{ id: 'q', question: 'Shall I?' }] } as const;
export const DECISIONS: Readonly<Record<(typeof RACE_DECISIONS)[number], Decision | null>> = {
  answered: { decision: 'answered', answers: {} },
  denied: 'denied',
  'denied, all': { decision: 'denied', all: true },
  abort: 'abort',
  none: null,
};

const nothing = z.object({});
/** Waits for its turn. */
export type Turn = (whose: string) => Promise<void>;

export function toolsOf(turn: Turn) {
  const tool = (name: string, execute: Parameters<typeof defineTool<typeof nothing>>[0]['execute']) =>
    defineTool({ name, description: 'Does what it is called.', input: nothing, parallel: true, execute });
  return [
    tool('ask', async (_, { ask }) => {
      await ask(QUESTION);
      await turn('a tool that was allowed');
      return 'Asked.';
    }),
    tool('work', async () => {
      await turn('a tool');
      return 'Worked.';
    }),
    tool('never', () => new Promise<never>(() => {})),
  ];
}

export function kindsOf(turn: Turn) {
  return {
    helper: defineTask({
      input: nothing,
      async work(_, ports) {
        const { status } = await ports.delegate({ input: 'Help.' });
        return { status };
      },
      onAbort: () => turn('an abort hook'),
    }),
    beside: defineTask({
      input: nothing,
      placement: 'beside',
      async work(_, ports) {
        await turn('a work beside');
        await ports.ask(QUESTION).catch(() => {});
        return {};
      },
    }),
    breaks: defineTask({
      input: nothing,
      async work(): Promise<object> {
        await turn('a work that breaks');
        throw new Error('It broke.');
      },
      async onAbort() {
        await turn('a hook that breaks');
        throw new Error('It broke as well.');
      },
    }),
  };
}
