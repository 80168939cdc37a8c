import { type AgentsLogic, regularWork, type SampleInput, type SampleLogic } from '../../machines/regular.machine.ts';
import { type CallLeaf, type ToolCallInput, toolCall } from '../../machines/tool-call.machine.ts';
import type { AskEnd, CheckEnd, SampleEnd, TaskInput } from '../protocol/messages.ts';
import { type LeafScope, leaf } from '../runtime/leaf.ts';
import { defineTask } from './define-task.ts';
import { portsOf } from './ports.ts';
import { askForCall, checkCall, executeCall } from './run-call.ts';
import { sampleStep } from './sample-step.ts';
import { userInput } from './user-input.ts';

const sample = leaf<SampleEnd, SampleInput>((scope) => {
  const { task, ...which } = scope.input;
  return sampleStep(portsOf(scope, task.sessionId, task.taskId), which);
});

const check = leaf<CheckEnd, ToolCallInput>((scope) => checkCall(portsFor(scope), scope.input.call.callId));
const ask = leaf<AskEnd, ToolCallInput>((scope) => askForCall(portsFor(scope), scope.input.call.callId));
const execute = leaf<true, ToolCallInput>((scope) => executeCall(portsFor(scope), scope.input.call.callId, scope));

const agents = leaf<boolean, TaskInput>((scope) =>
  portsOf(scope, scope.input.sessionId, scope.input.taskId).agents.settled(scope.signal),
);

function portsFor(scope: LeafScope<ToolCallInput>) {
  return portsOf(scope, scope.input.sessionId, scope.input.taskId);
}

/** The kind that does what a user asks: steps until the model stops calling tools. */
export const regular = defineTask<typeof userInput, object>({
  input: userInput,
  description: 'Steps until the model stops calling tools.',
  whenBusy: 'replace',
  steerable: true,
  uses: { compaction: 'compact' },
  work: regularWork.provide({
    actors: {
      sample: sample as unknown as SampleLogic, // XState wants the snapshot types to be equal, not assignable.
      agents: agents as unknown as AgentsLogic, // Likewise.
      toolCall: toolCall.provide({
        actors: {
          check: check as unknown as CallLeaf<CheckEnd>, // Likewise.
          ask: ask as unknown as CallLeaf<AskEnd>, // Likewise.
          execute: execute as unknown as CallLeaf<true>, // Likewise.
        },
      }),
    },
  }),
});
