import type { HistoryEntry } from '../protocol/history.ts';

/** What a model is told of a review, in the place of the user who asked for it. */
export function reviewNote(hint: string, rest: string): HistoryEntry {
  const text = `<review_of_changes>\nThe user had this reviewed: ${hint}. ${rest}\n</review_of_changes>`;
  return { type: 'message', role: 'user', content: [{ type: 'text', text }] };
}

export const REVIEW_INTERRUPTED = 'The review was interrupted; there are no findings.';
