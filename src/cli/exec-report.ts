import type { SessionEvent } from '../index.ts';
import { block } from './block.ts';
import { createExecEvents, failedTurn, type ThreadEvent } from './exec-events.ts';
import { createExecOutput, type ExecOutput, type ExecOutputOptions } from './exec-output.ts';
import { jsonLine } from './json-lines.ts';

/** For people, for programs that know Codex, or for programs that know Troupe. */
export type ExecFormat = 'text' | 'json' | 'events';

/** How a run is told of. */
export type ExecReport = ExecOutput &
  Readonly<{
    /** Says that it ends without having been completed, where nothing that was shown has said so yet. */
    fail(message: string): void;
  }>;

/** Tells of a run in this format: as a conversation, as the events of Codex, or as the session's own events. */
export function createExecReport(format: ExecFormat, options: ExecOutputOptions): ExecReport {
  const { answer, beside, view } = options;
  if (format === 'text') return { ...createExecOutput(options), fail: () => {} };
  const note = (label: string, text: string) => beside(`${block(label, [text], view.paint).join('\n')}\n`);
  if (format === 'events') return { note, fail: () => {}, show: (event: SessionEvent) => answer(jsonLine(event)) };

  const eventsOf = createExecEvents(view.cwd);
  let hasEnded = false;
  const tell = (event: ThreadEvent) => {
    hasEnded ||= event.type === 'turn.completed' || event.type === 'turn.failed';
    answer(jsonLine(event));
  };
  return {
    note,
    fail(message) {
      if (!hasEnded) tell(failedTurn(message));
    },
    show(event) {
      for (const each of eventsOf(event)) tell(each);
    },
  };
}
