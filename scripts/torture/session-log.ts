import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { HistoryEntry } from '../../src/index.ts';
import type { LogRecord } from '../../src/rollout/record.ts';
import { newRecovery, type Recovery, recover } from '../../src/rollout/recover.ts';
import { emptyState, type ReplayedState, replay } from '../../src/rollout/replay.ts';
import { verifyLog } from '../../src/rollout/verify/verify.ts';
import type { ToldEvent } from './exec-process.ts';

/** What the commands of the script have done, in order. */
export function effectsIn(work: string): readonly string[] {
  const path = join(work, 'effects');
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
}

/** A log as it is read again. */
export type SessionLog = Readonly<{
  bytes: Uint8Array;
  records: readonly LogRecord[];
  report: Recovery;
  state: ReplayedState;
}>;

/** The one log below a directory; an empty one when there is none. */
export async function logBelow(home: string): Promise<SessionLog> {
  const names = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
  if (names.length > 1) throw new Error(`Expected one log at most, got ${names.join(', ')}.`);
  const bytes = Buffer.concat(names.map((name) => readFileSync(join(home, name))));
  const report = newRecovery();
  const state = emptyState();
  const records: LogRecord[] = [];
  for await (const record of recover([bytes], report)) {
    records.push(record);
    replay(state, record);
  }
  return { bytes, records, report, state };
}

/** Each effect has its start in the log; so has each terminal that was told as safe. Only the last line may be torn. */
export function wrongAsLeft(
  { records, report }: SessionLog,
  effects: readonly string[],
  told: readonly ToldEvent[],
): readonly string[] {
  const started = records.filter(({ type }) => type === 'item.started').map(({ payload }) => JSON.stringify(payload));
  const seqs = new Set(records.map(({ seq }) => seq));
  return [
    ...new Set(
      effects.filter((effect, at) => effects.indexOf(effect) !== at).map((effect) => `${effect} was done twice`),
    ),
    ...effects
      .filter((effect) => !started.some((text) => text.includes(`${effect} `)))
      .map((effect) => `${effect} was done, and its start is not in the log`),
    ...told
      .filter(
        ({ seq, type, durable }) => type.startsWith('task.completed') && durable !== false && !seqs.has(seq ?? -1),
      )
      .map(({ type }) => `${type} was told, and is not in the log`),
    ...report.damage.filter(({ what }) => what !== 'torn').map(({ message }) => message),
  ];
}

/** The records go on without a gap, in the next epoch, and what was told is what is in the log; nothing is open. */
export async function wrongAfterResume(
  before: SessionLog,
  after: SessionLog,
  told: readonly ToldEvent[],
): Promise<readonly string[]> {
  const { records, report } = after;
  const committed = told.filter(({ seq }) => seq !== null);
  const fresh = records.slice(before.records.length);
  const texts = (list: readonly { seq: number | null; epoch: number; type: string }[]) =>
    list.map(({ seq, epoch, type }) => `${seq} ${epoch} ${type}`).join(', ');
  const verdict = await verifyLog([after.bytes]);
  return [
    ...report.damage.map(({ message }) => message),
    ...(verdict.verdict === 'legal' && verdict.isClosed && verdict.openTasks.length === 0
      ? []
      : [`the log is not that of a session that has ended: ${JSON.stringify(verdict)}`]),
    ...(isDeepStrictEqual(records.slice(0, before.records.length), before.records) ? [] : ['records have changed']),
    // What closes the past comes first.
    ...(committed.length > 0 && texts(fresh) === texts(committed)
      ? []
      : [`told: ${texts(committed)}; logged: ${texts(fresh)}`]),
    ...(fresh.every(({ epoch }) => epoch === before.state.epoch + 1)
      ? []
      : ['not all that is new is of the next epoch']),
  ];
}

/** Each call that the model is shown has one output. */
export function wrongCalls(history: readonly HistoryEntry[]): readonly string[] {
  const calls = history.flatMap((entry) => (entry.type === 'call' ? [entry.callId] : []));
  const outputs = history.flatMap((entry) => (entry.type === 'output' ? [entry.callId] : []));
  if (history.length === 0) return ['the model was not asked'];
  return calls.toSorted().join() === outputs.toSorted().join() ? [] : [`calls: ${calls}; outputs: ${outputs}`];
}
