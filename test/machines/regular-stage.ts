import { createActor, type SnapshotFrom } from 'xstate';
import { regularWork, type SampleInput } from '../../machines/regular.machine.ts';
import type { ToolCallEnd, ToolCallInput, toolCall } from '../../machines/tool-call.machine.ts';
import {
  type LeafEnd,
  NOTHING_TO_REPORT,
  type SampleEnd,
  type SettleReport,
  type TaskInput,
  type ToolCall,
  type WorkCommand,
  type WorkEnd,
} from '../../src/protocol/messages.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';
import { audience, puppets, resumed, type Stored } from './puppet.ts';

export const TASK: TaskInput = { taskId: 'regular/1', sessionId: 's1', kind: 'regular', killMs: 500 };

/** A call of a tool; parallel when its id begins with a small letter. */
export function call(callId: string): ToolCall {
  return { callId, name: 'shell', arguments: '{}', parallel: callId.toLowerCase() === callId };
}

/** The work of a regular task, with requests to the model and tool calls that the test plays. */
export function stageRegular(store?: Stored) {
  const clock = createSteppedClock(store?.at);
  const above = audience(clock);
  const samples = puppets<SampleInput, WorkCommand, LeafEnd<SampleEnd>>();
  const calls = puppets<ToolCallInput, WorkCommand, ToolCallEnd>();
  const agents = puppets<TaskInput, WorkCommand, LeafEnd<boolean>>();
  const compactions = puppets<TaskInput, WorkCommand, WorkEnd>();
  const machine = regularWork.provide({
    actors: {
      agents: agents.logic,
      compaction: compactions.logic,
      sample: samples.logic,
      toolCall: calls.logic as unknown as typeof toolCall,
    }, // XState wants equal types.
  });
  const actor = createActor(machine, {
    id: 'work',
    parent: above.ref,
    input: TASK,
    ...resumed<SnapshotFrom<typeof machine>>(store),
  }).start();
  const answer = (end: Partial<LeafEnd<SampleEnd>>) =>
    samples.last().finish({ at: 10, value: null, error: null, cancelled: false, report: NOTHING_TO_REPORT, ...end });
  return {
    actor,
    clock,
    samples,
    calls,
    above: above.heard,
    state: () => actor.getSnapshot().value,
    end: () => actor.getSnapshot().output,
    /** Ids of the calls that have been started so far. */
    started: () => calls.all.map(({ input }) => input.call.callId),
    /** The request to the model has ended. */
    answer,
    /** The model has said something, with or without calls. */
    says: (text: string | null, callIds: readonly string[] = [], more = false) =>
      answer({ value: { status: 'completed', answer: text, calls: callIds.map(call), more } }),
    agents,
    compactions,
    /** No request was made, because the history is too long. */
    full: () => answer({ value: { status: 'full' } }),
    compacted: (end: WorkEnd) => compactions.last().finish(end),
    /** The model has nothing more to say, and agents still work. */
    awaits: (text: string) =>
      answer({ value: { status: 'completed', answer: text, calls: [], more: false, awaits: true } }),
    /** What was awaited of agents has come, or there is nothing to await any more. */
    awaited: (end: Partial<LeafEnd<boolean>>) =>
      agents.last().finish({ at: 30, value: null, error: null, cancelled: false, report: NOTHING_TO_REPORT, ...end }),
    /** A call is over. */
    settle: (callId: string, at = 20, report: SettleReport = NOTHING_TO_REPORT) =>
      calls.all.find(({ input }) => input.call.callId === callId)?.finish({ callId, at, report }),
  };
}
