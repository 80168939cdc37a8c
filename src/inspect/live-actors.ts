import type { AnyActorRef, AnyMachineSnapshot, AnyStateMachine, InspectionEvent } from 'xstate';
import { actorPath } from './actor-path.ts';
import { type Chart, chartOf } from './chart.ts';
import { type ActorView, statesOf, type TransitionView, transitionName } from './view/actor-view.ts';

/** The actors of this process, as XState's inspection tells of them. Nothing is put together before somebody looks. */
export type LiveActors = Readonly<{
  /** Takes what XState tells; gives what one actor has sent to another, if it is that. */
  inspect(event: InspectionEvent, at: number): Sent | null;
  /** The actors that are there. What has not changed is the same object as before. */
  views(): readonly ActorView[];
  chart(key: string): Chart | null;
  /** What an actor keeps beside its states; undefined when there is no such actor. */
  context(id: string): unknown;
}>;

export type Sent = Readonly<{
  from: string | null;
  to: string;
  event: Readonly<{ type: string }>;
  sessionId: string | null;
}>;

type Known = {
  readonly ref: AnyActorRef;
  readonly parent: Known | null;
  /** Known once it has a snapshot. */
  path: string | null;
  readonly chart: string | null;
  readonly children: Set<Known>;
  sessionId: string | null;
  taskId: string | null;
  /** Its states when it was last looked at, and since when. */
  states: string;
  since: number;
  moved: Readonly<{ event: string; taken: readonly Taken[]; at: number }> | null;
  /** What was last made of it, until it changes. */
  view: ActorView | null;
  rev: number;
};

/** As far as it is looked at: XState does not export the type of what a microstep took. */
type Taken = { source: { path: readonly string[] } };

/** Makes an empty register. `nextRev` gives the mark of a change. */
export function createLiveActors(nextRev: () => number): LiveActors {
  const known = new Map<object, Known>();
  const charts = createCharts();

  const add = (ref: AnyActorRef, at: number): Known => {
    const parent = ref._parent === undefined ? null : (known.get(ref._parent) ?? null);
    const one: Known = {
      ref,
      parent,
      path: null,
      chart: charts.keyOf(ref),
      children: new Set(),
      sessionId: parent?.sessionId ?? null,
      taskId: null,
      states: '',
      since: at,
      moved: null,
      view: null,
      rev: nextRev(),
    };
    parent?.children.add(one);
    known.set(ref, one);
    return one;
  };
  const remove = (one: Known): void => {
    for (const child of one.children) remove(child);
    one.parent?.children.delete(one);
    known.delete(one.ref);
  };
  /** XState does not tell when an actor is stopped: what its parent has no more is gone. */
  const forgetStopped = (one: Known): void => {
    if (one.children.size === 0) return;
    const { children } = one.ref.getSnapshot() as Partial<AnyMachineSnapshot>; // Actors without states have none.
    for (const child of one.children) if (children?.[child.ref.id] !== child.ref) remove(child);
  };
  const touch = (one: Known): void => {
    one.view = null;
    one.rev = nextRev();
  };

  return {
    inspect(event, at) {
      switch (event.type) {
        case '@xstate.actor':
          if (!known.has(event.actorRef)) add(event.actorRef as AnyActorRef, at); // XState tells of the actor itself.
          return null;
        case '@xstate.microstep': {
          const one = known.get(event.actorRef);
          // A transition that only computes moves nothing, and what moved the actor is still what did.
          if (one === undefined || event._transitions.length === 0) return null;
          one.moved = { event: event.event.type, taken: event._transitions, at };
          touch(one);
          return null;
        }
        case '@xstate.snapshot': {
          const one = known.get(event.actorRef);
          if (one === undefined) return null;
          touch(one);
          forgetStopped(one);
          // Of what has ended by itself, and has no parent to tell when it is let go of, nothing is to be seen any more.
          if (one.parent === null && one.ref.getSnapshot().status !== 'active') remove(one);
          return null;
        }
        case '@xstate.event': {
          const to = known.get(event.actorRef);
          if (to === undefined) return null;
          const from =
            event.sourceRef === undefined ? null : nameOf(known.get(event.sourceRef), event.sourceRef.sessionId);
          return { from, to: pathOf(to), event: event.event, sessionId: to.sessionId };
        }
        default:
          return null;
      }
    },
    views() {
      return [...known.values()].map((one) => {
        one.view ??= viewOf(one, charts);
        return one.view;
      });
    },
    chart: charts.chart,
    context(id) {
      const one = [...known.values()].find(({ ref }) => ref.sessionId === id);
      return (one?.ref.getSnapshot() as Partial<AnyMachineSnapshot> | undefined)?.context;
    },
  };
}

