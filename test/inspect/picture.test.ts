import Elk from 'elkjs/lib/elk.bundled.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { chartOf } from '../../src/inspect/chart.ts';
import { layOut } from '../../src/inspect/picture.ts';
import { anyChart } from './any-chart.ts';
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

  it('says what stands in a state, line by line, with the transitions that stay in it', async () => {
    const { states } = await layOut(chartOf(lifecycleSample), elk);
    const textOf = (path: string) =>
      states
        .find((state) => state.path === path)
        ?.lines.map(({ kind, spans, transition }) => [kind, spans.map(({ text }) => text).join(''), transition]);
    expect(textOf('')).toEqual([
      ['title', 'sample-task', null],
      ['description', 'Runs once, and {stops} within a bound.', null],
      ['invoke', 'work', null],
      ['transition', 'note /\u00a0count', '#0'],
    ]);
    expect(textOf('running')).toEqual([
      ['title', 'running', null],
      ['waits', 'waits for work', null],
      ['tags', '#live', null],
    ]);
    expect(textOf('grace-wait.settling')).toEqual([
      ['title', 'settling', null],
      ['invoke', 'timer', null],
      ['transition', 'task.abort ignored', 'grace-wait.settling#0'],
    ]);
    expect(textOf('grace-wait.killing')).toEqual([
      ['title', 'killing', null],
      ['entry', 'entry / killWork', null],
      ['exit', 'exit / keepReason', null],
    ]);
  });

  it('labels an arrow with its transitions, each line with the id of its own', async () => {
    const { edges } = await layOut(chartOf(lifecycleSample), elk);
    const label = (id: string) =>
      edges.find((edge) => edge.id === id)?.label?.lines.map(({ spans, transition }) => [spans, transition]);
    expect(label('running#0')).toEqual([
      [
        [
          { kind: 'event', text: 'task.abort ' },
          { kind: 'guard', text: '[isLate]' },
        ],
        'running#0',
      ],
      [[{ kind: 'action', text: '/\u00a0keepReason, cancelWork' }], 'running#0'],
    ]);
    expect(label('grace-wait.settling#2')).toEqual([
      [[{ kind: 'event', text: 'done(timer)' }], 'grace-wait.settling#2'],
      [[{ kind: 'event', text: 'error(timer)' }], 'grace-wait.settling#3'],
    ]);
  });

  it('begins what leads from all states of a box at a mark in that box', async () => {
    const { throughouts, edges } = await layOut(chartOf(lifecycleSample), elk);
    const [mark] = throughouts;
    expect(throughouts.map(({ state }) => state)).toEqual(['grace-wait']);
    expect(edges.find(({ id }) => id === 'grace-wait#0')?.points[0]?.y).toBe((mark?.y ?? 0) + (mark?.height ?? 0));
  });

  it('gives a transition to several states an arrow for each, of which the first has the label', async () => {
    const states = { a: {}, b: {} };
    const { edges } = await pictureOf({
      id: 'm',
      type: 'parallel',
      states: {
        one: { initial: 'a', states },
        two: { initial: 'a', states, on: { go: { target: ['#m.one.b', '.b'] } } },
      },
    });
    expect(edges.map(({ id, target, label }) => [id, target, label === null])).toEqual([
      ['two#0', 'one.b', false],
      ['two#0+1', 'two.b', true],
    ]);
  });

  it.each([
    ['a lifecycle', lifecycleSample],
    ['regions that move one another', regionsSample],
  ])('lays out %s so that nothing covers anything', async (_, machine) => {
    expect(disorderOf(await layOut(chartOf(machine), elk))).toEqual([]);
  });

  it('lays out any chart so that nothing covers anything', async () => {
    await fc.assert(
      fc.asyncProperty(anyChart, async (chart) => {
        expect(disorderOf(await layOut(chart, elk))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the text of a box clear of the arrows that come into it', async () => {
    const ways = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((key) => [`to.${key}`, `box.${key}`]));
    const states = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((key) => [key, {}]));
    const description = 'A sentence that would be as wide as the box if nothing came in from above.';
    const picture = await pictureOf({
      id: 'm',
      initial: 'start',
      states: { start: { on: ways }, box: { description, initial: 'a', states } },
    });
    expect(disorderOf(picture)).toEqual([]);
  });

  it('gives a box room for its text when what is in it is narrower', async () => {
    const description = 'A sentence that is wider than the box would be without it';
    const inner = { initial: 'b', states: { b: {} }, description };
    const regions = { type: 'parallel', description, states: { r: inner, s: inner } } as const;
    const picture = await pictureOf({ ...inner, id: 'm', states: { b: { ...inner, states: { b: regions } } } });
    expect(picture.states.map(({ path, lines }) => [path, lines.length])).toEqual([
      ['', 2],
      ['b', 2],
      ['b.b', 2],
      ['b.b.r', 2],
      ['b.b.r.b', 1],
      ['b.b.s', 2],
      ['b.b.s.b', 1],
    ]);
    expect(disorderOf(picture)).toEqual([]);
    const alone = await pictureOf({ id: 'm', description, type: 'parallel', states: { r: {} } });
    expect(alone.states[0]?.lines).toHaveLength(2);
    expect(disorderOf(alone)).toEqual([]);
  });

  it('lays out text of any length and script within bounds', async () => {
    const long = 'x'.repeat(5_000);
    const picture = await pictureOf({
      id: '漢字'.repeat(200),
      description: 'word '.repeat(2_000),
      initial: 'a',
      states: {
        a: {
          description: long,
          tags: [long],
          entry: long,
          invoke: { src: long },
          on: { [long]: 'b', '\u202e\0': 'b' },
        },
        b: { on: { [`very.${'long.'.repeat(300)}name`]: { target: 'a', guard: long, actions: long } } },
        [long.slice(0, 500)]: {},
      },
    });
    expect(disorderOf(picture)).toEqual([]);
    expect(picture.width).toBeLessThan(1_500);
    expect(picture.height).toBeLessThan(3_500);
  });

  it('lays out 200 states that all lead somewhere, and boxes in boxes twenty deep', async () => {
    const ring = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`s${index}`, { on: { next: `s${(index + 1) % 200}` } }]),
    );
    const large = await pictureOf({ id: 'm', initial: 's0', states: ring });
    expect(large.edges).toHaveLength(200);
    expect(disorderOf(large)).toEqual([]);
    const nested = (levels: number): object =>
      levels === 0
        ? { on: { up: '#m' } }
        : { initial: 'a', on: { in: '.a' }, states: { a: nested(levels - 1), b: {} } };
    const deep = await pictureOf({ id: 'm', ...nested(20) });
    expect(Math.max(...deep.states.map(({ depth }) => depth))).toBe(20);
    expect(disorderOf(deep)).toEqual([]);
  });

  it('is plain data, and the same each time', async () => {
    const picture = await layOut(chartOf(regionsSample), elk);
    expect(JSON.parse(JSON.stringify(picture))).toEqual(picture);
    expect(await layOut(chartOf(regionsSample), elk)).toEqual(picture);
  });

  it('shows a machine without states', async () => {
    expect(await pictureOf({ id: 'one' })).toMatchObject({ states: [{ path: '', title: 'one' }], edges: [] });
  });

  it('says what was expected when the layout leaves a state out', async () => {
    const forgetful = { layout: async () => ({ id: 'picture' }) };
    await expect(layOut(chartOf(lifecycleSample), forgetful)).rejects.toThrow('Expected elkjs to place "state 0"');
  });
});
