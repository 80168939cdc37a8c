// A tool of your own: its input is typed by the schema, and validated before it runs.
import { createSession, defineTool, openaiModel } from 'troupe';
import * as z from 'zod';

const weather = defineTool({
  name: 'weather',
  description: 'Tells the weather of a city.',
  input: z.object({ city: z.string() }),
  parallel: true,
  execute: async ({ city }) => `It rains in ${city}.`,
});

await using session = createSession({
  model: openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' }),
  tools: [weather],
});
const { answer } = await session.run('What is the weather in Ghent?').orThrow();
console.log(answer);
