import { assign, type EventObject, sendTo, setup } from 'xstate';
import {
  type AskEnd,
  addReports,
  type CheckEnd,
  type LeafEnd,
  NOTHING_TO_REPORT,
  type SettleReport,
  type ToolCall,
  type WorkCommand,
} from '../src/protocol/messages.ts';
import { type Logic, provided } from './logic.ts';

export type ToolCallInput = Readonly<{ sessionId: string; taskId: string; call: ToolCall }>;
export type ToolCallEnd = Readonly<{ callId: string; at: number; report: SettleReport }>;
export type CallLeaf<V> = Logic<ToolCallInput, WorkCommand, LeafEnd<V>>;

type Context = { input: ToolCallInput; at: number; report: SettleReport };
type Ended = { end: LeafEnd<unknown> };

/**
 * One call of a tool: checked, perhaps asked for, executed, settled. What it came to lies with the session; a call has
 * exactly one output, whichever way it ends. A cancelled call stays where it is until its leaf has ended.
 */
export const toolCall = setup({
  types: {} as { context: Context; events: WorkCommand; input: ToolCallInput; output: ToolCallEnd },
  actors: {
    check: provided<CallLeaf<CheckEnd>>(),
    ask: provided<CallLeaf<AskEnd>>(),
    execute: provided<CallLeaf<true>>(),
  },
  guards: {
    mayRun: (_, { end }: Ended) => end.value === 'run' && !end.cancelled,
    mustAsk: (_, { end }: Ended) => end.value === 'ask' && !end.cancelled,
  },
  actions: {
    noteEnd: assign(({ context }, { end }: Ended) => ({ at: end.at, report: addReports(context.report, end.report) })),
    passToCheck: sendTo('check', ({ event }) => event),
    passToAsk: sendTo('ask', ({ event }) => event),
    passToExecute: sendTo('execute', ({ event }) => event),
  },
}).createMachine({
  id: 'tool-call',
  description: 'One call of a tool, from its check to its one output.',
  context: ({ input }) => ({ input, at: 0, report: NOTHING_TO_REPORT }),
  output: ({ context }) => ({ callId: context.input.call.callId, at: context.at, report: context.report }),
  initial: 'checking',
  states: {
    checking: {
      description: 'The arguments are validated and the policy is asked.',
      meta: { waitsFor: 'tool' },
      invoke: {
        id: 'check',
        src: 'check',
        input: ({ context }) => context.input,
        onDone: [
          {
            guard: { type: 'mayRun', params: endOf },
            target: 'executing',
            actions: { type: 'noteEnd', params: endOf },
          },
          { guard: { type: 'mustAsk', params: endOf }, target: 'asking', actions: { type: 'noteEnd', params: endOf } },
          { target: 'settled', actions: { type: 'noteEnd', params: endOf } },
        ],
      },
      on: { 'work.cancel': { actions: 'passToCheck' }, 'work.kill': { actions: 'passToCheck' } },
    },
    asking: {
      description: 'A request is open; nothing of the call has run.',
      meta: { waitsFor: 'decision' },
      invoke: {
        id: 'ask',
        src: 'ask',
        input: ({ context }) => context.input,
        onDone: [
          {
            guard: { type: 'mayRun', params: endOf },
            target: 'executing',
            actions: { type: 'noteEnd', params: endOf },
          },
          { target: 'settled', actions: { type: 'noteEnd', params: endOf } },
        ],
      },
      on: { 'work.cancel': { actions: 'passToAsk' }, 'work.kill': { actions: 'passToAsk' } },
    },
    executing: {
      description: 'The start is in the log; the tool runs.',
      meta: { waitsFor: 'tool' },
      invoke: {
        id: 'execute',
        src: 'execute',
        input: ({ context }) => context.input,
        onDone: { target: 'settled', actions: { type: 'noteEnd', params: endOf } },
      },
      on: { 'work.cancel': { actions: 'passToExecute' }, 'work.kill': { actions: 'passToExecute' } },
    },
    settled: { type: 'final' },
  },
  options: { maxIterations: 1_000 },
});

function endOf({ event }: { event: EventObject & { output: LeafEnd<unknown> } }): Ended {
  return { end: event.output };
}
