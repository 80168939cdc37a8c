import Elk from 'elkjs/lib/elk.bundled.js';
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { chartOf } from '../../src/inspect/chart.ts';
import { layOut } from '../../src/inspect/picture.ts';
import { disorderOf } from './disorder.ts';
import { lifecycleSample, regionsSample } from './samples.ts';

const elk = new Elk.default();
const inWait = 'sample-task.grace-wait';
const pictureOf = (config: Parameters<typeof createMachine>[0]) => layOut(chartOf(createMachine(config)), elk);

describe('layOut', () => {
  it('names states and transitions as a running machine does', async () => {
    const picture = await layOut(chartOf(lifecycleSample), elk);
    expect(picture.states.map(({ path, type, depth }) => [path, type, depth])).toEqual([
      ['', 'compound', 0],
      ['running', 'atomic', 1],
      ['grace-wait', 'compound', 1],
      ['grace-wait.settling', 'atomic', 2],
      ['grace-wait.killing', 'atomic', 2],
      ['grace-wait.over', 'final', 2],
      ['aborted', 'final', 1],
      ['completed', 'final', 1],
    ]);
    expect(picture.edges.map(({ id, source, target, transitions }) => [id, source, target, transitions])).toEqual([
      ['running#0', 'running', 'grace-wait', [{ id: 'running#0', event: 'task.abort' }]],
      ['running#1', 'running', 'grace-wait.killing', [{ id: 'running#1', event: 'task.kill' }]],
      ['running#2', 'running', 'completed', [{ id: 'running#2', event: 'work.done' }]],
      ['grace-wait#0', 'grace-wait', 'grace-wait.over', [{ id: 'grace-wait#0', event: 'work.settled' }]],
      ['grace-wait#1', 'grace-wait', 'aborted', [{ id: 'grace-wait#1', event: `xstate.done.state.${inWait}` }]],
      [
        'grace-wait.settling#1',
        'grace-wait.settling',
        'completed',
        [{ id: 'grace-wait.settling#1', event: 'deadline.passed' }],
      ],
      [
        'grace-wait.settling#2',
        'grace-wait.settling',
        'grace-wait.killing',
        [
          { id: 'grace-wait.settling#2', event: `xstate.done.actor.0.${inWait}.settling` },
          { id: 'grace-wait.settling#3', event: `xstate.error.actor.0.${inWait}.settling` },
        ],
      ],
    ]);
  });

  it.each([
    ['a lifecycle', lifecycleSample],
    ['regions that move one another', regionsSample],
  ])('lays out %s in order', async (_, machine) => {
    expect(disorderOf(await layOut(chartOf(machine), elk))).toEqual([]);
  });

  it('is plain data, and the same each time', async () => {
    const picture = await layOut(chartOf(regionsSample), elk);
    expect(JSON.parse(JSON.stringify(picture))).toEqual(picture);
    expect(await layOut(chartOf(regionsSample), elk)).toEqual(picture);
  });

  it('shows a machine without states', async () => {
    expect(await pictureOf({ id: 'one' })).toMatchObject({ states: [{ path: '', title: 'one' }], edges: [] });
  });
});
