import { createMachine } from 'xstate';
import * as z from 'zod';
import { type Chart, type ChartState, chartOf } from './chart.ts';
import type { Sent } from './live-actors.ts';
import { type ActorView, statesOf, type TransitionView, transitionName } from './view/actor-view.ts';

/** The actors of a program that speaks the protocol of `@statelyai/inspect`, whatever machines it has. */
export type ForeignActors = Readonly<{
  /** Takes one message of the protocol. What does not look like one changes nothing, and is told as a problem. */
  take(message: unknown, at: number): Taken;
  views(): readonly ActorView[];
  chart(key: string): Chart | null;
  context(id: string): unknown;
  /** The program is gone; what it had stays to be seen. */
  end(): void;
}>;

export type Taken = Readonly<{ sent: Sent } | { problem: string } | { changed: boolean }>;

/** How many actors of one program are kept in sight. */
const ACTORS_MAX = 2_000;

/** As `@statelyai/inspect` 0.7 sends it; what is not named here is not looked at. */
const snapshotShape = z.looseObject({
  status: z.string().optional(),
  // Only those of machines have both; JSON has nothing of what is undefined.
  value: z.unknown().optional(),
  context: z.unknown().optional(),
});
const messageShape = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('@xstate.actor'),
    sessionId: z.string(),
    name: z.string().optional(),
    parentId: z.string().nullish(),
    definition: z.string().nullish(),
    snapshot: snapshotShape.nullish(),
  }),
  z.object({
    type: z.literal('@xstate.event'),
    sessionId: z.string(),
    sourceId: z.string().nullish(),
    event: z.looseObject({ type: z.string() }),
  }),
  z.object({
    type: z.literal('@xstate.snapshot'),
    sessionId: z.string(),
    event: z.looseObject({ type: z.string() }).nullish(),
    snapshot: snapshotShape.nullish(),
  }),
]);

type Known = {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly parent: string | null;
  readonly chart: string | null;
  active: readonly string[];
  status: ActorView['status'];
  context: unknown;
  since: number;
  last: TransitionView | null;
  rev: number;
};

/** Makes an empty register of one program. `name` tells it from others; `nextRev` gives the mark of a change. */
export function createForeignActors(name: string, nextRev: () => number): ForeignActors {
  const known = new Map<string, Known>();
  const charts = new Map<string, Chart>();
  const idOf = (sessionId: string) => `${name}/${sessionId}`;

  const keep = (one: Known): void => {
    known.set(one.id, one);
    if (known.size <= ACTORS_MAX) return;
    const gone = [...known.values()].find(({ status }) => status !== 'active') ?? [...known.values()][0];
    if (gone !== undefined) known.delete(gone.id);
  };

  return {
    take(message, at) {
      const parsed = messageShape.safeParse(message);
      if (!parsed.success)
        return {
          problem: 'Expected a message of @statelyai/inspect (@xstate.actor, .event or .snapshot), got another.',
        };
      const told = parsed.data;
      const id = idOf(told.sessionId);
      if (told.type === '@xstate.actor') {
        const parent = told.parentId == null ? undefined : known.get(idOf(told.parentId));
        const own = told.name ?? told.sessionId;
        keep({
          id,
          name: own,
          path: parent === undefined ? own : `${parent.path}/${own}`,
          parent: parent?.id ?? null,
          chart: chartFrom(told.definition ?? null, charts),
          active: statesOf(told.snapshot?.value),
          status: statusOf(told.snapshot?.status),
          context: told.snapshot?.context,
          since: at,
          last: null,
          rev: nextRev(),
        });
        return { changed: true };
      }
      const one = known.get(id);
      if (told.type === '@xstate.event') {
        const from = told.sourceId == null ? null : (known.get(idOf(told.sourceId))?.path ?? told.sourceId);
        return { sent: { from, to: one?.path ?? told.sessionId, event: told.event, sessionId: null } };
      }
      if (one === undefined) return { changed: false };
      const active = statesOf(told.snapshot?.value);
      const event = told.event?.type ?? '';
      const transitions = transitionsTaken(
        one.chart === null ? undefined : charts.get(one.chart),
        one.active,
        event,
        active,
      );
      if (transitions.length > 0) one.last = { event, transitions, at };
      if (active.join() !== one.active.join()) one.since = at;
      one.active = active;
      one.status = statusOf(told.snapshot?.status);
      one.context = told.snapshot?.context;
      one.rev = nextRev();
      return { changed: true };
    },
    views: () => [...known.values()].map(({ context: _, ...one }) => ({ ...one, sessionId: null, taskId: null })),
    chart: (key) => charts.get(key) ?? null,
    context: (id) => known.get(id)?.context,
    end() {
      for (const one of known.values()) {
        if (one.status === 'active') one.status = 'stopped';
        one.rev = nextRev();
      }
    },
  };
}

function statusOf(status: string | undefined): ActorView['status'] {
  return status === 'done' || status === 'error' || status === 'stopped' ? status : 'active';
}

/** The chart of a definition, whose implementations are names; null when it has no states, or is no machine. */
function chartFrom(definition: string | null, charts: Map<string, Chart>): string | null {
  if (definition === null) return null;
  try {
    const config: unknown = JSON.parse(definition);
    if (typeof config !== 'object' || config === null || !('states' in config)) return null;
    const chart = chartOf(createMachine(config as Parameters<typeof createMachine>[0])); // What it is not, it throws at.
    for (let count = 1; ; count += 1) {
      const key = count === 1 ? chart.id : `${chart.id} (${count})`;
      const known = charts.get(key);
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(chart)) continue;
      charts.set(key, chart);
      return key;
    }
  } catch {
    return null; // A definition that makes no machine has no chart; the actor is shown without one.
  }
}

/** Which transitions an event has taken, as far as the states before and after it tell. */
export function transitionsTaken(
  chart: Chart | undefined,
  before: readonly string[],
  event: string,
  after: readonly string[],
): readonly string[] {
  if (chart === undefined || event === '') return [];
  const isIn = (states: readonly string[], path: string) => path === '' || states.includes(path);
  const visit = (state: ChartState): readonly string[] => [
    ...state.transitions.flatMap((transition, index) => {
      const fits = transition.event === event || transition.event === '' || transition.event === '*';
      const leads = transition.targets.every((target) => isIn(after, target));
      const moves = transition.targets.some((target) => !isIn(before, target)) || transition.targets.length === 0;
      return fits && leads && moves && isIn(before, state.path) ? [transitionName(state.path, index)] : [];
    }),
    ...state.states.flatMap(visit),
  ];
  return visit(chart);
}
