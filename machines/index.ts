export { agentTask, agentWork } from './agent.machine.ts';
export { compactTask, compactWork } from './compact.machine.ts';
export { definedWork } from './defined-work.machine.ts';
export { delegate } from './delegate.machine.ts';
export { lifecycle } from './lifecycle.ts';
export { regularTask, regularWork } from './regular.machine.ts';
export { sessionMachine } from './session.machine.ts';
export { stagedWork } from './staged-work.ts';
export { toolCall } from './tool-call.machine.ts';
