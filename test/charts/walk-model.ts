import { afterAll, describe, expect, it } from 'vitest';
import { type AnyStateMachine, assign, createMachine, setup } from 'xstate';
import { type ChartCoverage, chartCoverage, everyEdge, type WatchedActor } from '../../src/testing/index.ts';

/** What a model says of a chart: all that it has told others, each entry as `whom what`. */
export type Told = Readonly<{ told: readonly string[] }>;

/** The words of a model: its events are the things that can happen, and all that it has besides is in its context. */
export function modelOf<E extends string, C extends Told>() {
  return setup({
    types: {} as { context: C; events: { type: E } },
    actions: {
      tell: assign(({ context }, what: string) => ({ told: [...context.told, what] }) as unknown as Partial<C>), // A part of it.
    },
  });
}

/** Tells, as an action of a model. */
export function tell(what: string) {
  return { type: 'tell', params: what } as const;
}

type Walk<S, E extends string, C extends Told> = Readonly<{
  /** The real one, or what counts its coverage for several models. */
  chart: AnyStateMachine | ChartCoverage;
  model: AnyStateMachine;
  /** What cannot happen where the model stands. */
  cannot?: (event: E, context: C, value: string) => boolean;
  stage: () => S;
  actor: (staged: S) => WatchedActor;
  act: Readonly<Record<E, (staged: S) => void>>;
  /** Where the chart stands, in the model's words, and all that it has told, in the order of each listener. */
  seen: (staged: S) => Readonly<{ value: string; told: readonly string[] }>;
}>;

/** Goes over every edge of the model, does the same to the chart, compares, and asks for full coverage. */
export function walkModel<S, E extends string, C extends Told>(name: string, walk: Walk<S, E, C>) {
  const { chart, model, cannot = () => false, stage, actor, act, seen } = walk;
  describe(name, () => {
    const coverage = 'watch' in chart ? chart : chartCoverage(chart);
    const events = Object.keys(act) as E[]; // Its keys are the events.
    const paths = everyEdge(model, {
      events: ({ context, value }) =>
        events.filter((event) => !cannot(event, context, nameOf({ value, context }))).map((type) => ({ type })),
      // What was told is compared on the way; it makes no other state.
      serializeState: ({ value, context: { told: _told, ...rest } }) => JSON.stringify([value, rest]),
    });
    const edgeOf = ({ steps }: (typeof paths)[number]) => {
      const [from, to] = steps.slice(-2);
      return from === undefined || to === undefined
        ? ''
        : `${nameOf(from.state)} — ${to.event.type} → ${nameOf(to.state)}`;
    };
    const edges = [...new Set(paths.map(edgeOf))];

    it.each(edges)('does as its model says: %s', (edge) => {
      for (const { steps, state } of paths.filter((path) => edgeOf(path) === edge)) {
        const staged = stage();
        coverage.watch(actor(staged));
        // Each way to it is the end of another path, so that its end alone is to be looked at.
        const way = steps.map(({ event }) => event.type).filter((type) => type in act) as E[]; // The line has looked.
        for (const event of way) act[event](staged);
        const { value, told } = seen(staged);
        const expected = [way, nameOf(state), byListener(state.context.told)];
        expect([way, value, byListener(told)]).toEqual(expected);
      }
    });

    if (!('watch' in chart)) coversAll(coverage);
  });
}

/** Where a model stands: its state, or what it says itself. */
function nameOf({ value, context }: { value: unknown; context: { value?: string } }): string {
  return context.value ?? String(value);
}

/** Asks for full coverage of states and transitions, and prints it. */
export function coversAll(coverage: ChartCoverage) {
  afterAll(() => console.log(coverage.line));
  it('has no state and no transition that no path of a model goes over', () => {
    expect(coverage.found.missing).toEqual([]);
  });
}

/** A model that is a function: from what there is and what happens to what there is then. `value` names where it stands. */
export function reducerModel<E extends string, C extends Told & { value: string }>(
  id: string,
  context: C,
  next: (context: C, event: E) => C,
): AnyStateMachine {
  return createMachine({
    id,
    context,
    on: { '*': { actions: assign(({ context: before, event }) => next(before as C, event.type as E)) } }, // Its own.
  });
}

/** Who hears something first is nobody's promise; what each of them hears is. */
function byListener(told: readonly string[]): readonly string[] {
  const listener = (entry: string) => entry.split(' ')[0] ?? '';
  return told.toSorted((a, b) => listener(a).localeCompare(listener(b)));
}

/** What listeners have heard, as a model says it. */
export function heardBy(listener: string, heard: readonly Readonly<{ type: string }>[]): string[] {
  return heard.map(({ type }) => `${listener} ${type}`);
}
