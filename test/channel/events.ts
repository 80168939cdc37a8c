import type { CommittedEvent, SessionEvent, TransientEvent } from '../../src/protocol/events.ts';
import type { Path } from '../../src/protocol/path.ts';
import type { SessionRequest } from '../../src/protocol/requests.ts';

export const ROOT = { sessionId: 'root', kind: 'root' };
export const CHILD = { sessionId: 'child', kind: 'review' };
/** The true path of the child. */
export const CHILD_PATH: Path = [ROOT, CHILD];

function envelope(path: Path) {
  return { epoch: 0, time: '2026-11-20T12:00:00.000Z', sessionId: path.at(-1)?.sessionId ?? '', path };
}

/** A committed event. */
export function step(seq: number, path: Path = CHILD_PATH): CommittedEvent {
  return { ...envelope(path), seq, type: 'step.started', step: seq };
}

/** A transient event. */
export function delta(text: string, path: Path = CHILD_PATH): TransientEvent {
  return { ...envelope(path), seq: null, type: 'item.delta', itemId: 'i1', delta: text };
}

export function requestOf(id: string, path: Path = CHILD_PATH): SessionRequest {
  return {
    ...envelope(path),
    seq: 0,
    id,
    boundTo: 'hash',
    subject: { kind: 'question', questions: [{ id: 'q', question: 'Shall I?' }] },
  };
}

/** What an event says, in short: the number of a committed one, the text of a transient one. */
export function gist(event: SessionEvent): string {
  if (event.type === 'item.delta') return event.delta;
  return String(event.seq);
}

/** Lets everything happen that waits for nothing but its turn. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
