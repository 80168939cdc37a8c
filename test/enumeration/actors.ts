import {
  type ActorScope,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
} from 'xstate';
import { provided } from '../../machines/logic.ts';

/** Something that a leaf may do next: it says what it says to the one above, and perhaps ends, or throws. */
export type LeafStep = Readonly<{
  what: string;
  state: unknown;
  says?: readonly AnyEventObject[];
  /** What it wants of the runtime, as a chart does. */
  announces?: string;
  ends?: LeafEnd;
}>;

type LeafEnd = Readonly<{ output: unknown }> | Readonly<{ error: Error }>;

/** An actor that is no chart: all that it may do in a state, which is JSON. */
export type Leaf = Readonly<{
  start: (input: never) => unknown;
  hear: (state: never, event: AnyEventObject) => unknown;
  steps: (state: never, path: string) => readonly LeafStep[];
}>;

/** One living actor. `key` stands for its path and its state. */
type Living = Readonly<{ key: string }> &
  (Readonly<{ chart: AnyStateMachine; snapshot: AnyMachineSnapshot }> | Readonly<{ leaf: Leaf; state: unknown }>);
type LivingChart = Extract<Living, { chart: AnyStateMachine }>;
type LivingLeaf = Extract<Living, { leaf: Leaf }>;

/** An event on its way. */
export type Mail = Readonly<{ from: string; to: string; event: AnyEventObject }>;

/** All that there is. `facts` is JSON: what happened and matters later. */
export type World<F> = Readonly<{ living: ReadonlyMap<string, Living>; mail: readonly Mail[]; facts: F }>;

/** What a chart has announced by an action of its own. */
export type Announcement = Readonly<{
  path: string;
  action: string;
  params: unknown;
  context: unknown;
  event: AnyEventObject;
}>;

export type Stage<F> = Readonly<{
  /** Who plays what, by the name that the chart above has for it. */
  cast: (role: string, input: unknown) => AnyStateMachine | Leaf | undefined;
  /** Whether an event is there at once, as XState delivers; else each delivery is a choice, in order between two actors. */
  atOnce: boolean;
  /** Does what the runtime does when a chart announces something. */
  announced: (turn: Turn<F>, announcement: Announcement) => void;
  /** Called with what is told to whoever is above the first actor. */
  told: (turn: Turn<F>, from: string, event: AnyEventObject) => void;
  /** Called before an actor begins (`begins`), hears an event, and when it is no more (`is over`). */
  noted?: (turn: Turn<F>, path: string, event: AnyEventObject) => void;
}>;

/** One choice, with all that follows from it at once. It becomes a world when it is over. */
export interface Turn<F> {
  facts: F;
  readonly living: ReadonlyMap<string, Living>;
  begin(path: string, src: string, input: unknown): void;
  send(from: string, to: string, event: AnyEventObject): void;
  /** Sends what cannot be there at once: it waits for a disk, or for its turn in the event loop. */
  sendLater(from: string, to: string, event: AnyEventObject): void;
  step(path: string, step: LeafStep): void;
  /** Takes the next event between these two. */
  take(from: string, to: string): void;
  world(): World<F>;
}

type Effect = Readonly<{ type: string; params: unknown; context: unknown; event: AnyEventObject }>;

type Decision = readonly [LivingChart, readonly Effect[]];
type Scope = ActorScope<AnyMachineSnapshot, AnyEventObject>;
const decisionsOf = new WeakMap<Stage<never>, Map<string, Decision>>();

