import { type EventObject, fromCallback } from 'xstate';
import { clockOf } from './system-clock.ts';

/**
 * Tells its parent `deadline.passed` once the clock shows `deadline` (ms since 1970; null: never). Invoked, so that it
 * starts again when its machine is restored; `after` would not.
 */
export const timer = fromCallback<EventObject, { deadline: number | null }>(({ input, sendBack, system }) => {
  if (input.deadline === null) return;
  const clock = clockOf(system);
  const timeout = clock.setTimeout(
    () => sendBack({ type: 'deadline.passed', at: clock.now() }),
    Math.max(0, input.deadline - clock.now()),
  );
  return () => clock.clearTimeout(timeout);
});
