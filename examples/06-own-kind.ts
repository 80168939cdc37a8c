// A kind of task of your own, in one file: what it takes, and what it does with the ports of a task. Its types follow.
import { createSession, defineTask, openaiModel } from 'troupe';
import * as z from 'zod';

const titles = defineTask({
  input: z.object({ text: z.string(), count: z.number().int().positive() }),
  description: 'Finds titles for a text, each by a session of its own.',
  async work({ text, count }, ports) {
    const numbers = Array.from({ length: count }, (_, at) => at + 1);
    const outcomes = await Promise.all(
      numbers.map((number) => ports.delegate({ input: `Title ${number} for: ${text}`, as: 'titler' })),
    );
    return { titles: outcomes.map((outcome) => (outcome.status === 'completed' ? outcome.answer : null)) };
  },
});

await using session = createSession({
  model: openaiModel({ model: process.env.OPENAI_MODEL ?? 'gpt-5.2' }),
  tasks: { titles },
});
const outcome = await session.start('titles', { text: 'A whale is hunted.', count: 2 }).orThrow();
console.log(outcome.titles.join(' | '));
