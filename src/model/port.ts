import type { TaskError } from '../protocol/errors.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { Effort } from '../protocol/settings.ts';
import type { Usage } from '../protocol/usage.ts';

/** A tool as the model is told of it; `parameters` is a JSON Schema. */
export type ToolSpec = Readonly<{ name: string; description: string; parameters: Readonly<Record<string, unknown>> }>;

export type ModelRequest = Readonly<{
  /** Another model of the same provider than the port's own. */
  model?: string;
  instructions: string | null;
  history: readonly HistoryEntry[];
  tools: readonly ToolSpec[];
  parallelToolCalls: boolean;
  effort?: Effort;
  outputSchema?: unknown;
  /** The same for all requests of one session, so that a provider can find its cache. */
  cacheKey: string;
}>;

/** One thing that the model produced, whole. `raw` is what the provider sent. */
export type ModelOutput =
  | Readonly<{ type: 'message'; text: string; raw?: unknown }>
  | Readonly<{ type: 'reasoning'; text: string; raw?: unknown }>
  | Readonly<{ type: 'call'; callId: string; name: string; arguments: string; custom?: true; raw?: unknown }>;

/**
 * What is told while the model speaks. `index` numbers the outputs of one answer from 0. Deltas of messages and
 * reasoning only: the arguments of a call are of use only when they are whole.
 */
export type ModelProgress =
  | Readonly<{ type: 'output.started'; index: number; output: ModelOutput['type'] }>
  | Readonly<{ type: 'output.delta'; index: number; delta: string }>
  | Readonly<{ type: 'output.completed'; index: number; output: ModelOutput }>
  | Readonly<{ type: 'retrying'; attempt: number; of: number; delayMs: number; error: TaskError }>;

/** How a request ended: exactly one of these. Only `completed` may lead to tool calls. */
export type ModelAnswer =
  | Readonly<{ status: 'completed'; outputs: readonly ModelOutput[]; usage: Usage | null }>
  | Readonly<{ status: 'incomplete'; reason: string; outputs: readonly ModelOutput[]; usage: Usage | null }>
  | Readonly<{ status: 'failed'; error: TaskError; usage: Usage | null }>
  | Readonly<{ status: 'aborted' }>;

/**
 * A language model. `sample` never rejects: failures are answers. It settles only when its connection is closed, also
 * after `signal` has aborted, and tells nothing after that. `onProgress` is called synchronously as bytes arrive.
 * `retrying` says that what was told so far is void: the outputs begin again from index 0.
 */
export interface Model {
  /** Which model, as the provider calls it. */
  readonly name: string;
  /** Whose wire format `raw` is in. */
  readonly provider: string;
  /** Tokens that fit; null when not known. */
  readonly contextWindow: number | null;
  /** The same for another model of this provider, where that is known. */
  contextWindowOf?(model: string): number | null;
  sample(
    request: ModelRequest,
    onProgress: (progress: ModelProgress) => void,
    signal: AbortSignal,
  ): Promise<ModelAnswer>;
}
