export {
  type LogFault,
  type LogOperation,
  type MemoryLogStore,
  memoryLogStore,
} from '../rollout/memory-log-store.ts';
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
