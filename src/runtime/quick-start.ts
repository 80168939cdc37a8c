import type { AnyActorScope, AnyMachineSnapshot, AnyStateMachine } from 'xstate';

type Action = Parameters<AnyActorScope['actionExecutor']>[0];
/** How a machine begins, whatever its input: all but the context, and what is done then. */
type Beginning = Readonly<{ snapshot: AnyMachineSnapshot; actions: readonly Action[] }>;

/**
 * The same machine, which works out only once how it begins: where many are made at once, that is most of what each
 * costs. For machines whose context depends on nothing but the input, and whose first actions are plain functions and no
 * actors; throws when it begins in another way.
 */
export function quickStart<M extends AnyStateMachine>(machine: M): M {
  let beginning: Beginning | null = null;
  const getInitialSnapshot = (scope: AnyActorScope, input: unknown) => {
    if (beginning === null) {
      beginning = beginningOf(machine, scope, input);
      return beginning.snapshot;
    }
    const { self, system } = scope;
    const context = contextOf(machine, input, self);
    const event = { type: 'xstate.init', input };
    const info = { context, event, self, system };
    for (const action of beginning.actions) scope.actionExecutor({ ...action, info });
    return { ...beginning.snapshot, context, children: {} };
  };
  return Object.create(machine, { getInitialSnapshot: { value: getInitialSnapshot } });
}

function beginningOf(machine: AnyStateMachine, scope: AnyActorScope, input: unknown): Beginning {
  const actions: Action[] = [];
  const execute = (action: Action) => {
    actions.push(action);
    scope.actionExecutor(action);
  };
  const snapshot = machine.getInitialSnapshot({ ...scope, actionExecutor: execute }, input);
  if (Object.keys(snapshot.children).length === 0 && actions.every(({ type }) => !type.startsWith('xstate.')))
    return { snapshot, actions };
  throw new Error(`Expected "${machine.id}" to begin with plain actions and without actors, got one that does more.`);
}

function contextOf({ config }: AnyStateMachine, input: unknown, self: AnyActorScope['self']): object {
  const { context } = config;
  return typeof context === 'function' ? context({ input, self, spawn: refuseToSpawn }) : { ...context };
}

function refuseToSpawn(): never {
  throw new Error('Expected a context that spawns no actor.');
}
