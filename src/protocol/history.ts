import type { InputPart } from './input.ts';

/**
 * One entry of what the model is shown, in a form of our own that adapters translate to their wire. `raw` keeps what
 * the provider sent, so that the same provider gets it back unchanged (encrypted reasoning, ids).
 */
export type HistoryEntry =
  | Readonly<{ type: 'message'; role: 'user' | 'developer'; content: readonly InputPart[] }>
  | Readonly<{ type: 'message'; role: 'assistant'; text: string; partial?: true; raw?: Raw }>
  | Readonly<{ type: 'reasoning'; text: string; raw?: Raw }>
  | Readonly<{ type: 'call'; callId: string; name: string; arguments: string; custom?: true; raw?: Raw }>
  | Readonly<{ type: 'output'; callId: string; output: string; custom?: true }>;

/** What a provider sent, and which provider that was. */
export type Raw = Readonly<{ provider: string; item: unknown }>;

/** A change of history, as the log keeps it. */
export type HistoryChange =
  | Readonly<{ op: 'append'; entries: readonly HistoryEntry[] }>
  | Readonly<{ op: 'replace'; entries: readonly HistoryEntry[] }>;
