import { fromPromise } from 'xstate';
import {
  lifecycle as lifecycleChart,
  regularTask as regularTaskChart,
  sessionMachine as sessionChart,
} from '../machines/index.ts';
import type { CleanupLogic } from '../machines/lifecycle.ts';
import type { TimerLogic } from '../machines/logic.ts';
import { clockOf } from './runtime/system-clock.ts';
import { timer } from './runtime/timer.ts';

export { definedWork, delegate, regularWork, stagedWork, toolCall } from '../machines/index.ts';

const noCleanup = fromPromise(async ({ system }) => ({ at: clockOf(system).now() }));

const actors = {
  timer: timer as unknown as TimerLogic, // XState wants the snapshot types to be equal, not assignable.
  cleanup: noCleanup as unknown as CleanupLogic, // Likewise.
};

/** The lifecycle of a task, as a machine for one kind, with real timers; give it its work with `.provide({ actors: { work } })`. */
export function lifecycle(kind: { id: string; description: string }) {
  return lifecycleChart(kind).provide({ actors });
}

/** The lifecycle of the regular kind, with real timers; its work is `regularWork`. */
export const regularTask = regularTaskChart.provide({ actors });

/** The chart of a session, with real timers; its tasks are given by name with `.provide({ actors: { … } })`. */
export const sessionMachine = sessionChart.provide({ actors: { timer: actors.timer } });
