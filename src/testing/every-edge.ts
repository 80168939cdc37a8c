import { type AnyStateMachine, type EventFromLogic, initialTransition, type SnapshotFrom, transition } from 'xstate';
import { messageOf } from '../protocol/errors.ts';

/** How many states a chart may have before `everyEdge` gives up on it, unless its options say otherwise. */
export const STATES_MAX = 10_000;

export type EveryEdgeOptions<M extends AnyStateMachine> = Readonly<{
  /** What can happen, or what can happen in a state; each event that the chart names, without data, when left out. */
  events?: readonly EventFromLogic<M>[] | ((state: SnapshotFrom<M>) => readonly EventFromLogic<M>[]);
  input?: unknown;
  /** What makes two states one: where the chart stands and its context, when left out. */
  serializeState?: (state: SnapshotFrom<M>) => string;
  /** How many states it may have; `STATES_MAX` when left out. */
  limit?: number;
}>;

/** `state` is where `event` has led; the first event of a path is XState's own, which starts the chart. */
export type EdgeStep<M extends AnyStateMachine> = { event: EventFromLogic<M>; state: SnapshotFrom<M> };
export type EdgePath<M extends AnyStateMachine> = {
  steps: EdgeStep<M>[];
  /** Where it ends. */
  state: SnapshotFrom<M>;
  /** How many steps it has. */
  weight: number;
  /** The edge at its end: from where, by what, to where. */
  description: string;
};

/**
 * Paths that go over every edge of a chart: for each state the shortest way there, and from there each event, those that
 * change nothing included. Shortest and simple paths leave out what leads back. Also a path generator of XState:
 * `createTestModel(model).getPaths(everyEdge)`. Nothing runs: the chart is walked as data.
 */
export function everyEdge<M extends AnyStateMachine>(chart: M, options: EveryEdgeOptions<M> = {}): EdgePath<M>[] {
  const { limit = STATES_MAX, events = namedEvents(chart), serializeState: keyOf = whereItStands } = options;
  const [start] = initialTransition(chart, ...([options.input] as never)); // Whether there must be one depends on the chart.
  const first: EdgeStep<M> = { event: STARTED as EventFromLogic<M>, state: start as SnapshotFrom<M> }; // Any chart hears it.
  const ways: EdgeStep<M>[][] = [[first]];
  const known = new Set([keyOf(first.state)]);
  const paths: EdgePath<M>[] = [];
  for (const way of ways) {
    const { state: from } = way.at(-1) ?? first;
    if ((from as { status: string }).status !== 'active') continue; // Every snapshot has one.
    for (const event of typeof events === 'function' ? events(from) : events) {
      const state = after(chart, from, event);
      const steps = [...way, { event, state }];
      const description = `${nameOf(from)} — ${event.type} → ${nameOf(state)}`;
      paths.push({ steps, state, weight: steps.length - 1, description });
      if (known.has(keyOf(state))) continue;
      known.add(keyOf(state));
      if (known.size > limit) throw tooMany(chart, limit);
      ways.push(steps);
    }
  }
  return paths;
}

const STARTED = { type: 'xstate.init' };

function namedEvents<M extends AnyStateMachine>(chart: M): EventFromLogic<M>[] {
  return chart.events.filter((type) => !type.includes('*')).map((type) => ({ type }) as EventFromLogic<M>); // The chart names it.
}

function after<M extends AnyStateMachine>(chart: M, from: SnapshotFrom<M>, event: EventFromLogic<M>): SnapshotFrom<M> {
  try {
    const [state] = transition(chart, from, event);
    return state as SnapshotFrom<M>; // It is the chart's own.
  } catch (error) {
    throw new Error(
      `everyEdge: expected the chart "${chart.id}" to take "${event.type}" in ${nameOf(from)}, but it threw: ${messageOf(error)} ` +
        'Give whole events with the option `events`.',
      { cause: error },
    );
  }
}

function whereItStands({ value, context, status }: { value: unknown; context: unknown; status: string }): string {
  return JSON.stringify([value, context, status]);
}

function nameOf({ value }: { value: unknown }): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function tooMany({ id }: AnyStateMachine, limit: number): Error {
  return new Error(
    `everyEdge: expected the chart "${id}" to have at most ${limit} states, got more. Its context grows: leave out of ` +
      '`serializeState` what does not matter, or raise `limit`.',
  );
}
