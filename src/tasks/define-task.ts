import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { AnyActorLogic } from 'xstate';
import { TroupeError } from '../protocol/errors.ts';
import type { Placement, WhenBusy } from '../protocol/settings.ts';
import { isStaged, type Staged, stageNames } from './in-stages.ts';
import type { TaskPorts } from './ports.ts';

/**
 * What a work does: a function, functions in stages with a chart of their own, or actor logic that speaks the protocol of
 * work (`work.cancel`, `work.kill`).
 */
export type Work<S extends StandardSchemaV1, D extends object> =
  | ((input: StandardSchemaV1.InferOutput<S>, ports: TaskPorts, signal: AbortSignal) => Promise<D>)
  | Staged<StandardSchemaV1.InferOutput<S>, D>
  | AnyActorLogic;

/** A kind of task: what it takes, where it runs, and its work. */
export interface TaskDefinition<S extends StandardSchemaV1 = StandardSchemaV1, D extends object = object> {
  /** Validated before anything happens. */
  readonly input: S;
  readonly description?: string;
  /** `beside` runs next to a foreground task and never replaces it. Default `foreground`. */
  readonly placement?: Placement;
  /** What a start does while another foreground task runs. Default `queue`. */
  readonly whenBusy?: WhenBusy;
  /** Steering reaches the task while it runs. Default false: it waits. */
  readonly steerable?: boolean;
  readonly work: Work<S, D>;
  /** Other kinds whose work this one's chart invokes, by the name that it has for them. */
  readonly uses?: Readonly<Record<string, string>>;
  /** Runs when the task was aborted, in what is left of the kill bound. */
  readonly onAbort?: (input: StandardSchemaV1.InferOutput<S>, ports: TaskPorts) => Promise<void> | void;
}

/** Kinds by name. */
// biome-ignore lint/suspicious/noExplicitAny: a registry holds kinds of any input, and a function type is contravariant in it.
export type TaskDefinitions = Readonly<Record<string, TaskDefinition<any, any>>>;

export type InputOf<T> = T extends TaskDefinition<infer S, object> ? StandardSchemaV1.InferInput<S> : never;
// biome-ignore lint/suspicious/noExplicitAny: inference ignores this place.
export type DataOf<T> = T extends TaskDefinition<any, infer D> ? D : never;

/** Defines a kind of task. Its input and the data of its outcome are typed from what is given here. */
export function defineTask<S extends StandardSchemaV1, D extends object>(
  definition: TaskDefinition<S, D>,
): TaskDefinition<S, D> {
  const { input, work } = definition;
  if (typeof input !== 'object' && typeof input !== 'function') throw misuse('`input` to be a Standard Schema', input);
  if (!('~standard' in input)) throw misuse('`input` to be a Standard Schema (zod, valibot, arktype …)', input);
  if (typeof work !== 'function' && typeof work !== 'object')
    throw misuse('`work` to be a function or actor logic', work);
  if (isStaged(work)) expectAllStages(work);
  return Object.freeze({ ...definition });
}

function expectAllStages({ chart, stages }: Staged): void {
  const names = stageNames(chart);
  if (names.length !== stages.length)
    throw misuse(`a function for each of the stages ${names.join(', ')}`, `${stages.length} functions`);
}

function misuse(expected: string, got: unknown): TroupeError {
  const what = typeof got === 'string' ? got : typeof got;
  return new TroupeError('invalid-config', `defineTask: expected ${expected}, got ${what}.`);
}
