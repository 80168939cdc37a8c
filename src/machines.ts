import { fromPromise } from 'xstate';
import {
  agentTask as agentTaskChart,
  compactTask as compactTaskChart,
  ghostSnapshotTask as ghostSnapshotTaskChart,
  lifecycle as lifecycleChart,
  regularTask as regularTaskChart,
  reviewTask as reviewTaskChart,
  sessionMachine as sessionChart,
  undoTask as undoTaskChart,
  userShellTask as userShellTaskChart,
} from '../machines/index.ts';
import type { CleanupLogic } from '../machines/lifecycle.ts';
import type { TimerLogic } from '../machines/logic.ts';
import { clockOf } from './runtime/system-clock.ts';
import { timer } from './runtime/timer.ts';

export {
  agentWork,
  compactWork,
  definedWork,
  delegate,
  ghostSnapshotWork,
  regularWork,
  reviewWork,
  stagedWork,
  toolCall,
  undoWork,
  userShellWork,
} from '../machines/index.ts';

const noCleanup = fromPromise(async ({ system }) => ({ at: clockOf(system).now() }));

const actors = {
  timer: timer as unknown as TimerLogic, // XState wants the snapshot types to be equal, not assignable.
  cleanup: noCleanup as unknown as CleanupLogic, // Likewise.
};

/** The lifecycle of a task, as a machine for one kind, with real timers; give it its work with `.provide({ actors: { work } })`. */
export function lifecycle(kind: { id: string; description: string }) {
  return lifecycleChart(kind).provide({ actors });
}

/** The lifecycles of the kinds, with real timers; the work of each is the chart of the same name (`regularWork`, …). */
export const regularTask = regularTaskChart.provide({ actors });
export const reviewTask = reviewTaskChart.provide({ actors });
export const compactTask = compactTaskChart.provide({ actors });
export const ghostSnapshotTask = ghostSnapshotTaskChart.provide({ actors });
export const undoTask = undoTaskChart.provide({ actors });
export const userShellTask = userShellTaskChart.provide({ actors });
export const agentTask = agentTaskChart.provide({ actors });

/** The chart of a session, with real timers; its tasks are given by name with `.provide({ actors: { … } })`. */
export const sessionMachine = sessionChart.provide({ actors: { timer: actors.timer } });
