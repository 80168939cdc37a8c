import type { ActorLogic, AnyActorRef, EventObject, Snapshot } from 'xstate';
import { fromCallback } from 'xstate';

/** Actor logic of any make that takes `Input`, understands `Command` and ends with `Output`. */
export type Logic<Input, Command extends EventObject, Output = undefined> = ActorLogic<
  Snapshot<Output>,
  Command,
  Input,
  AnyActorRef['system'],
  EventObject
>;

/** Tells its parent `deadline.passed` once the clock shows `deadline` (ms since 1970; null: never). */
export type TimerLogic = Logic<{ deadline: number | null }, EventObject>;

/** Tells its parent `turn.granted` once it may begin, where many want to begin at once. */
export type TurnLogic = Logic<undefined, EventObject>;

/** Stands for an actor that the runtime provides; it does nothing, so that a chart alone can be drawn and walked. */
export function provided<L>(): L {
  return fromCallback(() => {}) as unknown as L; // The type of logic cannot be built from nothing; it is only a place-holder.
}

/** The actor that spawned this one; itself, which ignores what is not for it, when it stands alone. */
export function toParent({ self }: { self: AnyActorRef }): AnyActorRef {
  return self._parent ?? self;
}
