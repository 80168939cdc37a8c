import type { SessionEvent, TaskOutcome } from '../index.ts';
import { block } from './block.ts';
import { createExecEvents, failedTurn, type ThreadEvent } from './exec-events.ts';
import { createExecOutput, type ExecOutput, type ExecOutputOptions } from './exec-output.ts';
import { jsonLine } from './json-lines.ts';

/** For people, for programs that know Codex, for programs that know Troupe, or the findings of a review alone. */
export type ExecFormat = 'text' | 'json' | 'events' | 'findings';

/** How a run is told of. */
export type ExecReport = ExecOutput &
  Readonly<{
    /** Says which session is about to run, where that is told before the session itself tells of anything. */
    begin(sessionId: string): void;
    /** Says that it ends without having been completed, where nothing that was shown has said so yet. */
    fail(message: string): void;
    /** Gives what it came to, where that is not given by its events. */
    finish(outcome: Extract<TaskOutcome, { status: 'completed' }>): void;
  }>;

/** Tells of a run in this format: as a conversation, as the events of Codex, or as the session's own events. */
export function createExecReport(format: ExecFormat, options: ExecOutputOptions): ExecReport {
  const { answer, beside, view } = options;
  const ends = { begin: () => {}, fail: () => {}, finish: () => {} };
  if (format === 'text') return { ...createExecOutput(options), ...ends };
  if (format === 'findings') {
    const shown = createExecOutput({ ...options, answer: () => {} });
    return { ...shown, ...ends, finish: (outcome) => answer(jsonLine(findingsIn(outcome))) };
  }
  const note = (label: string, text: string) => beside(`${block(label, [text], view.paint).join('\n')}\n`);
  if (format === 'events') return { note, ...ends, show: (event: SessionEvent) => answer(jsonLine(event)) };

  const eventsOf = createExecEvents(view.cwd);
  let hasBegun = false;
  let hasEnded = false;
  const tell = (event: ThreadEvent) => {
    if (event.type === 'thread.started' && hasBegun) return;
    hasBegun ||= event.type === 'thread.started';
    hasEnded ||= event.type === 'turn.completed' || event.type === 'turn.failed';
    answer(jsonLine(event));
  };
  return {
    note,
    begin: (sessionId) => tell({ type: 'thread.started', thread_id: sessionId }),
    finish: () => {},
    fail(message) {
      if (!hasEnded) tell(failedTurn(message));
    },
    show(event) {
      for (const each of eventsOf(event)) tell(each);
    },
  };
}

function findingsIn(outcome: object): object {
  const { findings = [], correctness = '', explanation = '' } = { ...outcome } as Record<string, unknown>; // A review gives these.
  return { findings, correctness, explanation };
}
