import * as z from 'zod';
import { INPUT_CHARACTERS_MAX } from '../limits.ts';

const text = z
  .string()
  .max(
    INPUT_CHARACTERS_MAX,
    `Expected at most ${INPUT_CHARACTERS_MAX} characters. Put long material into a file and name it.`,
  );

const part = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text }),
  z.strictObject({ type: z.literal('image'), url: z.string().min(1) }),
  z.strictObject({ type: z.literal('local-image'), path: z.string().min(1) }),
]);

/** What a user says: text that is not blank, or at least one part. */
export const userInput = z.union([
  text.refine((value) => value.trim() !== '', 'Expected something to do, got nothing but blanks.'),
  z.array(part).min(1, 'Expected at least one part, got none.'),
]);
