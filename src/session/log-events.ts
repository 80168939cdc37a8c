import type { SessionEvent } from '../protocol/events.ts';
import { pathText } from '../protocol/path.ts';
import type { Book } from './book.ts';

/** What a logger has: pino's interface, which console has as well. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Tells a logger what happens in a tree: what, where and how it ended, never what was said, run or shown. */
export function logEvents(book: Book, logger: Logger): void {
  book.channel.events$.subscribe((event) => {
    if (event.seq === null) return;
    const { type, seq, sessionId, taskId, path } = event;
    const fields = {
      seq,
      sessionId,
      path: pathText(path),
      ...(taskId === undefined ? {} : { taskId }),
      ...detailOf(event),
    };
    try {
      logger[LEVELS[type] ?? 'debug'](fields, type);
    } catch {
      // A logger that fails must not stop what it logs, and there is nowhere left to say so.
    }
  });
}

const LEVELS: Readonly<Partial<Record<SessionEvent['type'], keyof Logger>>> = {
  'session.opened': 'info',
  'session.closed': 'info',
  'session.degraded': 'error',
  'task.started': 'info',
  'task.completed': 'info',
  'task.aborted': 'info',
  'task.failed': 'error',
  'warning.raised': 'warn',
};

function detailOf(event: SessionEvent): object {
  switch (event.type) {
    case 'task.started':
    case 'task.completed':
      return { kind: event.kind };
    case 'task.failed':
      return { kind: event.kind, code: event.error.code };
    case 'task.aborted':
      return { kind: event.kind, reason: event.reason, phases: event.receipt.phases };
    case 'warning.raised':
      return { code: event.code };
    case 'item.started':
    case 'item.completed':
      return { item: event.item.type };
    case 'request.opened':
    case 'request.shown':
      return { requestId: event.request.id, subject: event.request.subject.kind };
    case 'request.resolved':
      return { requestId: event.requestId, how: event.resolution.how };
    default:
      return {};
  }
}
