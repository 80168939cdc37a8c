import { createActor, type EventObject, type SnapshotFrom } from 'xstate';
import { lifecycle } from '../../machines/lifecycle.ts';
import type { TaskInput, WorkCommand, WorkEnd } from '../../src/protocol/messages.ts';
import type { AbortReason } from '../../src/protocol/outcomes.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';
import { audience, puppets, resumed, type Stored, timerLogic } from './puppet.ts';

/** When the clock begins, in ms. Zero would mean that a time is not known. */
export const START = 1_000;
export const GRACE_MS = 100;
export const KILL_MS = 500;

export const TASK: TaskInput = { taskId: 'job/1', sessionId: 's1', kind: 'job', killMs: KILL_MS };

export type LifecycleChart = ReturnType<typeof lifecycle>;

/** A task with a work and a cleanup that the test plays, on a clock that stands; or one that goes on from a store. */
export function stageTask(store?: Stored, chart: LifecycleChart = lifecycle({ id: 'job', description: 'A job.' })) {
  const clock = createSteppedClock(store?.at ?? START);
  const above = audience(clock);
  const works = puppets<TaskInput, WorkCommand, WorkEnd>();
  const cleanups = puppets<TaskInput, EventObject, { at: number }>();
  const machine = chart.provide({
    actors: { work: works.logic, cleanup: cleanups.logic, timer: timerLogic },
  });
  const actor = createActor(machine, {
    id: 'job/1',
    parent: above.ref,
    input: TASK,
    ...resumed<SnapshotFrom<typeof machine>>(store),
  }).start();
  return {
    actor,
    clock,
    works,
    cleanups,
    above: above.heard,
    get work() {
      return works.last();
    },
    state: () => actor.getSnapshot().value,
    end: () => actor.getSnapshot().output,
    abort(reason: AbortReason = 'interrupted') {
      actor.send({ type: 'task.abort', reason, at: clock.now(), deadline: clock.now() + GRACE_MS });
    },
    kill: () => actor.send({ type: 'task.kill', at: clock.now() }),
    cleanUp: () => cleanups.last().finish({ at: clock.now() }),
  };
}

export type StagedTask = ReturnType<typeof stageTask>;

/** Takes a task that runs into the state. */
export const INTO = {
  aborting: (task: StagedTask) => task.abort(),
  settling(task: StagedTask) {
    task.abort();
    task.work.say({ type: 'work.acknowledged', at: task.clock.now() });
  },
  killing(task: StagedTask) {
    INTO.settling(task);
    task.kill();
  },
};
