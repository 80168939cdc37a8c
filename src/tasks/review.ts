import * as z from 'zod';
import { reviewWork } from '../../machines/review.machine.ts';
import { REVIEW_INTERRUPTED, reviewNote } from '../history/review-note.ts';
import { TroupeError } from '../protocol/errors.ts';
import type { Findings } from '../protocol/findings.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { Item } from '../protocol/items.ts';
import type { TaskOutcome } from '../protocol/outcomes.ts';
import { defineTask } from './define-task.ts';
import { inStages } from './in-stages.ts';
import type { SessionPorts } from './ports.ts';
import { findingsOf } from './review/findings.ts';
import { renderFindings } from './review/render.ts';
import { REVIEWER_INSTRUCTIONS } from './review/rubric.ts';
import { hintOf, promptOf, reviewTarget } from './review/target.ts';

const reviewInput = z.object({
  target: reviewTarget,
  /** What it is about, for people; made from the target when left out. */
  hint: z.string().optional(),
});

type ReviewInput = z.infer<typeof reviewInput>;
type ReviewItem = Extract<Item, { type: 'review' }>;
type Found = { item: ReviewItem; prompt: string };
type Reviewed = { item: ReviewItem; findings: Findings };
/** `answer` is the findings as text. */
export type ReviewData = { findings: Findings['findings']; correctness: string; explanation: string; answer: string };

/** Names of the tools of a reviewer: it looks, and its sandbox keeps it to that. */
const TOOLS = ['shell', 'update_plan'];

/** The kind that has a sub-session look at a change. Nothing of that enters the history but what it found. */
export const review = defineTask<typeof reviewInput, ReviewData>({
  input: reviewInput,
  description: 'A sub-session that may only read looks for what is wrong with a change.',
  work: inStages(
    reviewWork,
    async ({ target, hint = hintOf(target) }: ReviewInput, ports): Promise<Found> => {
      const item: ReviewItem = { id: ports.nextItemId(), type: 'review', target, hint, status: 'in_progress' };
      ports.commit({ type: 'item.started', item });
      const prompt = await promptOf(target, ports.openGit);
      if (prompt.ok) return { item, prompt: prompt.value };
      throw failed(ports, item, 'invalid-input', prompt.why);
    },
    async ({ item, prompt }, ports): Promise<Reviewed> => {
      const outcome = await ports.delegate({
        as: 'review',
        input: prompt,
        instructions: REVIEWER_INSTRUCTIONS,
        history: 'empty',
        tools: TOOLS,
        context: { sandbox: 'read-only' },
        hides: ['item.delta'],
      });
      if (outcome.status !== 'completed') throw endOf(ports, item, outcome);
      const findings = findingsOf(outcome.answer ?? '', ports.workspace.cwd);
      if (findings !== null) return { item, findings };
      throw failed(ports, item, 'invalid-output', 'The reviewer ended without a word. Start the review again.');
    },
    ({ item, findings }, ports): ReviewData => {
      const answer = renderFindings(findings);
      const { findings: list, correctness, explanation } = findings;
      ports.commit(
        { type: 'item.completed', item: { ...item, status: 'completed', output: findings } },
        entriesFor(item.hint, answer),
      );
      ports.commit({ type: 'item.completed', item: { id: ports.nextItemId(), type: 'agent_message', text: answer } });
      return { findings: list, correctness, explanation, answer };
    },
  ),
});

/** What the model of this session is told of a review. */
function entriesFor(hint: string, answer: string): readonly HistoryEntry[] {
  return [
    reviewNote(hint, 'What the reviewer said follows; the user may want some of it mended.'),
    { type: 'message', role: 'assistant', text: answer },
  ];
}

function failed(ports: SessionPorts, item: ReviewItem, code: TroupeError['code'], message: string): TroupeError {
  if (!ports.isStopping) ports.commit({ type: 'item.completed', item: { ...item, status: 'failed' } });
  return new TroupeError(code, message);
}

/** The reviewer has failed, or somebody has stopped it: these are not the same. */
function endOf(
  ports: SessionPorts,
  item: ReviewItem,
  outcome: Exclude<TaskOutcome, { status: 'completed' }>,
): TroupeError {
  if (outcome.status === 'failed')
    return failed(ports, item, outcome.error.code, `The reviewer failed: ${outcome.error.message}`);
  if (!ports.isStopping)
    ports.commit({ type: 'item.completed', item: { ...item, status: 'interrupted' } }, [
      reviewNote(item.hint, REVIEW_INTERRUPTED),
    ]);
  return new TroupeError('sub-session-failed', `The reviewer was stopped (${outcome.reason}) before it had finished.`);
}
