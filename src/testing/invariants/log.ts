import { isTerminal, type SessionEvent } from '../../protocol/events.ts';
import type { LogRecord } from '../../rollout/record.ts';
import type { Invariant } from './invariant.ts';

/** What holds between what is told and what is logged. */
export const LOG: readonly Invariant[] = [
  {
    id: 'H72',
    promise: 'an end that was told as safe is in the log',
    watch() {
      const logged = new Map<string, number>();
      const ends: SessionEvent[] = [];
      return {
        event(event) {
          if (isTerminal(event) && !('durable' in event)) ends.push(event);
          return null;
        },
        record(sessionId, { seq }) {
          logged.set(sessionId, seq);
          return null;
        },
        end() {
          const lost = ends.find(({ sessionId, seq }) => (seq ?? 0) > (logged.get(sessionId) ?? Infinity));
          return lost === undefined ? null : `${lost.type} of ${lost.taskId} was told, and is not in the log`;
        },
      };
    },
  },
  {
    id: 'H73',
    promise: 'what was told is what is logged under its number',
    watch() {
      const told = new Map<string, string>();
      const logged = new Map<string, string>();
      const differs = (key: string, text: string, other: Map<string, string>, own: Map<string, string>) => {
        const known = other.get(key);
        if (known === undefined) own.set(key, text);
        else other.delete(key);
        return known === undefined || known === text ? null : `${key} is told or logged as ${text}, and as ${known}`;
      };
      return {
        event: (event) =>
          event.seq === null ? null : differs(`${event.sessionId} ${event.seq}`, toldText(event), logged, told),
        record: (sessionId, record) => differs(`${sessionId} ${record.seq}`, loggedText(record), told, logged),
      };
    },
  },
];

function toldText(event: SessionEvent): string {
  const { seq: _seq, epoch, time, sessionId: _sessionId, path: _path, taskId, ...body } = event;
  const { durable: _durable, ...rest } = body as { durable?: false }; // Added when it is told, after it was written.
  return JSON.stringify({ epoch, time, ...(taskId === undefined ? {} : { taskId }), ...rest });
}

function loggedText({ epoch, time, payload }: LogRecord): string {
  const { history: _history, ...body } = payload as Record<string, unknown>; // A payload is an object.
  return JSON.stringify({ epoch, time, ...body });
}
