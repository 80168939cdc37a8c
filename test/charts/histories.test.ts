import fc, { type AsyncCommand } from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type Act, afterAct, type CallerModel, isPossible, NEW_CALLER } from './caller-model.ts';
import { type CallerSession, openCallerSession } from './caller-session.ts';

const HISTORIES = 25;
const ACTS_MAX = 300;

type Kept = { model: CallerModel };

const ACTS: readonly Exclude<Act['type'], 'abort' | 'close'>[] = [
  'run',
  'run in its place',
  'run unless busy',
  'start beside',
  'steer',
  'steer',
  'cancel',
  'abort what is in the foreground',
  'interrupt',
  'the model answers',
  'the model says half and hangs',
  'the model fails',
  'the model looks',
  'the model asks',
  'the model asks twice',
  'the model asks for it',
  'approve',
  'deny',
  'decide to abort',
  'answer the last one again',
  'answer what was never asked',
  'the oldest beside ends',
];
/** Nothing much happens after a close: most histories are to be long before that. */
const act = fc.oneof(
  { weight: 200, arbitrary: fc.constantFrom(...ACTS).map((type): Act => ({ type })) },
  { weight: 20, arbitrary: fc.nat(50).map((which): Act => ({ type: 'abort', which })) },
  { weight: 1, arbitrary: fc.constant<Act>({ type: 'close' }) },
);

describe('a session, whatever its caller does for however long', () => {
  const walked = { histories: 0, acts: 0, longest: 0 };
  const kinds = new Map<string, number>();
  afterAll(() => {
    const { histories, acts, longest } = walked;
    console.log(`histories: ${histories} of ${acts} acts, the longest of ${longest}`);
  });

  const command = (done: Act): AsyncCommand<Kept, CallerSession> => ({
    check: ({ model }) => isPossible(model, done),
    async run(kept, session) {
      walked.acts += 1;
      kinds.set(done.type, (kinds.get(done.type) ?? 0) + 1);
      kept.model = afterAct(kept.model, done);
      await session.act(done);
      expect(session.seen()).toEqual(kept.model.seen);
    },
    toString: () => JSON.stringify(done),
  });

  it('does as its model says after every act', async () => {
    const history = fc.commands([act.map(command)], { maxCommands: ACTS_MAX, size: 'max' });
    await fc.assert(
      fc.asyncProperty(history, fc.nat(1_000), async (acts, seed) => {
        walked.histories += 1;
        const before = walked.acts;
        const session = openCallerSession(seed);
        await fc.asyncModelRun(() => ({ model: { model: NEW_CALLER }, real: session }), acts);
        expect(await session.close()).toEqual([]);
        walked.longest = Math.max(walked.longest, walked.acts - before);
      }),
      { seed: 7, numRuns: HISTORIES },
    );
    expect([...kinds.keys()].toSorted()).toEqual([...new Set([...ACTS, 'abort', 'close'])].toSorted());
  });
});
