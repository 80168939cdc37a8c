// Plays a run of yesterday to the program of today: what the user and the model have said is taken from the log, the tools are
// the new ones. Nothing of the old run is done again; what comes out otherwise is told.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSession, defineTool, forkSession, openaiModel } from 'troupe';
import { recordedRun, scriptedModel } from 'troupe/testing';
import * as z from 'zod';

const prices = (priceOf: (cents: number) => string) =>
  defineTool({
    name: 'price',
    description: 'Tells what something costs.',
    input: z.object({ of: z.string() }),
    execute: ({ of }) => priceOf(of === 'tea' ? 250 : 400),
  });

const home = await mkdtemp(join(tmpdir(), 'troupe-example-'));
const model = openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' });
const production = createSession({ model, home, tools: [prices((cents) => `${cents} cents`)] });
await production.run('What is a tea, and a cake?').orThrow();
await production.close();

// A copy: the log is only read. Its model is never asked.
const copy = await forkSession(production.id, {}, { model: scriptedModel([]), home, rollout: 'off' });
const { inputs, script, outputs } = recordedRun(copy.entries());
await copy.close();

await using session = createSession({
  model: scriptedModel(script),
  rollout: 'off',
  tools: [prices((cents) => (cents < 300 ? `${cents} cents` : `${cents / 100} euros`))],
});
for (const input of inputs) await session.run(input).orThrow();
for (const [callId, output] of recordedRun(session.entries()).outputs) {
  if (output !== outputs.get(callId)) console.log(`${outputs.get(callId)} → ${output}`);
}
await rm(home, { recursive: true });
