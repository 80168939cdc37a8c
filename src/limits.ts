import type { Limits } from './protocol/settings.ts';

/** What holds when the caller says nothing. Times in ms. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  graceMs: 100,
  killMs: 1_000,
  commitMs: 500,
  depthMax: 8,
  agentsMax: 64,
  requestTimeoutMs: null,
  // More than a screen of questions at once, or one every two seconds, is read by nobody.
  requestsOpenMax: 8,
  requestsPerMinuteMax: 30,
});

/** How many ends of requests a tree remembers, to tell a late answer from one to nothing. */
export const RESOLVED_MAX = 10_000;

/** How many events an iterator that nobody reads keeps before it lags. */
export const ITERATOR_EVENTS_MAX = 10_000;

/** How much text of a user is taken in one input, in characters. */
export const INPUT_CHARACTERS_MAX = 16 * 1024 * 1024;

/** How long the arguments of a tool call may be, in characters (invariant 49 of the reliability reference: 1 MiB). */
export const ARGUMENTS_CHARACTERS_MAX = 1024 * 1024;

/** How long the output of a call may be that the model is shown, in characters; head and tail are kept. */
export const OUTPUT_CHARACTERS_MAX = 64 * 1024;
