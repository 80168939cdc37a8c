import * as z from 'zod';
import { compactWork } from '../../machines/compact.machine.ts';
import { compactedHistory, type Kept, keptOf, tokensOfAll, withoutOldest } from '../history/compacted.ts';
import { TroupeError } from '../protocol/errors.ts';
import type { HistoryEntry } from '../protocol/history.ts';
import type { TaskOutcome } from '../protocol/outcomes.ts';
import { defineTask } from './define-task.ts';
import { inStages } from './in-stages.ts';
import type { SessionPorts } from './ports.ts';

const compactInput = z.object({}).optional();

type Gathered = { itemId: string; kept: Kept; tokensBefore: number };
type Summarised = Gathered & { summary: string };
export type CompactData = { tokensBefore: number; tokensAfter: number };

/** The kind that makes a long history short. Its work also runs within the steps of a regular task. */
export const compact = defineTask<typeof compactInput, CompactData>({
  input: compactInput,
  description: 'Puts a summary in the place of a long history.',
  work: inStages(
    compactWork,
    (_: unknown, ports): Gathered => {
      const { entries, items } = ports.history();
      if (entries.length === 0)
        throw new TroupeError('rejected', 'There is nothing to compact: nothing has been said in this session yet.');
      const itemId = ports.nextItemId();
      ports.commit({ type: 'item.started', item: { id: itemId, type: 'compaction', status: 'in_progress' } });
      return { itemId, kept: keptOf(entries, items), tokensBefore: ports.window.tokens() };
    },
    async (gathered, ports): Promise<Summarised> => ({ ...gathered, summary: await summaryOf(ports, gathered.itemId) }),
    async ({ itemId, kept, tokensBefore, summary }, ports): Promise<CompactData> => {
      const history = compactedHistory(kept, summary);
      const tokensAfter = tokensOfAll(history);
      ports.replaceHistory(history, 'compaction');
      if (!(await ports.safe())) {
        fail(ports, itemId);
        throw new TroupeError(
          'log-failed',
          'The shorter history could not be written to the log: the disk is full, broken or too slow.',
        );
      }
      const sizes = { tokensBefore, tokensAfter };
      ports.commit({ type: 'item.completed', item: { id: itemId, type: 'compaction', status: 'completed', ...sizes } });
      const message = `The history was summarised: about ${tokensBefore} tokens before, ${tokensAfter} after. Details are lost each time; a new session for new work keeps answers exact.`;
      ports.commit({ type: 'warning.raised', code: 'history-compacted', message });
      return sizes;
    },
  ),
});

const NO_SUMMARY = '(There is no summary: the model gave none. Look at the work tree to see what was done.)';

/**
 * Has a sub-session summarise a copy of the history, with the model that the history was made with if that still answers.
 * When even that is too long, the oldest goes, twice as much each time.
 */
async function summaryOf(ports: SessionPorts, itemId: string): Promise<string> {
  const { entries } = ports.history();
  const models = [...new Set([ports.window.lastModel, ports.workspace.model])];
  let model = models.shift() ?? ports.workspace.model;
  for (let dropped = 0; ; ) {
    const outcome = await delegate(ports, model, withoutOldest(entries, dropped));
    if (outcome.status === 'completed') {
      if (dropped > 0) warnDropped(ports, dropped);
      return outcome.answer === null || outcome.answer.trim() === '' ? NO_SUMMARY : outcome.answer;
    }
    const isTooLong = outcome.status === 'failed' && outcome.error.code === 'context-window-exceeded';
    const next = isTooLong ? undefined : models.shift();
    if (isTooLong && dropped < entries.length - 1) dropped = Math.min(Math.max(1, dropped * 2), entries.length - 1);
    else if (next !== undefined && outcome.status === 'failed') model = next;
    else {
      fail(ports, itemId);
      throw errorOf(outcome);
    }
  }
}

function delegate(ports: SessionPorts, model: string, history: readonly HistoryEntry[]): Promise<TaskOutcome> {
  return ports.delegate({
    as: 'compact',
    input: PROMPT,
    history,
    tools: [],
    compacts: false,
    context: { model, sandbox: 'read-only' },
    hides: ['item.delta'],
  });
}

function warnDropped(ports: SessionPorts, dropped: number): void {
  const message = `The history was too long even to be summarised: the ${dropped} oldest entries were left out of the summary.`;
  ports.commit({ type: 'warning.raised', code: 'compaction-trimmed', message });
}

function fail(ports: SessionPorts, itemId: string): void {
  if (ports.isStopping) return; // The session closes the item as aborted.
  ports.commit({ type: 'item.completed', item: { id: itemId, type: 'compaction', status: 'failed' } });
}

function errorOf(outcome: Exclude<TaskOutcome, { status: 'completed' }>): TroupeError {
  if (outcome.status === 'failed')
    return new TroupeError(outcome.error.code, `The history could not be summarised: ${outcome.error.message}`);
  return new TroupeError('sub-session-failed', `The summary was stopped (${outcome.reason}).`);
}

const PROMPT = `Write the notes with which somebody else, who sees nothing of this conversation but your notes and the user's messages, can go on with the work at once.

Say, briefly and with exact names, paths and numbers:
- what the user wants, and what of that is finished and answered already;
- what was found out, and what was decided and why;
- what the user has forbidden, refused or preferred;
- what is being done right now, and the next steps;
- what was tried and failed, so that it is not tried again.

Write only the notes. Do not go on with the work, and call no tools.`;
