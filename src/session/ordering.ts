import { TroupeError } from '../protocol/errors.ts';
import type { StartOrder } from '../protocol/messages.ts';
import type { TaskContext, WhenBusy } from '../protocol/settings.ts';
import type { World } from './world.ts';

/** A start, made ready for the session: the kind is known, the input is valid, the context frozen. Throws on misuse. */
export function orderOf(
  world: World,
  kind: string,
  input: unknown,
  context: TaskContext,
  whenBusy?: WhenBusy,
): StartOrder {
  const definition = world.kinds.get(kind);
  if (definition === undefined) {
    throw new TroupeError(
      'unknown-kind',
      `Expected one of the kinds ${[...world.kinds.keys()].join(', ')}, got "${kind}".`,
    );
  }
  return {
    taskId: `${kind}/${world.ids.next()}`,
    kind,
    input: validated(kind, definition.input, input),
    context: Object.freeze({ ...context }),
    whenBusy: whenBusy ?? definition.whenBusy ?? 'queue',
    placement: definition.placement ?? 'foreground',
    steerable: definition.steerable ?? false,
  };
}

function validated(
  kind: string,
  schema: { '~standard': { validate(value: unknown): unknown } },
  input: unknown,
): unknown {
  const result = schema['~standard'].validate(input) as
    | { value: unknown; issues?: readonly { message: string; path?: readonly unknown[] }[] }
    | Promise<unknown>; // Standard Schema v1.
  if (result instanceof Promise) {
    throw new TroupeError(
      'invalid-config',
      `The input schema of "${kind}" validates asynchronously; a start is synchronous. Validate in the work instead.`,
    );
  }
  if (result.issues !== undefined) {
    const told = result.issues.map(({ message, path = [] }) =>
      path.length === 0 ? message : `${path.map(keyOf).join('.')}: ${message}`,
    );
    throw new TroupeError('invalid-input', `Invalid input for "${kind}": ${told.join('; ')}.`);
  }
  try {
    return JSON.parse(JSON.stringify(result.value ?? null));
  } catch {
    throw new TroupeError(
      'invalid-input',
      `Expected the input for "${kind}" to be JSON (it is logged), got something with a cycle or a BigInt in it.`,
    );
  }
}

function keyOf(part: unknown): string {
  return typeof part === 'object' && part !== null && 'key' in part ? String(part.key) : String(part);
}
