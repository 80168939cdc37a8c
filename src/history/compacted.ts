import type { HistoryEntry } from '../protocol/history.ts';
import type { Item, PlanStep } from '../protocol/items.ts';
import { cutInTheMiddle, tokensIn, tokensOf } from './tokens.ts';

/** How much of what the user said a compaction keeps as it is, in tokens (reference of behaviour, 5.9). */
export const KEPT_TOKENS_MAX = 20_000;
/** How many changed files, and how many refusals, are kept by name; the newest. */
const KEPT_NAMES_MAX = 200;
const KEPT_REFUSALS_MAX = 20;

/** What goes through a compaction as it is, beside the summary. */
export type Kept = Readonly<{
  /** What the user said, the oldest first. */
  messages: readonly string[];
  plan: readonly PlanStep[];
  /** Paths by what was done to them. */
  files: readonly Readonly<{ path: string; kind: string }>[];
  /** What the user has refused. */
  refused: readonly string[];
}>;

/** Texts of ours in the place of a user begin with one of these. */
const SUMMARY_TAG = '<summary_of_earlier_work>';
const STATE_TAG = '<state_of_the_work>';
const OURS = [SUMMARY_TAG, STATE_TAG, '<turn_aborted>', '<agent_ended', '<user_shell_command>', '<review_of_changes>'];

/** Sets aside what a summary would lose. */
export function keptOf(history: readonly HistoryEntry[], items: readonly Item[]): Kept {
  const files = new Map<string, string>();
  const refused: string[] = [];
  let plan: readonly PlanStep[] = [];
  for (const item of items) {
    if (item.type === 'todo_list' && item.status === 'completed') plan = item.plan;
    if (item.type === 'file_change' && item.status === 'completed')
      for (const { path, kind } of item.changes) {
        files.delete(path);
        files.set(path, kind);
      }
    if (item.type === 'command_execution' && item.status === 'declined') refused.push(item.command);
  }
  return {
    messages: messagesWithin(history.flatMap(userText), KEPT_TOKENS_MAX),
    plan,
    files: [...files].slice(-KEPT_NAMES_MAX).map(([path, kind]) => ({ path, kind })),
    refused: refused.slice(-KEPT_REFUSALS_MAX),
  };
}

/** The newest messages that fit; the one that does not any more is cut in the middle, and is the last. */
export function messagesWithin(messages: readonly string[], tokensMax: number): readonly string[] {
  const kept: string[] = [];
  let left = tokensMax;
  for (const message of messages.toReversed()) {
    if (left <= 0) break;
    kept.push(cutInTheMiddle(message, left));
    left -= tokensIn(message);
  }
  return kept.reverse();
}

/** The history after a compaction: what the user said, the state of the work, and the summary last. */
export function compactedHistory(kept: Kept, summary: string): readonly HistoryEntry[] {
  const texts = [...kept.messages, ...stateTexts(kept), summaryText(kept, summary)];
  return texts.map((text) => ({ type: 'message', role: 'user', content: [{ type: 'text', text }] }));
}

/** A history without its oldest `count` entries; what belongs together stays or goes together. */
export function withoutOldest(history: readonly HistoryEntry[], count: number): readonly HistoryEntry[] {
  const gone = new Set(history.slice(0, count).flatMap((entry) => (entry.type === 'call' ? [entry.callId] : [])));
  return history.slice(count).filter((entry) => entry.type !== 'output' || !gone.has(entry.callId));
}

export function tokensOfAll(history: readonly HistoryEntry[]): number {
  return history.reduce((sum, entry) => sum + tokensOf(entry), 0);
}

function userText(entry: HistoryEntry): readonly string[] {
  if (entry.type !== 'message' || entry.role !== 'user') return [];
  const text = entry.content.map((part) => (part.type === 'text' ? part.text : '[an image]')).join('\n');
  return OURS.some((tag) => text.startsWith(tag)) ? [] : [text];
}

function stateTexts({ plan, files, refused }: Kept): readonly string[] {
  const parts = [
    plan.length === 0 ? null : `The plan:\n${plan.map(({ step, status }) => `- [${status}] ${step}`).join('\n')}`,
    files.length === 0
      ? null
      : `Files changed so far:\n${files.map(({ path, kind }) => `- ${kind} ${path}`).join('\n')}`,
    refused.length === 0 ? null : `Refused by the user:\n${refused.map((command) => `- ${command}`).join('\n')}`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? [] : [`${STATE_TAG}\n${parts.join('\n\n')}\n</state_of_the_work>`];
}

function summaryText({ messages }: Kept, summary: string): string {
  const request = messages.at(-1);
  const current =
    request === undefined
      ? ''
      : `The request that the work is about, in the user's words:\n${cutInTheMiddle(request, 2_000)}\n\n`;
  return `${SUMMARY_TAG}
What was said and done before is not shown any more. The messages above are the user's own, in order; they may be answered already. This is what was done, as the one who did it has written it down. Go on from there: do not begin again, and do not do again what is done.

${current}${summary}
</summary_of_earlier_work>`;
}
