import { newRecovery, recover, UnknownVersion } from '../recover.ts';
import { CONTENT_RULES } from './content-rules.ts';
import { isTerminal, type Rule, type Seen, textIn } from './rule.ts';
import { SESSION_RULES } from './session-rules.ts';
import { TASK_RULES } from './task-rules.ts';

/** All the laws of a log, by groups. That it can be read at all comes before them: `readable`. */
export const RULES: readonly Rule[] = [...SESSION_RULES, ...TASK_RULES, ...CONTENT_RULES];

/** What a log turned out to be. An illegal one is told by the first record that is not legal. */
export type Verdict =
  | Readonly<{ verdict: 'legal'; records: number; openTasks: readonly string[]; isClosed: boolean }>
  | Readonly<{ verdict: 'illegal'; line: number; seq: number | null; type: string | null; rule: string; why: string }>
  | Readonly<{ verdict: 'unreadable'; why: string }>;

/**
 * Whether a log is a legal trace of the charts, read by itself: of the writer it knows the format of a record and nothing else.
 * A session that still runs, or was killed, has a log that is legal and not finished. Needs memory for what is open only.
 */
export async function verifyLog(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Verdict> {
  const report = newRecovery();
  const watches = RULES.map(({ name, watch }) => ({ name, watch: watch() }));
  const open = new Set<string>();
  let last: Seen | null = null;
  let damaged = 0;
  try {
    for await (const { seq, epoch, time, type, payload } of recover(pieces, report)) {
      const damage = report.damage[damaged];
      if (damage !== undefined && damage.what !== 'gap') return unreadable(damage);
      damaged = report.damage.length;
      const members = typeof payload === 'object' && payload !== null ? { ...payload } : {};
      const record: Seen = {
        line: report.records,
        seq,
        epoch,
        time,
        type,
        taskId: textIn(members, 'taskId'),
        payload: members,
      };
      for (const { name, watch } of watches) {
        const why = watch(record);
        if (why !== null) return { verdict: 'illegal', line: record.line, seq, type, rule: name, why };
      }
      if (record.taskId !== null && type === 'task.started') open.add(record.taskId);
      if (record.taskId !== null && isTerminal(record)) open.delete(record.taskId);
      last = record;
    }
  } catch (error) {
    if (error instanceof UnknownVersion) return { verdict: 'unreadable', why: error.message };
    throw error;
  }
  // A last line that was never finished is what a kill leaves; it is set aside by whoever goes on.
  const rest = report.damage.slice(damaged).find(({ what }) => what !== 'torn');
  if (rest !== undefined) return unreadable(rest);
  if (last === null) return { verdict: 'unreadable', why: 'It holds no record that could be read.' };
  return { verdict: 'legal', records: report.records, openTasks: [...open], isClosed: last.type === 'session.closed' };
}

function unreadable({ line, message }: { line: number; message: string }): Verdict {
  return { verdict: 'illegal', line, seq: null, type: null, rule: 'readable', why: message };
}
