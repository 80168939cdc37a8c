import { expect, it } from 'vitest';
import { NOTHING_TO_REPORT, type WorkEnd } from '../../src/protocol/messages.ts';
import {
  chartCoverage,
  everyEdge,
  type TaskModelContext,
  type TaskModelEvent,
  taskModel,
  taskModelEvents,
} from '../../src/testing/index.ts';
import { type LifecycleChart, type StagedTask, stageTask } from '../machines/lifecycle-stage.ts';
import { coversAll } from './walk-model.ts';

const ERROR = { code: 'internal', message: 'It broke.', retryable: false } as const;
const worked = (task: StagedTask, end: Pick<WorkEnd, 'end'> & object) =>
  task.work.finish({ at: task.clock.now(), report: NOTHING_TO_REPORT, ...end } as WorkEnd); // Each call below gives its other fields.

/** What the model calls an event, done to a task that runs. */
const DO: Readonly<Record<TaskModelEvent['type'], (task: StagedTask) => void>> = {
  abort: (task) => task.abort(),
  kill: (task) => task.kill(),
  cancel: ({ actor }) => actor.send({ type: 'task.cancel' }),
  'work acknowledges': ({ work, clock }) => work.say({ type: 'work.acknowledged', at: clock.now() }),
  'work settles': ({ work, clock }) => work.say({ type: 'work.settled', at: clock.now() }),
  'work says done': ({ work, clock }) => work.say({ type: 'work.done', at: clock.now() }),
  'work says failed': ({ work, clock }) => work.say({ type: 'work.failed', at: clock.now(), error: ERROR }),
  'work ends completed': (task) => worked(task, { end: 'completed', ...{ answer: null, data: null } }),
  'work ends failed': (task) => worked(task, { end: 'failed', ...{ error: ERROR } }),
  'work ends stopped': (task) => worked(task, { end: 'stopped' }),
  'work crashes': ({ work }) => work.crash('It broke.'),
  'hook ends': ({ cleanups, clock }) => cleanups.all.at(-1)?.finish({ at: clock.now() }),
  'hook crashes': ({ cleanups }) => cleanups.all.at(-1)?.crash('The hook broke.'),
  'time passes': ({ clock }) => clock.advance(clock.pending()[0] ?? 1),
};

const STATES: Readonly<Record<string, unknown>> = {
  settling: { 'grace-wait': 'settling' },
  killing: { 'grace-wait': 'killing' },
  'cleaning up': { 'grace-wait': 'cleanup' },
  failed: 'completed',
};

/** A task as the model speaks of it. */
function seen({ state, work, above, end }: StagedTask) {
  const output = end();
  return {
    state: state(),
    told: work.heard.map(({ type }) => type.replace('work.', '')),
    acknowledged: above.filter(({ type }) => type === 'task.acknowledged').length,
    end: output?.end ?? null,
    ends: above.filter(({ type }) => type.startsWith('xstate.')).length,
    forced: output?.end === 'aborted' && output.forced,
    unsettled: output?.end === 'aborted' ? output.report.unsettled : 0,
  };
}

function expected(value: string, { told, acknowledged, end, unanswered }: TaskModelContext) {
  return {
    state: STATES[value] ?? value,
    told,
    acknowledged: acknowledged ? 1 : 0,
    end,
    ends: end === null ? 0 : 1,
    forced: end === 'aborted' && told.includes('kill'),
    unsettled: end === 'aborted' && unanswered ? 1 : 0,
  };
}

const PATHS = everyEdge(taskModel, { events: taskModelEvents });
const EDGES = [...new Set(PATHS.map(({ description }) => description))];

/** Does to a lifecycle what the model of every task can go through, and compares. */
export function walkLifecycle(chart: LifecycleChart): void {
  const coverage = chartCoverage(chart);
  it.each(EDGES)('does as the model says: %s', (edge) => {
    for (const { steps } of PATHS.filter(({ description }) => description === edge)) {
      const task = stageTask(undefined, chart);
      coverage.watch(task.actor);
      for (const { event, state } of steps) {
        if (event.type in DO) DO[event.type](task);
        expect([event.type, seen(task)]).toEqual([event.type, expected(state.value, state.context)]);
      }
    }
  });
  coversAll(coverage);
}
