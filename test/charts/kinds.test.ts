import { describe, expect, it } from 'vitest';
import * as machines from '../../machines/index.ts';
import { lifecycle } from '../../machines/lifecycle.ts';
import { stagedWork } from '../../machines/staged-work.ts';
import { walkLifecycle } from './walk-lifecycle.ts';
import { walkStagedWork } from './walk-staged-work.ts';

const LIFECYCLES = {
  agentTask: machines.agentTask,
  compactTask: machines.compactTask,
  ghostSnapshotTask: machines.ghostSnapshotTask,
  regularTask: machines.regularTask,
  reviewTask: machines.reviewTask,
  undoTask: machines.undoTask,
  userShellTask: machines.userShellTask,
};

const STAGED = {
  agentWork: { chart: machines.agentWork, stages: ['awaiting-turn', 'working'] },
  compactWork: { chart: machines.compactWork, stages: ['gathering', 'summarising', 'replacing'] },
  definedWork: { chart: machines.definedWork, stages: ['running'] },
  ghostSnapshotWork: { chart: machines.ghostSnapshotWork, stages: ['keeping', 'recording'] },
  reviewWork: { chart: machines.reviewWork, stages: ['finding-target', 'reviewing', 'recording'] },
  undoWork: { chart: machines.undoWork, stages: ['restoring', 'recording'] },
  userShellWork: { chart: machines.userShellWork, stages: ['running-command', 'recording'] },
};

/** Those that are like no other: each has a model and a test of its own here. */
const WALKED_ALONE = ['delegate', 'regularWork', 'sessionMachine', 'toolCall'];

describe.each(Object.values(LIFECYCLES).map((chart) => [chart.id, chart] as const))('the lifecycle %s', (_, chart) => {
  walkLifecycle(chart);
});

describe.each(Object.values(STAGED).map(({ chart, stages }) => [chart.id, chart, stages] as const))(
  'the work %s',
  (_, chart, stages) => walkStagedWork(chart, stages),
);

describe('a lifecycle that somebody else makes', () => {
  walkLifecycle(lifecycle({ id: 'job', description: 'A job.' }));
});

describe('a work in stages that somebody else makes', () => {
  const stages = { first: 'One.', second: 'Two.', third: 'Three.', fourth: 'Four.' };
  walkStagedWork(stagedWork({ id: 'job-work', description: 'Four stages.', stages }), Object.keys(stages));
});

it('leave no chart out that there is', () => {
  const charts = Object.entries(machines).flatMap(([name, one]) => (typeof one === 'function' ? [] : [name]));
  expect([...Object.keys(LIFECYCLES), ...Object.keys(STAGED), ...WALKED_ALONE].toSorted()).toEqual(charts.toSorted());
});