export function turnIn<F>(stage: Stage<F>, world: World<F>): Turn<F> {
  const living = new Map(world.living);
  let mail = [...world.mail];
  /** Actors in the middle of a transition, with what has come meanwhile. */
  const busy = new Map<string, AnyEventObject[]>();

  const decisions = decisionsOf.get(stage) ?? new Map<string, Decision>();
  decisionsOf.set(stage, decisions);

  /** Charts are pure: what one decides in a state is asked for once. */
  const decided = (key: string, path: string, chart: AnyStateMachine, decide: (scope: Scope) => AnyMachineSnapshot) => {
    const known = decisions.get(key);
    if (known !== undefined) return known;
    const effects: Effect[] = [];
    const snapshot = decide(scopeOf(path, effects));
    const made: Decision = [{ chart, snapshot, key: keyOf(path, snapshot) }, effects];
    decisions.set(key, made);
    return made;
  };
  const send = (from: string, to: string, event: AnyEventObject) => {
    if (to === '') return stage.told(turn, from, event);
    if (!stage.atOnce) return void mail.push({ from, to, event });
    const waiting = busy.get(to);
    if (waiting !== undefined) waiting.push(event);
    else hear(to, event);
  };
  const hear = (path: string, event: AnyEventObject) => {
    stage.noted?.(turn, path, event);
    const actor = living.get(path);
    if (actor === undefined) return;
    if ('leaf' in actor) {
      const state = actor.leaf.hear(actor.state as never, event); // A leaf understands its own state.
      return void living.set(path, { ...actor, state, key: numbered(path, JSON.stringify(state)) });
    }
    act(
      path,
      decided(`${actor.key} ${jsonOf(event)}`, path, actor.chart, (scope) =>
        actor.chart.transition(actor.snapshot, event, scope),
      ),
    );
  };
  /** Does what a chart has decided, in its order; then what has come meanwhile is heard. */
  const act = (path: string, [actor, effects]: Decision) => {
    const { snapshot } = actor;
    if (snapshot.status === 'error') throw new Error(`The chart of ${path} threw: ${String(snapshot.error)}`);
    living.set(path, actor);
    const waiting: AnyEventObject[] = [];
    busy.set(path, waiting);
    for (const effect of effects) perform(path, effect);
    busy.delete(path);
    if (snapshot.status === 'done') return finish(path, snapshot);
    for (const event of waiting) send(path, path, event);
  };
  const perform = (path: string, { type, params, context, event }: Effect) => {
    if (type === 'xstate.sendTo') {
      const sent = params as { to: AnyActorRef; event: AnyEventObject }; // So XState hands it over.
      return send(path, paths.get(sent.to) ?? '', sent.event);
    }
    if (type === 'xstate.spawnChild') {
      const { actorRef, src, input } = params as { actorRef: AnyActorRef; src: string; input: unknown }; // Likewise.
      paths.set(actorRef, `${path}${BELOW}${actorRef.id}`);
      return begin(`${path}${BELOW}${actorRef.id}`, src, input);
    }
    if (type === 'xstate.stopChild') {
      const child = params as AnyActorRef | undefined; // Likewise; undefined when there is none of the name.
      return child === undefined ? undefined : stop(`${path}${BELOW}${child.id}`);
    }
    if (!type.startsWith('xstate.')) stage.announced(turn, { path, action: type, params, context, event });
  };
  const begin = (path: string, src: string, input: unknown) => {
    const role = stage.cast(src, input);
    if (role === undefined) throw new Error(`Expected somebody in the cast for "${src}" at ${path}, got nobody.`);
    stage.noted?.(turn, path, { type: 'begins', input });
    if ('hear' in role) {
      const state = role.start(input as never); // A leaf understands its own input.
      return void living.set(path, { leaf: role, state, key: numbered(path, JSON.stringify(state)) });
    }
    act(
      path,
      decided(
        `${path} ${src} ${jsonOf(input)}`,
        path,
        role,
        (scope) => role.getInitialSnapshot(scope as never, input as never) as AnyMachineSnapshot, // Of any chart.
      ),
    );
  };
  const finish = (path: string, end: LeafEnd | AnyMachineSnapshot) => {
    stop(path);
    const [above, id] = split(path);
    send(path, above, endingOf(id, end));
  };
  /** Ends an actor, all below it, and what is on its way to them. */
  const stop = (path: string) => {
    const below = `${path}${BELOW}`;
    const isIn = (other: string) => other === path || other.startsWith(below);
    for (const other of living.keys()) {
      if (!isIn(other)) continue;
      living.delete(other);
      stage.noted?.(turn, other, { type: 'is over' });
    }
    if (mail.length > 0) mail = mail.filter(({ to }) => !isIn(to));
  };

  const turn: Turn<F> = {
    facts: world.facts,
    living,
    begin,
    send,
    sendLater: (from, to, event) => void mail.push({ from, to, event }),
    step(path, { state, says = [], announces, ends }) {
      const actor = living.get(path);
      if (actor === undefined || !('leaf' in actor)) throw new Error(`Expected a leaf at ${path}, got none.`);
      living.set(path, { ...actor, state, key: numbered(path, JSON.stringify(state)) });
      for (const event of says) send(path, split(path)[0], event);
      if (announces !== undefined)
        stage.announced(turn, { path, action: announces, params: state, context: null, event: { type: 'step' } });
      if (ends !== undefined && living.has(path)) finish(path, ends);
    },
    take(from, to) {
      const at = mail.findIndex((one) => one.from === from && one.to === to);
      const [one] = mail.splice(at, 1);
      if (one !== undefined) hear(to, one.event);
    },
    world: () => ({ living, mail, facts: turn.facts }),
  };
  return turn;
}

