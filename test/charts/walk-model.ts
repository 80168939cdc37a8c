import { afterAll, describe, expect, it } from 'vitest';
import { type AnyStateMachine, assign, setup } from 'xstate';
import { chartCoverage, everyEdge, type WatchedActor } from '../../src/testing/index.ts';

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
  /** The real one, whose coverage is counted. */
  chart: AnyStateMachine;
  model: AnyStateMachine;
  /** What cannot happen where the model stands. */
  cannot?: (event: E, context: C, value: string) => boolean;
  stage: () => S;
  actor: (staged: S) => WatchedActor;
  act: Readonly<Record<E, (staged: S) => void>>;
  /** Where the chart stands, in the model's words, and all that it has told, in the order of each listener. */
  seen: (staged: S) => Readonly<{ value: string; told: readonly string[] }>;
}>;

/** Goes over every edge of the model, does the same to the chart, compares after each step, and asks for full coverage. */
export function walkModel<S, E extends string, C extends Told>(name: string, walk: Walk<S, E, C>) {
  const { chart, model, cannot = () => false, stage, actor, act, seen } = walk;
  describe(name, () => {
    const coverage = chartCoverage(chart);
    afterAll(() => console.log(coverage.line));
    const events = Object.keys(act) as E[]; // Its keys are the events.
    const paths = everyEdge(model, {
      events: ({ context, value }) =>
        events.filter((event) => !cannot(event, context, String(value))).map((type) => ({ type })),
      // What was told is compared on the way; it makes no other state.
      serializeState: ({ value, context: { told: _told, ...rest } }) => JSON.stringify([value, rest]),
    });
    const edges = [...new Set(paths.map(({ description }) => description))];

    it.each(edges)('does as its model says: %s', (edge) => {
      for (const { steps } of paths.filter(({ description }) => description === edge)) {
        const staged = stage();
        coverage.watch(actor(staged));
        const way: string[] = [];
        for (const { event, state } of steps) {
          if (event.type in act) act[event.type as E](staged); // The line before it has looked.
          way.push(event.type);
          const { value, told } = seen(staged);
          const expected = [way, String(state.value), byListener(state.context.told)];
          expect([way, value, byListener(told)]).toEqual(expected);
        }
      }
    });

    it('has no state and no transition that no path of the model goes over', () => {
      expect(coverage.found.missing).toEqual([]);
    });
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
