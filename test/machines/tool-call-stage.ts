import { createActor, type SnapshotFrom } from 'xstate';
import { type ToolCallInput, toolCall } from '../../machines/tool-call.machine.ts';
import type { AskEnd, CheckEnd, LeafEnd, WorkCommand } from '../../src/protocol/messages.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';
import { audience, puppets, resumed, type Stored } from './puppet.ts';

export const INPUT: ToolCallInput = {
  sessionId: 's1',
  taskId: 'regular/1',
  call: { callId: 'call_1', name: 'shell', arguments: '{}', parallel: false },
};

/** One call, whose check, question and execution the test plays. */
export function stageCall(store?: Stored) {
  const clock = createSteppedClock(store?.at);
  const above = audience(clock);
  const checks = puppets<ToolCallInput, WorkCommand, LeafEnd<CheckEnd>>();
  const asks = puppets<ToolCallInput, WorkCommand, LeafEnd<AskEnd>>();
  const executions = puppets<ToolCallInput, WorkCommand, LeafEnd<true>>();
  const machine = toolCall.provide({
    actors: { check: checks.logic, ask: asks.logic, execute: executions.logic },
  });
  const actor = createActor(machine, {
    id: 'call/call_1',
    parent: above.ref,
    input: INPUT,
    ...resumed<SnapshotFrom<typeof machine>>(store),
  }).start();
  return {
    actor,
    clock,
    checks,
    asks,
    executions,
    above: above.heard,
    state: () => actor.getSnapshot().value,
    end: () => actor.getSnapshot().output,
    /** How many checks, questions and executions there have been. */
    steps: () => [checks.all.length, asks.all.length, executions.all.length],
  };
}