/** Two worlds of the same key go on in the same way. */
export function keyOfWorld<F extends object>({ living, mail, facts }: World<F>): string {
  const actors = [...living.values()].map(({ key }) => key).toSorted();
  // Only the order between two actors matters.
  const letters = new Map<string, string>();
  for (const { from, to, event } of mail) {
    const way = `${from}→${to}`;
    letters.set(way, `${letters.get(way) ?? way}${jsonOf(event)}`);
  }
  return [...actors, ...[...letters.values()].toSorted(), jsonOf(facts)].join();
}

/** Between the names of a path, which may have slashes in them. */
const BELOW = '>';

export function split(path: string): readonly [above: string, id: string] {
  const at = path.lastIndexOf(BELOW);
  return [path.slice(0, Math.max(0, at)), path.slice(at + 1)];
}

const PLACE_HOLDER = provided<never>();
const paths = new WeakMap<AnyActorRef, string>();
const references = new Map<string, AnyActorRef>();

/** The reference by which charts know an actor; it never starts, and all that is sent to it is seen before. */
function referenceTo(path: string): AnyActorRef {
  const known = references.get(path);
  if (known !== undefined) return known;
  const [above, id] = split(path);
  const options = path === '' ? { id: 'above' } : { id, parent: referenceTo(above) };
  const made: AnyActorRef = createActor(PLACE_HOLDER as AnyActorLogic, options as never); // It stands for an actor of any logic.
  references.set(path, made);
  paths.set(made, path);
  return made;
}

function scopeOf(path: string, effects: Effect[]): Scope {
  const self = referenceTo(path);
  const { id, sessionId, system } = self;
  const nothing = () => {};
  const scope = {
    self,
    id,
    sessionId,
    system,
    logger: nothing,
    defer: nothing,
    emit: nothing,
    stopChild: nothing,
    actionExecutor({ type, params, info }: { type: string; params: unknown; info: Omit<Effect, 'type' | 'params'> }) {
      effects.push({ type, params, context: info.context, event: info.event });
    },
  };
  return scope as unknown as Scope; // It is all that charts use.
}

const endings = new WeakMap<object, AnyEventObject>();

/** What the one above is told of an end, which is the same object each time: only new ones have to be written as JSON. */
function endingOf(id: string, end: LeafEnd | AnyMachineSnapshot): AnyEventObject {
  const known = endings.get(end);
  if (known?.actorId === id) return known;
  const made = isThrown(end)
    ? { type: `xstate.error.actor.${id}`, actorId: id, error: end.error }
    : { type: `xstate.done.actor.${id}`, actorId: id, output: end.output };
  endings.set(end, made);
  return made;
}

function isThrown(end: LeafEnd | AnyMachineSnapshot): end is Readonly<{ error: Error }> {
  return 'error' in end && end.error !== undefined;
}

const stepsOf = new WeakMap<Leaf, Map<string, readonly LeafStep[]>>();

/** What a leaf may do: the same objects each time it is in the same state. */
export function stepsOfLeaf(path: string, { key, leaf, state }: LivingLeaf): readonly LeafStep[] {
  const made = stepsOf.get(leaf) ?? new Map<string, readonly LeafStep[]>();
  stepsOf.set(leaf, made);
  const steps = made.get(key) ?? leaf.steps(state as never, path); // A leaf understands its own state.
  made.set(key, steps);
  return steps;
}

function keyOf(path: string, { value, context, status, children }: AnyMachineSnapshot): string {
  return numbered(path, JSON.stringify([value, context, status, Object.keys(children)]));
}

const texts = new WeakMap<object, string>();

/** A short word for a value, which is written as JSON once. */
function jsonOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const known = texts.get(value);
  if (known !== undefined) return known;
  const made = numbered('', JSON.stringify(value));
  texts.set(value, made);
  return made;
}

const numbers = new Map<string, string>();

/** A short word for a text, the same for the same: so a million states fit into memory. */
function numbered(name: string, text: string): string {
  const whole = `${name} ${text}`;
  const known = numbers.get(whole);
  if (known !== undefined) return known;
  const made = numbers.size.toString(36);
  numbers.set(whole, made);
  return made;
}
