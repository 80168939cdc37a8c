import type { Fault } from './faults.ts';
import type { ModelAnswer, ModelProgress } from './port.ts';

/** Characters of one answer, its deltas and items together; more is a server gone wild. */
export const ANSWER_CHARACTERS_MAX = 32 * 1024 * 1024;

/** What a stream of events came to: an answer of the model, or a fault that another attempt may mend. */
export type StreamEnd =
  | Exclude<ModelAnswer, { status: 'failed' | 'aborted' }>
  | Readonly<{ status: 'fault'; fault: Fault; usage: Extract<ModelAnswer, { status: 'failed' }>['usage'] }>;

/** Turns the parsed events of one answer, whatever the wire, into progress and an end. Pure: no clock, no network. */
export type AnswerStream = Readonly<{
  /** What the event makes known. Nothing once the stream has ended. */
  push(event: unknown): readonly ModelProgress[];
  /** The server has sent the mark after which nothing comes (`[DONE]`). */
  done(): void;
  /** The bytes cannot be read as events: the answer is a fault. */
  fail(fault: Fault): void;
  /** The model has said all; only what it cost may still come. True once it has ended, too. */
  isWhole(): boolean;
  /** Null until nothing more is wanted: the answer is whole, cut short or failed, or the protocol was broken. */
  ended(): StreamEnd | null;
  /** What it comes to if nothing more is sent. */
  close(): StreamEnd;
}>;
