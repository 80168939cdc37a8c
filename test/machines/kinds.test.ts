import { expect, it } from 'vitest';
import * as machines from '../../machines/index.ts';
import { builtinTasks } from '../../src/index.ts';

const STATES = ['running', 'aborting', 'grace-wait', 'aborted', 'completed'];

it('are machines of their own, one for each kind, with the same five states', () => {
  const { regularTask, reviewTask, compactTask, ghostSnapshotTask, undoTask, userShellTask } = machines;
  const six = [regularTask, reviewTask, compactTask, ghostSnapshotTask, undoTask, userShellTask];
  expect(six.map(({ id, states }) => [id, Object.keys(states)])).toEqual(
    ['regular', 'review', 'compact', 'ghost-snapshot', 'undo', 'user-shell'].map((id) => [id, STATES]),
  );
  expect(new Set(six).size).toBe(6);
});

it('each have a chart of their work beside them', () => {
  const works = Object.entries(machines).flatMap(([name, value]) =>
    name.endsWith('Work') && name !== 'stagedWork' && 'id' in value ? [value.id] : [],
  );
  const kinds = Object.keys(builtinTasks).map((kind) => `${kind}-work`);
  expect(kinds.filter((kind) => !works.includes(kind))).toEqual([]);
});
