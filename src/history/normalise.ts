import type { HistoryEntry } from '../protocol/history.ts';

/**
 * What a model may be shown: every call has exactly one output right after its step, with nothing between them, and no
 * output stands without its call. What is missing is filled in, always with the same words, so that a provider's cache still
 * fits; what was said while calls ran comes after their outputs.
 */
export function normalised(history: readonly HistoryEntry[]): readonly HistoryEntry[] {
  if (isWellFormed(history)) return history.slice();
  const outputs = new Set(history.flatMap((entry) => (entry.type === 'output' ? [entry.callId] : [])));
  const calls = new Set<string>();
  const result: HistoryEntry[] = [];
  const answered = new Set<string>();
  const open = new Set<string>();
  const meanwhile: HistoryEntry[] = [];
  for (const entry of history) {
    if (entry.type === 'output') {
      if (!calls.has(entry.callId) || answered.has(entry.callId)) continue;
      answered.add(entry.callId);
      result.push(entry);
      open.delete(entry.callId);
      if (open.size === 0) result.push(...meanwhile.splice(0));
      continue;
    }
    if (entry.type === 'call') {
      if (calls.has(entry.callId)) continue;
      calls.add(entry.callId);
      result.push(entry);
      if (outputs.has(entry.callId)) open.add(entry.callId);
      else result.push({ type: 'output', callId: entry.callId, output: 'aborted' });
      continue;
    }
    if (open.size > 0 && isSaid(entry)) meanwhile.push(entry);
    else result.push(entry);
  }
  return [...result, ...meanwhile];
}

function isWellFormed(history: readonly HistoryEntry[]): boolean {
  const open = new Set<string>();
  const seen = new Set<string>();
  for (const entry of history) {
    if (entry.type === 'call') {
      if (seen.has(entry.callId)) return false;
      seen.add(entry.callId);
      open.add(entry.callId);
    } else if (entry.type === 'output') {
      if (!open.delete(entry.callId)) return false;
    } else if (open.size > 0 && isSaid(entry)) return false;
  }
  return open.size === 0;
}

/** Said by somebody else than the model. */
function isSaid(entry: HistoryEntry): boolean {
  return entry.type === 'message' && entry.role !== 'assistant';
}
