import type { ActorLogic, AnyActorRef, AnyEventObject, EventObject, Snapshot } from 'xstate';
import { createActor } from 'xstate';
import type { Logic, TimerLogic } from '../../machines/logic.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { bindClock } from '../../src/runtime/system-clock.ts';
import { timer } from '../../src/runtime/timer.ts';

/** An actor that a test plays: by itself it does nothing, and it keeps what it hears. */
export type Puppet<Input, Command, Output> = Readonly<{
  id: string;
  input: Input;
  heard: readonly Command[];
  isStopped: boolean;
  /** It has finished, or crashed. */
  hasEnded: boolean;
  /** Tells the actor above. */
  say(event: AnyEventObject): void;
  /** Ends with an output. */
  finish(output: Output): void;
  /** Throws, inside the actor. */
  crash(message: string): void;
}>;

export type Cast<Input, Command extends EventObject, Output> = Readonly<{
  /** All that were started, in order; one that was restored is started again. */
  all: readonly Puppet<Input, Command, Output>[];
  /** The one that was started last. Throws when there is none. */
  last(): Puppet<Input, Command, Output>;
}>;

export type Puppets<Input, Command extends EventObject, Output> = Cast<Input, Command, Output> &
  Readonly<{ logic: Logic<Input, Command, Output> }>;

type Reply<Input, Command, Output> = (command: Command, puppet: Puppet<Input, Command, Output>) => void;
type Mine<Input, Command extends EventObject, Output> = Puppet<Input, Command, Output> & { heard: Command[] };
type Kept<Input, Output> = Snapshot<Output> & { input: Input };
type System = AnyActorRef['system'];
type Finish<Output> = { type: 'puppet.finish'; output: Output };
type Crash = { type: 'puppet.crash'; message: string };

/** Logic for actors that a test plays. `reply` is called with each command, from inside the actor that hears it. */
export function puppets<Input, Command extends EventObject, Output>(
  reply: Reply<Input, Command, Output> = () => {},
): Puppets<Input, Command, Output> {
  const all: Mine<Input, Command, Output>[] = [];
  return { logic: puppetLogic(reply, () => all), ...castOf(all) };
}

/** The same for a machine that many tests share, because to provide one is what costs: `of` gives those of one system. */
export function sharedPuppets<Input, Command extends EventObject, Output>(): Readonly<{
  logic: Logic<Input, Command, Output>;
  of(system: System): Cast<Input, Command, Output>;
}> {
  const bySystem = new WeakMap<System, Mine<Input, Command, Output>[]>();
  const allOf = (system: System) => {
    const all = bySystem.get(system) ?? [];
    bySystem.set(system, all);
    return all;
  };
  return { logic: puppetLogic(() => {}, allOf), of: (system) => castOf(allOf(system)) };
}

function castOf<Input, Command extends EventObject, Output>(
  all: readonly Mine<Input, Command, Output>[],
): Cast<Input, Command, Output> {
  return {
    all,
    last() {
      const last = all.at(-1);
      if (last === undefined) throw new Error('Expected a puppet that was started, got none.');
      return last;
    },
  };
}

function puppetLogic<Input, Command extends EventObject, Output>(
  reply: Reply<Input, Command, Output>,
  allOf: (system: System) => Mine<Input, Command, Output>[],
): Logic<Input, Command, Output> {
  const byActor = new WeakMap<AnyActorRef, Mine<Input, Command, Output>>();
  const logic: ActorLogic<Kept<Input, Output>, Command, Input, System> = {
    getInitialSnapshot: (_scope, input) => ({ status: 'active', output: undefined, error: undefined, input }),
    getPersistedSnapshot: (snapshot) => snapshot,
    restoreSnapshot: (snapshot) => snapshot as Kept<Input, Output>, // It was persisted by the function above.
    start(snapshot, { self, system }) {
      const actor: AnyActorRef = self;
      const puppet: Mine<Input, Command, Output> = {
        id: self.id,
        input: snapshot.input,
        heard: [],
        isStopped: false,
        hasEnded: false,
        say: (event) => self._parent?.send(event),
        finish: (output) => actor.send({ type: 'puppet.finish', output }),
        crash: (message) => actor.send({ type: 'puppet.crash', message }),
      };
      allOf(system).push(puppet);
      byActor.set(self, puppet);
    },
    transition(snapshot, event, { self }) {
      const puppet = byActor.get(self);
      if (puppet !== undefined && (isFinish(event) || isCrash(event))) Object.assign(puppet, { hasEnded: true });
      if (isFinish<Output>(event)) return { ...snapshot, status: 'done', output: event.output } as Kept<Input, Output>; // Status decides which member of the union it is.
      if (isCrash(event)) throw new Error(event.message);
      if (puppet === undefined) return snapshot;
      if (isStop(event)) {
        Object.assign(puppet, { isStopped: true });
        return snapshot;
      }
      puppet.heard.push(event);
      reply(event, puppet);
      return snapshot;
    },
  };
  return logic as unknown as Logic<Input, Command, Output>; // XState wants the snapshot types to be equal, not assignable.
}

/** What is left of an actor when its process has ended: its snapshot, as JSON gives it back, and when that was. */
export type Stored = Readonly<{ snapshot: unknown; at: number }>;

/** Stores an actor as JSON. */
export function stored(actor: { getPersistedSnapshot(): unknown }, clock: Clock): Stored {
  return { snapshot: JSON.parse(JSON.stringify(actor.getPersistedSnapshot())), at: clock.now() };
}

/** The option of `createActor` that begins where an actor was stored. */
export function resumed<S>(store: Stored | undefined): { snapshot?: S } {
  return store === undefined ? {} : { snapshot: store.snapshot as S }; // It was JSON meanwhile.
}

/** The timer of the runtime, as the charts want it. */
export const timerLogic = timer as unknown as TimerLogic; // XState wants the snapshot types to be equal, not assignable.

/** The actor above the one that a test is about: it keeps what it is told. Its system has the clock. */
export function audience(clock: Clock): Readonly<{ ref: AnyActorRef; heard: readonly EventObject[] }> {
  const heard: EventObject[] = [];
  const logic: ActorLogic<Snapshot<undefined>, EventObject> = {
    getInitialSnapshot: () => ({ status: 'active', output: undefined, error: undefined }),
    getPersistedSnapshot: (snapshot) => snapshot,
    transition(snapshot, event) {
      heard.push(event);
      return snapshot;
    },
  };
  const ref = createActor(logic);
  bindClock(ref.system, clock);
  ref.start();
  return { ref, heard };
}

function isFinish<Output>(event: EventObject): event is Finish<Output> {
  return event.type === 'puppet.finish';
}

function isCrash(event: EventObject): event is Crash {
  return event.type === 'puppet.crash';
}

/** XState tells an actor so that it is being stopped from above; it does not list the event in its types. */
function isStop(event: EventObject): boolean {
  return event.type === 'xstate.stop';
}
