import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf, TroupeError } from '../protocol/errors.ts';

/** A JSON Schema, as models are given it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The JSON Schema (2020-12) of what a tool takes: `given` if there is one, else what the schema says of itself by Standard
 * JSON Schema. Throws `invalid-config` when it says nothing, or does not describe an object.
 */
export function parametersOf(tool: string, schema: StandardSchemaV1, given: JsonSchema | undefined): JsonSchema {
  const known = given ?? parameters.get(schema);
  if (known !== undefined) return known;
  const { type, ...rest } = derived(tool, schema);
  if (type === 'object') {
    const made = { type, ...Object.fromEntries(Object.entries(rest).filter(([key]) => key !== '$schema')) };
    parameters.set(schema, made);
    return made;
  }
  throw new TroupeError(
    'invalid-config',
    `Expected the input of tool "${tool}" to be an object at the top (models send nothing else), got a schema of type ` +
      `${JSON.stringify(type) ?? 'none'}. Wrap it in an object, or give \`parameters\` (a JSON Schema) yourself.`,
  );
}

/** Of schemas that were asked before: a program makes tools of the same ones again and again. */
const parameters = new WeakMap<StandardSchemaV1, JsonSchema>();

function derived(tool: string, schema: StandardSchemaV1): Record<string, unknown> {
  const standard: StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props> = schema['~standard'];
  if (standard.jsonSchema === undefined) {
    throw new TroupeError(
      'invalid-config',
      `Expected the input schema of tool "${tool}" to tell its JSON Schema (Standard JSON Schema, as Zod 4 does), got a ` +
        `schema of "${standard.vendor}" that does not. Give \`parameters\` (a JSON Schema) beside \`input\`.`,
    );
  }
  try {
    return standard.jsonSchema.input({ target: 'draft-2020-12' });
  } catch (error) {
    throw new TroupeError(
      'invalid-config',
      `Expected the input schema of tool "${tool}" to have a JSON Schema, got: ${messageOf(error)}. Use types that JSON ` +
        'has, or give `parameters` (a JSON Schema) beside `input`.',
      { cause: error },
    );
  }
}
