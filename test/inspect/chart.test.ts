import { describe, expect, it } from 'vitest';
import { assign, createMachine, fromPromise, setup } from 'xstate';
import { chartOf, studioJson } from '../../src/inspect/chart.ts';
import { lifecycleSample, regionsSample } from './samples.ts';

const bare = {
  description: null,
  initial: null,
  tags: [],
  waitsFor: null,
  invokes: [],
  entry: [],
  exit: [],
  transitions: [],
  states: [],
};
const to = (event: string, target: string) => ({ event, targets: [target], guard: null, actions: [] });

describe('chartOf', () => {
  it('tells the states of a machine, what they invoke and where they lead, in the order of the config', () => {
    expect(chartOf(lifecycleSample)).toEqual({
      ...bare,
      id: 'sample-task',
      key: 'sample-task',
      path: '',
      type: 'compound',
      description: 'Runs once, and {stops} within a bound.',
      initial: 'running',
      invokes: [{ id: 'work', src: 'work' }],
      transitions: [{ event: 'note', targets: [], guard: null, actions: ['count'] }],
      states: [
        {
          ...bare,
          key: 'running',
          path: 'running',
          type: 'atomic',
          tags: ['live'],
          waitsFor: 'work',
          transitions: [
            {
              event: 'task.abort',
              targets: ['grace-wait'],
              guard: 'isLate',
              actions: ['keepReason', 'cancelWork'],
            },
            to('task.kill', 'grace-wait.killing'),
            to('work.done', 'completed'),
          ],
        },
        {
          ...bare,
          key: 'grace-wait',
          path: 'grace-wait',
          type: 'compound',
          initial: 'settling',
          transitions: [
            to('work.settled', 'grace-wait.over'),
            to('xstate.done.state.sample-task.grace-wait', 'aborted'),
          ],
          states: [
            {
              ...bare,
              key: 'settling',
              path: 'grace-wait.settling',
              type: 'atomic',
              invokes: [{ id: '0.sample-task.grace-wait.settling', src: 'timer' }],
              transitions: [
                { event: 'task.abort', targets: [], guard: null, actions: [] },
                to('deadline.passed', 'completed'),
                to('xstate.done.actor.0.sample-task.grace-wait.settling', 'grace-wait.killing'),
                to('xstate.error.actor.0.sample-task.grace-wait.settling', 'grace-wait.killing'),
              ],
            },
            {
              ...bare,
              key: 'killing',
              path: 'grace-wait.killing',
              type: 'atomic',
              entry: ['killWork'],
              exit: ['keepReason'],
            },
            { ...bare, key: 'over', path: 'grace-wait.over', type: 'final' },
          ],
        },
        {
          ...bare,
          key: 'aborted',
          path: 'aborted',
          type: 'final',
          description: 'Nothing of the task is alive.',
        },
        { ...bare, key: 'completed', path: 'completed', type: 'final' },
      ],
    });
  });

  it('is plain data', () => {
    for (const machine of [lifecycleSample, regionsSample]) {
      const chart = chartOf(machine);
      expect(JSON.parse(JSON.stringify(chart))).toEqual(chart);
    }
  });

  it('shows an inline implementation as inline, and XState’s own by its type', () => {
    const machine = createMachine({
      id: 'inline',
      invoke: { src: fromPromise(async () => null) },
      entry: [() => {}, assign({})],
      on: { go: { guard: () => true, actions: () => {} } },
    });
    expect(chartOf(machine)).toEqual({
      ...bare,
      id: 'inline',
      key: 'inline',
      path: '',
      type: 'atomic',
      invokes: [{ id: '0.inline', src: '(inline)' }],
      entry: ['(inline)', 'xstate.assign'],
      transitions: [{ event: 'go', targets: [], guard: '(inline)', actions: ['(inline)'] }],
    });
  });
});

