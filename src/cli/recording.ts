import { basename, resolve } from 'node:path';
import { defaultHome } from '../here/default-home.ts';
import { findLog, piecesOf } from '../here/log-files.ts';
import type { SessionEvent } from '../index.ts';
import type { Recording } from '../inspect/recorded-source.ts';
import { newRecovery, recover } from '../rollout/recover.ts';

/** How many records are read of one tree: as many as a page can go through. */
const RECORDS_MAX = 200_000;

/** The logs of a session and of those below it, as one row of events in the order of time. */
export async function readRecording(location: string): Promise<Recording> {
  const sessionId = basename(location, '.jsonl');
  const reading = { left: RECORDS_MAX, notes: [] as string[] };
  const events = await readTree(location, reading);
  if (reading.left <= 0) reading.notes.push(`Only the first ${RECORDS_MAX} records are here; the logs have more.`);
  return { sessionId, title: sessionId, events, notes: reading.notes };
}

type Reading = { left: number; readonly notes: string[] };

async function readTree(location: string, reading: Reading): Promise<readonly SessionEvent[]> {
  const own = await readLog(location, reading);
  const children = new Map<string, readonly SessionEvent[]>();
  for (const event of own) {
    if (event.type !== 'child.opened' || children.has(event.childId)) continue;
    const found = await findLog(resolve(defaultHome()), event.childId);
    if (found === null) reading.notes.push(`There is no log of the sub-session ${event.childId}.`);
    children.set(event.childId, found === null ? [] : await readTree(found, reading));
  }
  return inOrder(own, children);
}

async function readLog(location: string, reading: Reading): Promise<readonly SessionEvent[]> {
  const report = newRecovery();
  const sessionId = basename(location, '.jsonl');
  const events: SessionEvent[] = [];
  let path: SessionEvent['path'] = [{ sessionId, kind: 'root' }];
  for await (const { seq, epoch, time, payload } of recover(piecesOf(location), report)) {
    reading.left -= 1;
    if (reading.left < 0) break;
    const { history: _, ...body } = payload as Record<string, unknown>; // What the model was shown is not what people see.
    const event = { ...body, seq, epoch, time, sessionId, path } as unknown as SessionEvent; // As the gate wrote it.
    if (event.type === 'session.opened') path = event.sessionPath ?? path;
    events.push({ ...event, path });
  }
  const damage = report.damage.map(({ line, message }) => `${sessionId}, line ${line}: ${message}`);
  reading.notes.push(...damage);
  return events;
}

/** One row of what a session and its sub-sessions told. What was told in the same ms below comes first: above is told of it. */
export function inOrder(
  own: readonly SessionEvent[],
  children: ReadonlyMap<string, readonly SessionEvent[]>,
): readonly SessionEvent[] {
  const row: SessionEvent[] = [];
  const below: { events: readonly SessionEvent[]; next: number }[] = [];
  const takeBelow = (until: string | null): void => {
    for (;;) {
      let first: (typeof below)[number] | null = null;
      for (const one of below) {
        const time = one.events[one.next]?.time;
        if (time === undefined || (until !== null && time > until)) continue;
        if (first === null || time < (first.events[first.next]?.time ?? '')) first = one;
      }
      const event = first?.events[first.next];
      if (first === null || event === undefined) return;
      row.push(event);
      first.next += 1;
    }
  };
  for (const event of own) {
    takeBelow(event.time);
    row.push(event);
    const opened = event.type === 'child.opened' ? children.get(event.childId) : undefined;
    // A log that was put together wrongly may tell of it twice.
    if (opened !== undefined && !below.some(({ events }) => events === opened)) below.push({ events: opened, next: 0 });
  }
  takeBelow(null);
  return row;
}
