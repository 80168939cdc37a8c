// An answer that fits a schema: it is checked, and the model has one more try when it does not.
import { createSession, openaiModel } from 'troupe';
import * as z from 'zod';

const City = z.object({ name: z.string(), inhabitants: z.number().int() });

await using session = createSession({ model: openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' }) });
const task = session.run('Tell me of Ghent.', { context: { outputSchema: z.toJSONSchema(City) } });
const { answer } = await task.orThrow();
const city = City.parse(JSON.parse(answer ?? ''));
console.log(`${city.name} has ${city.inhabitants} inhabitants.`);
