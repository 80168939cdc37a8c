import type { Receipt } from '../protocol/outcomes.ts';
import { block } from './block.ts';
import type { Paint } from './terminal.ts';

/** What an abort did, in words. */
export function receiptLines(receipt: Receipt, paint: Paint): string[] {
  if (receipt.outcome === 'not-running') return block('receipt', ['nothing was running'], paint);
  const { phases, processes, sessions, unsettled, requests, queued, partial } = receipt;
  const total = phases.reduce((sum, { ms }) => sum + ms, 0);
  const words = phases.map(({ phase, ms }) => `${phase} ${ms} ms`).join(', ');
  return block(
    'receipt',
    [
      `stopped in ${total} ms: ${words}`,
      `processes: ${processes.killed} killed, ${processes.survivors} still alive`,
      `requests withdrawn: ${requests.withdrawn.length}`,
      ...(sessions.length === 0 ? [] : [`sub-sessions stopped: ${sessions.length}`]),
      ...(unsettled === 0 ? [] : [`work that did not stop, and has no effect any more: ${unsettled}`]),
      ...(queued.kept + queued.dropped === 0 ? [] : [`queued inputs: ${queued.kept} kept, ${queued.dropped} dropped`]),
      `kept: ${partial.text.length} characters of an unfinished answer, ${counted(partial.outputs, 'unfinished output')}`,
    ],
    paint,
  );
}

/** A number with its noun: `1 file`, `2 files`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