function viewOf(one: Known, charts: Charts): ActorView {
  const snapshot = one.ref.getSnapshot() as Partial<AnyMachineSnapshot>; // Leaves have neither states nor context.
  const active = statesOf(snapshot.value);
  const states = active.join();
  if (states !== one.states) Object.assign(one, { states, since: one.moved?.at ?? one.since });
  const { sessionId, task } = (snapshot.context ?? {}) as { sessionId?: unknown; task?: { taskId?: unknown } }; // Whatever it is.
  if (typeof sessionId === 'string') one.sessionId = sessionId;
  else one.sessionId ??= one.parent?.sessionId ?? null;
  // A lifecycle is what has a work of its own; the work knows the task as well.
  if (typeof task?.taskId === 'string' && one.parent?.taskId !== task.taskId) one.taskId = task.taskId;
  return {
    id: one.ref.sessionId,
    parent: one.parent?.ref.sessionId ?? null,
    name: one.ref.id,
    path: pathOf(one),
    chart: one.chart,
    active,
    status: snapshot.status ?? 'active',
    sessionId: one.sessionId,
    taskId: one.taskId,
    since: one.since,
    last: one.moved === null || one.chart === null ? null : transitionOf(one.moved, one.chart, charts),
    rev: one.rev,
  };
}

function nameOf(one: Known | undefined, otherwise: string): string {
  return one === undefined ? otherwise : pathOf(one);
}

/** Where an actor is, by names: sessions by the path of sessions, others from their session on. */
function pathOf(one: Known): string {
  one.path ??= actorPath(one.ref, one.parent === null ? null : pathOf(one.parent));
  return one.path;
}

function transitionOf(
  { event, taken, at }: NonNullable<Known['moved']>,
  chart: string,
  charts: Charts,
): TransitionView {
  const transitions = taken.flatMap((one) => charts.transitionName(chart, one) ?? []);
  return { event, transitions, at };
}

type Charts = Readonly<{
  keyOf(ref: AnyActorRef): string | null;
  chart(key: string): Chart | null;
  transitionName(key: string, taken: Taken): string | null;
}>;

/** The charts of the machines that actors run. Machines that differ only in what they are provided with have one. */
function createCharts(): Charts {
  const keys = new Map<object, string>();
  const machines = new Map<string, AnyStateMachine>();
  const charts = new Map<string, Chart>();
  return {
    keyOf(ref) {
      const { logic } = ref as unknown as { logic: Partial<AnyStateMachine> }; // XState has it there for its own inspector, too.
      if (logic.config === undefined || logic.root === undefined || logic.id === undefined) return null;
      const key = keys.get(logic.config) ?? unusedKey(logic.id, machines);
      keys.set(logic.config, key);
      if (!machines.has(key)) machines.set(key, logic as AnyStateMachine); // It has all that makes a machine one.
      return key;
    },
    chart(key) {
      const machine = machines.get(key);
      if (machine === undefined) return null;
      const chart = charts.get(key) ?? chartOf(machine);
      charts.set(key, chart);
      return chart;
    },
    transitionName(key, taken) {
      const path = taken.source.path;
      let node = machines.get(key)?.root;
      for (const word of path) node = node?.states[word];
      if (node === undefined) return null;
      const all: readonly unknown[] = [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
      const index = all.findIndex((one) => isSame(one, taken));
      return index === -1 ? null : transitionName(path.join('.'), index);
    },
  };
}

/** Machines that are provided with implementations have transitions of their own, made from the same config. */
function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  const [a, b] = [one, other].map((each) => each as { eventType?: string; guard?: unknown; target?: { id: string }[] }); // Of XState's own shape.
  return (
    a?.eventType === b?.eventType &&
    a?.guard === b?.guard &&
    (a?.target ?? []).map(({ id }) => id).join() === (b?.target ?? []).map(({ id }) => id).join()
  );
}

function unusedKey(id: string, machines: ReadonlyMap<string, unknown>): string {
  for (let count = 1; ; count += 1) {
    const key = count === 1 ? id : `${id} (${count})`;
    if (!machines.has(key)) return key;
  }
}
