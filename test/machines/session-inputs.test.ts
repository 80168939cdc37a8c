import { describe, expect, it } from 'vitest';
import { keptOf, stageIn, stageSession } from './session-stage.ts';

describe('what the user says meanwhile', () => {
  it('starts a task when nothing runs', () => {
    const { steer, activity, told, context, tasks } = stageSession();
    steer('1');
    expect([activity(), told.slice(1)]).toEqual(['busy', ['answer said-1 started', 'start said-1']]);
    expect([context().foreground?.taskId, tasks.all.map(({ input }) => input.taskId), context().inputs]).toEqual([
      'said-1',
      ['said-1'],
      [],
    ]);
  });

  it.each(['busy', 'replacing', 'settling'] as const)('is kept, logged and answered in %s', (state) => {
    const staged = stageIn(state);
    staged.steer('1');
    expect([staged.activity(), staged.told.slice(-2)]).toEqual([state, ['input 1', 'keep said-1']]);
    expect(staged.context().inputs).toEqual([keptOf('1')]);
  });

  it('is gone once the task has taken it', () => {
    const { steer, actor, complete, release, activity, context } = stageIn('busy');
    for (const inputId of ['1', '2', '3']) steer(inputId);
    actor.send({ type: 'inputs.taken', inputIds: ['1', '3'] });
    expect(context().inputs).toEqual([keptOf('2')]);
    actor.send({ type: 'inputs.taken', inputIds: ['2'] });
    complete('a');
    release('a');
    expect(activity()).toBe('idle');
  });

  it('and no task has taken becomes the next task once the one before has completed', () => {
    const { steer, complete, release, activity, told, context, tasks } = stageIn('busy');
    steer('1');
    steer('2');
    complete('a');
    release('a');
    expect([activity(), told.at(-1), tasks.last().input.taskId]).toEqual(['busy', 'start said-1', 'said-1']);
    expect(context()).toMatchObject({ foreground: { taskId: 'said-1' }, unreleased: [], inputs: [keptOf('2')] });
  });

  it('comes after what was queued', () => {
    const { start, steer, complete, release, told, context } = stageIn('busy');
    steer('1');
    start('b');
    complete('a');
    release('a');
    expect([told.at(-1), context().inputs]).toEqual(['start b', [keptOf('1')]]);
    complete('b');
    release('b');
    expect(told.at(-1)).toBe('start said-1');
  });

  it.each(['aborted', 'crashed'] as const)('waits for the next start when the task before was %s', (how) => {
    const staged = stageIn('busy');
    staged.steer('1');
    if (how === 'aborted') staged.aborted('a');
    else staged.task('a').crash('It broke.');
    staged.release('a');
    expect([staged.activity(), staged.context().inputs]).toEqual(['idle', [keptOf('1')]]);
    staged.start('b');
    expect([staged.activity(), staged.context().inputs]).toEqual(['busy', [keptOf('1')]]);
    staged.complete('b');
    staged.release('b');
    expect(staged.told.at(-1)).toBe('start said-1');
  });

  it('is not started by the end of a task beside', () => {
    const { start, steer, aborted, complete, release, activity } = stageIn('busy');
    start('x', { placement: 'beside' });
    steer('1');
    aborted('a');
    complete('x');
    release('a');
    release('x');
    expect(activity()).toBe('idle');
  });
});
