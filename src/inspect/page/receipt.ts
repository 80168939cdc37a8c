import type { Receipt } from '../../protocol/outcomes.ts';
import { pathText } from '../../protocol/path.ts';
import type { Reply } from '../view/wire.ts';
import type { Notice } from './page-state.ts';
import { duration, plural } from './words.ts';

/** What an abort did, in the words of its receipt. */
export function receiptNotice(reply: Reply): Notice {
  if (!reply.ok) return { tone: 'bad', title: 'It was not stopped', lines: [reply.why] };
  return noticeOf(reply.value as Receipt); // What an abort answers with.
}

export function noticeOf(receipt: Receipt): Notice {
  if (receipt.outcome === 'not-running') return { tone: 'good', title: 'Nothing was running', lines: [] };
  return {
    tone: receipt.unsettled > 0 || receipt.processes.survivors > 0 ? 'bad' : 'good',
    title: 'Stopped',
    lines: receiptLines(receipt),
  };
}

export function receiptLines(receipt: Receipt): readonly string[] {
  const { reason, phases, sessions, processes, unsettled, requests, queued, partial } = receipt;
  return [
    ...(reason === undefined ? [] : [`reason: ${reason}`]),
    `phases: ${phases.map(({ phase, ms }) => `${phase} ${duration(ms)}`).join(', ') || 'none'}`,
    ...(sessions.length === 0 ? [] : [`sub-sessions stopped: ${sessions.map(pathText).join(', ')}`]),
    `processes: ${processes.killed} killed, ${plural(processes.survivors, 'survivor')}`,
    ...(unsettled === 0 ? [] : [`work that did not stop in time: ${unsettled}`]),
    ...(requests.withdrawn.length === 0 ? [] : [`requests withdrawn: ${requests.withdrawn.length}`]),
    ...(queued.kept + queued.dropped === 0 ? [] : [`queued: ${queued.kept} kept, ${queued.dropped} dropped`]),
    ...(partial.text === '' && partial.outputs === 0
      ? []
      : [`kept of what had begun: ${plural(partial.text.length, 'character')}, ${plural(partial.outputs, 'output')}`]),
  ];
}
