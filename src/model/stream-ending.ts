import type { Usage } from '../protocol/usage.ts';
import { ANSWER_CHARACTERS_MAX, type StreamEnd } from './answer-stream.ts';
import { cutFault, type Fault, faultOf, protocolFault, unreadableFault } from './faults.ts';
import { type Fields, fieldsOf, textOf } from './wire-values.ts';

/** Outputs of one answer; real ones have fewer than a hundred. */
export const OUTPUTS_MAX = 1_000;

/** Levels of nesting in one item; what a model produces has fewer than ten. */
export const ITEM_LEVELS_MAX = 64;

/** How one streamed answer ends, on any wire: once, and with the first reason that there is. */
export type StreamEnding = Readonly<{
  /** Null until it has ended. */
  ended(): StreamEnd | null;
  end(end: StreamEnd): void;
  fail(fault: Fault, usage?: Usage | null): void;
  /** The server has sent what does not fit the protocol; another attempt may go better. */
  spoil(what: string): void;
  /** Counts what the answer grows by, in characters; past the limit it is cut off. */
  count(characters: number): void;
  /** Counts one more output; past the limit the answer is cut off. */
  countOutput(): void;
  /** The fault that an event reports: in its `error`, or in its own fields. */
  faultIn(event: Fields): Fault;
  /** Ends it, if it has not ended, because nothing more comes after so many events. */
  cut(events: number): StreamEnd;
}>;

/** `where` is the base URL, for messages. */
export function createStreamEnding(where: string): StreamEnding {
  let end: StreamEnd | null = null;
  let total = 0;
  let outputs = 0;

  function settle(first: StreamEnd): StreamEnd {
    end ??= first;
    return end;
  }

  function fail(fault: Fault, usage: Usage | null = null): void {
    settle({ status: 'fault', fault, usage });
  }

  function outgrow(limit: string): void {
    fail(protocolFault(`The answer of the model grew past ${limit} and was cut off.`, false));
  }

  return {
    ended: () => end,
    end: settle,
    fail,
    spoil: (what) => fail(unreadableFault(what, where)),
    count(characters) {
      total += characters;
      if (total > ANSWER_CHARACTERS_MAX) outgrow(`${ANSWER_CHARACTERS_MAX} characters`);
    },
    countOutput() {
      outputs += 1;
      if (outputs > OUTPUTS_MAX) outgrow(`${OUTPUTS_MAX} outputs`);
    },
    faultIn(event) {
      const error = typeof event.error === 'string' ? { message: event.error } : fieldsOf(event.error ?? event);
      const status = typeof error.code === 'number' && error.code >= 400 ? error.code : undefined;
      const code = textOf(error.code) ?? textOf(error.reason);
      const message = textOf(error.message) ?? code ?? 'the server did not say why';
      return faultOf({ status, code, type: textOf(error.type), message }, where);
    },
    cut(events) {
      const count = `${events} ${events === 1 ? 'event' : 'events'}`;
      const message = `The stream from ${where} ended after ${count}, before the model said that it was done. Look at the log of the server.`;
      return settle({ status: 'fault', fault: cutFault(message), usage: null });
    },
  };
}
