import { expect, it } from 'vitest';
import * as z from 'zod';
import { createSession, defineTool } from '../../src/index.ts';
import { recordedRun, type Script, scriptedModel } from '../../src/testing/index.ts';

const echo = (prefix: string) =>
  defineTool({
    name: 'echo',
    description: 'Says it again.',
    input: z.object({ text: z.string() }),
    execute: ({ text }) => `${prefix}${text}`,
  });

async function runOf(
  script: Script,
  inputs: readonly Parameters<ReturnType<typeof createSession>['run']>[0][],
  prefix = '',
) {
  const model = scriptedModel(script);
  const session = createSession({ model, rollout: 'off', tools: [echo(prefix)] });
  for (const input of inputs) await session.run(input).orThrow();
  await session.close();
  return { entries: session.entries(), model };
}

const SCRIPT: Script = [
  {
    say: 'Two of them.',
    call: [
      { name: 'echo', arguments: { text: 'a' } },
      { name: 'echo', arguments: { text: 'b' } },
    ],
  },
  { call: { name: 'echo', arguments: { text: 'c' } } },
  { say: 'Done.' },
  { say: 'Nothing to do.' },
];

it('plays a run that was logged to a new version, which comes to the same where it does the same', async () => {
  const old = await runOf(SCRIPT, ['Say a, b and c.', 'And now?']);
  const recorded = recordedRun(old.entries);
  const again = await runOf(recorded.script, recorded.inputs);
  again.model.verify();
  expect(again.entries).toEqual(old.entries);
});

it('tells where a new version comes to something else', async () => {
  const { inputs, script, outputs } = recordedRun((await runOf(SCRIPT, ['Say a, b and c.', 'And now?'])).entries);
  const changed = recordedRun((await runOf(script, inputs, 'new ')).entries).outputs;
  expect([[...outputs], [...changed]]).toEqual([
    [
      ['call_1', 'a'],
      ['call_2', 'b'],
      ['call_3', 'c'],
    ],
    [
      ['call_1', 'new a'],
      ['call_2', 'new b'],
      ['call_3', 'new c'],
    ],
  ]);
});

it('has nothing to say of a session in which nothing was said', () => {
  expect(recordedRun([])).toEqual({ inputs: [], script: [], outputs: new Map() });
});
