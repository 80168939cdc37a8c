import { constants } from 'node:os';

/** What `timeout(1)` shows for a command that took too long. */
export const EXIT_TIMED_OUT = 124;
/** What a shell shows for a command that is there and cannot be executed. */
export const EXIT_NOT_EXECUTABLE = 126;
/** What a shell shows for a command that is not there. */
export const EXIT_NOT_FOUND = 127;
/** A shell shows a death by signal n as this plus n. */
const EXIT_SIGNAL_BASE = 128;

/** The code that a shell would show for a process that ended with `code`, or by `signal`. */
export function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return signal === null ? (code ?? 0) : EXIT_SIGNAL_BASE + constants.signals[signal];
}
