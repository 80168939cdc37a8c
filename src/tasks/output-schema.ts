import * as z from 'zod';
import { messageOf } from '../protocol/errors.ts';

/** Why an answer is not JSON that fits a JSON Schema, in words; null when it is. */
export function misfit(answer: string, schema: unknown): string | null {
  let value: unknown;
  try {
    value = JSON.parse(answer);
  } catch (error) {
    return `Expected an answer in JSON, got something else (${messageOf(error)}).`;
  }
  const result = validator(schema).safeParse(value);
  if (result.success) return null;
  const told = result.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`,
  );
  return `Expected an answer that fits the schema, got one that does not: ${told.join('; ')}.`;
}

const validators = new WeakMap<object, z.ZodType>();

function validator(schema: unknown): z.ZodType {
  if (typeof schema !== 'object' || schema === null) return z.unknown();
  const known = validators.get(schema) ?? z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema); // A schema that is none throws, and the task says so.
  validators.set(schema, known);
  return known;
}
