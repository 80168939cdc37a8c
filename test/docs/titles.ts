import { defineTask } from 'troupe';
import * as z from 'zod';

/** The kind that docs/testing.md checks. */
export const titles = defineTask({
  input: z.object({ text: z.string(), count: z.number().int().positive() }),
  async work({ text, count }, ports) {
    const numbers = Array.from({ length: count }, (_, at) => at + 1);
    const outcomes = await Promise.all(
      numbers.map((number) => ports.delegate({ input: `Title ${number} for: ${text}`, as: 'titler' })),
    );
    return { titles: outcomes.map((outcome) => (outcome.status === 'completed' ? outcome.answer : null)) };
  },
});
