import { expect, it } from 'vitest';
import { assign, createActor, createMachine, setup } from 'xstate';
import { createTestModel } from 'xstate/graph';
import { chartCoverage, everyEdge } from '../../src/testing/index.ts';

const door = createMachine({
  id: 'door',
  initial: 'closed',
  states: {
    closed: { on: { open: 'open', lock: 'locked' } },
    open: { on: { close: 'closed' } },
    locked: { on: { unlock: 'closed', burn: 'ash' } },
    ash: { type: 'final' },
  },
});

it('goes over every edge, back-edges and events that change nothing among them, by the shortest way to each state', () => {
  const paths = everyEdge(door);
  expect(paths.map(({ description }) => description)).toEqual([
    'closed — open → open',
    'closed — lock → locked',
    'closed — close → closed',
    'closed — unlock → closed',
    'closed — burn → closed',
    'open — open → open',
    'open — lock → open',
    'open — close → closed',
    'open — unlock → open',
    'open — burn → open',
    'locked — open → locked',
    'locked — lock → locked',
    'locked — close → locked',
    'locked — unlock → closed',
    'locked — burn → ash',
  ]);
  expect(paths.at(-1)?.steps.map(({ event }) => event.type)).toEqual(['xstate.init', 'lock', 'burn']);
});

it('is a path generator of XState', async () => {
  const taken: string[] = [];
  const paths = createTestModel(door).getPaths(everyEdge as never); // XState asks for one of any logic; ours takes charts.
  for (const path of paths)
    await path.test({ events: { unlock: () => void taken.push('unlock'), close: () => void taken.push('close') } });
  expect([taken.includes('unlock'), taken.includes('close')]).toEqual([true, true]);
});

const counter = setup({
  types: {} as { context: { count: number }; events: { type: 'add'; by: { amount: number } }; input: { from: number } },
}).createMachine({
  id: 'counter',
  context: ({ input }) => ({ count: input.from }),
  on: { add: { actions: assign({ count: ({ context, event }) => context.count + event.by.amount }) } },
});

it('takes the events that it is given, and what makes two states one', () => {
  const paths = everyEdge(counter, {
    input: { from: 0 },
    events: ({ context }) => [{ type: 'add', by: { amount: context.count + 1 } } as const],
    serializeState: ({ context }) => String(context.count > 3),
  });
  expect(paths.map(({ state, weight }) => [state.context.count, weight])).toEqual([[1, 1]]);
});

it('tells of a chart whose context grows for ever, and of an event that needs data', () => {
  const events = [{ type: 'add', by: { amount: 1 } }] as const;
  expect(() => everyEdge(counter, { input: { from: 0 }, events, limit: 20 })).toThrow(
    'everyEdge: expected the chart "counter" to have at most 20 states, got more. Its context grows: leave out of ' +
      '`serializeState` what does not matter, or raise `limit`.',
  );
  expect(() => everyEdge(counter, { input: { from: 0 } })).toThrow(
    /^everyEdge: expected the chart "counter" to take "add" in \{\}, but it threw: .* Give whole events with the option `events`\.$/,
  );
});

it('counts what actors have walked of a chart, and names what is missing', () => {
  const coverage = chartCoverage(door);
  const walk = (...types: string[]) => {
    const actor = createActor(door).start();
    coverage.watch(actor);
    for (const type of types) actor.send({ type });
  };
  walk('open', 'close', 'lock', 'open');
  expect(coverage.found).toEqual({
    states: { walked: 3, all: 4 },
    transitions: { walked: 3, all: 5 },
    missing: ['ash', 'locked unlock → closed', 'locked burn → ash'],
  });
  walk('lock', 'unlock', 'lock', 'burn');
  expect(coverage.line).toBe('door: 4 of 4 states, 5 of 5 transitions');
});