describe('studioJson', () => {
  it('gives the config as JSON, without the functions that only compute data', () => {
    const json = studioJson(lifecycleSample);
    expect(JSON.parse(JSON.stringify(json))).toEqual(json);
    expect(json).toEqual({
      id: 'sample-task',
      description: 'Runs once, and {stops} within a bound.',
      options: { maxIterations: 100 },
      invoke: { id: 'work', src: 'work' },
      initial: 'running',
      on: { note: { actions: { type: 'count' } } },
      states: {
        running: {
          meta: { waitsFor: 'work' },
          tags: ['live'],
          on: {
            'task.abort': { target: 'grace-wait', guard: 'isLate', actions: ['keepReason', 'cancelWork'] },
            'task.kill': 'grace-wait.killing',
            'work.done': 'completed',
          },
        },
        'grace-wait': {
          initial: 'settling',
          onDone: 'aborted',
          on: { 'work.settled': '.over' },
          states: {
            settling: {
              invoke: { src: 'timer', onDone: 'killing', onError: 'killing' },
              on: { 'task.abort': {}, 'deadline.passed': '#sample-task.completed' },
            },
            killing: { entry: 'killWork', exit: 'keepReason' },
            over: { type: 'final' },
          },
        },
        aborted: { type: 'final', description: 'Nothing of the task is alive.' },
        completed: { type: 'final' },
      },
    });
  });

  it('makes the same machine again when it is imported', () => {
    for (const machine of [lifecycleSample, regionsSample]) {
      const imported = createMachine(JSON.parse(JSON.stringify(studioJson(machine))));
      expect(chartOf(imported)).toEqual(chartOf(machine));
    }
  });

  it('keeps the order of the states', () => {
    expect(JSON.stringify(studioJson(lifecycleSample))).toMatch(/running.*grace-wait.*settling.*aborted/);
  });

  const inState = (state: object) =>
    createMachine({ id: 'm', initial: 'a', states: { a: { initial: 'b', states: { b: state } } } });

  it.each([
    ['an action of a transition', { on: { go: { actions: () => {} } } }, 'action in state "m.a.b" on "go"'],
    ['one of several actions', { on: { go: { actions: ['x', assign({})] } } }, 'action in state "m.a.b" on "go"'],
    ['one of several transitions', { on: { go: [{ guard: 'x' }, { actions: () => {} }] } }, 'action in state "m.a.b"'],
    ['an entry action', { entry: () => {} }, 'action in state "m.a.b" on entry'],
    ['an exit action', { exit: [() => {}] }, 'action in state "m.a.b" on exit'],
    ['a guard', { on: { go: { guard: () => true } } }, 'guard in state "m.a.b" on "go"'],
    ['a guard of `always`', { always: { guard: () => true } }, 'guard in state "m.a.b" on "always"'],
    ['an action after a delay', { after: { 10: { actions: () => {} } } }, 'action in state "m.a.b" after "10"'],
    ['an action on done', { invoke: { src: 'x', onDone: { actions: () => {} } } }, 'action in state "m.a.b" on "done"'],
    ['an actor', { invoke: { src: fromPromise(async () => null) } }, 'actor in state "m.a.b" is inline logic'],
    ['a machine as an actor', { invoke: { src: createMachine({}) } }, 'actor in state "m.a.b" is inline logic'],
    ['a delay', { entry: { type: 'wait', delay: () => 5 } }, 'delay in state "m.a.b" on entry'],
  ])('refuses %s that has no name, saying where it stands', (_, state, place) => {
    expect(() => studioJson(inState(state))).toThrow(`The ${place}`);
    expect(() => studioJson(inState(state))).toThrow('Give it a name in setup(');
  });

  it('refuses what JSON cannot hold', () => {
    const withLimit = createMachine({ id: 'm', options: { maxIterations: Number.POSITIVE_INFINITY } });
    expect(() => studioJson(withLimit)).toThrow('JSON cannot hold: Infinity');
    const withMap = createMachine({ id: 'm', meta: { seen: new Map() } });
    expect(() => studioJson(withMap)).toThrow('JSON cannot hold: [object Map]');
  });

  it('drops parameters of guards, and types given to setup', () => {
    const machine = setup({
      types: { context: {} as { n: number }, input: {} as { n: number } },
      guards: { isMore: (_, params: { than: number }) => params.than > 0 },
    }).createMachine({
      id: 'm',
      context: ({ input }) => ({ n: input.n }),
      on: { go: { guard: { type: 'isMore', params: ({ context }) => ({ than: context.n }) } } },
      output: ({ context }) => context.n,
    });
    expect(studioJson(machine)).toEqual({ id: 'm', on: { go: { guard: { type: 'isMore' } } } });
  });
});
