import { type StagedChart, type StageInput, stagesOf } from '../../machines/staged-work.ts';
import type { LeafScope } from '../runtime/leaf.ts';
import type { SessionPorts } from './ports.ts';

/** One stage of a work: from what the stage before came to (the task's input, for the first) to what the next begins with. */
export type Stage<Before, After> = (
  before: Before,
  ports: SessionPorts,
  scope: LeafScope<StageInput>,
) => Promise<After> | After;

/** A work that goes through the stages of its chart. What a stage comes to is JSON, because the chart keeps it. */
export interface Staged<Input = never, Data = unknown> {
  readonly chart: StagedChart;
  // biome-ignore lint/suspicious/noExplicitAny: what goes from one to the next was checked where they were put together.
  readonly stages: readonly Stage<any, any>[];
  /** Only for the compiler. */
  readonly types?: (input: Input) => Data;
}

/** Joins functions to the stages of a chart made by `stagedWork`, in their order. */
export function inStages<I, D>(chart: StagedChart, only: Stage<I, D>): Staged<I, D>;
export function inStages<I, A, D>(chart: StagedChart, first: Stage<I, A>, last: Stage<A, D>): Staged<I, D>;
export function inStages<I, A, B, D>(
  chart: StagedChart,
  first: Stage<I, A>,
  second: Stage<A, B>,
  last: Stage<B, D>,
): Staged<I, D>;
// biome-ignore lint/suspicious/noExplicitAny: the signatures above say which types go together.
export function inStages(chart: StagedChart, ...stages: Stage<any, any>[]): Staged<any, any> {
  return { chart, stages };
}

export function isStaged(work: unknown): work is Staged {
  return typeof work === 'object' && work !== null && 'chart' in work && 'stages' in work;
}

/** The names of the stages of a chart, in their order. */
export function stageNames(chart: StagedChart): readonly string[] {
  return stagesOf(Object.keys(chart.states));
}
