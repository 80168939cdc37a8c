export {
  type LogFault,
  type LogOperation,
  type MemoryLogStore,
  memoryLogStore,
} from '../rollout/memory-log-store.ts';
export { adversarialChildren } from './adversarial-children.ts';
export { adversarialTools } from './adversarial-tools.ts';
export { type Assertions, assertions } from './assertions.ts';
export { type ChartCoverage, chartCoverage, type Share, type WatchedActor } from './chart-coverage.ts';
export { type ConformanceCheck, ConformanceError, type Finding } from './conformance/check.ts';
export { conformance } from './conformance/index.ts';
export { CONFORMANCE_LIMITS, type KindSubject } from './conformance/observe-kind.ts';
export type { PolicySubject } from './conformance/policy.ts';
export type { ToolSubject } from './conformance/tool.ts';
export { type EdgePath, type EdgeStep, type EveryEdgeOptions, everyEdge, STATES_MAX } from './every-edge.ts';
export {
  type DiskError,
  FAULT_WAYS,
  type FaultOf,
  type FaultPort,
  faultsOf,
  type Operation,
  type WorldFault,
} from './faults.ts';
export { type Broken, type Invariant, invariants, type ProcessChange, type Watch, watchRun } from './invariants.ts';
export { watchPoints } from './points.ts';
export { type RecordedRun, recordedRun } from './recorded-run.ts';
export {
  SCRIPTED_USAGE,
  type Script,
  type ScriptCall,
  type ScriptEntry,
  type ScriptInfo,
  type ScriptReport,
  type ScriptStep,
} from './script.ts';
export { type ScriptedModelOptions, scriptedModel } from './scripted-model.ts';
export { type ScriptedWire, type ScriptedWireOptions, scriptedWire } from './scripted-wire.ts';
export { type SeededRng, seededRng } from './seeded-rng.ts';
export type { CommandBehaviour, CommandScript, OutputPiece } from './simulated-proc.ts';
export { type SteppedClock, steppedClock } from './stepped-clock.ts';
export { type TaskModelContext, type TaskModelEvent, taskModel, taskModelEvents } from './task-model.ts';
export type { TraceEntry } from './trace.ts';
export { type SimulatedWorld, STEPS_MAX, WORK_DIRECTORY, type WorldOptions, world } from './world.ts';
