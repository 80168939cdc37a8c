import type { AnyActorLogic } from 'xstate';

/** Stands for logic that is made later: it ties the knot from a session through its tasks to a session again. */
export function lazyLogic(get: () => AnyActorLogic): AnyActorLogic {
  return new Proxy({} as AnyActorLogic, {
    get: (_target, key) => Reflect.get(get(), key),
    has: (_target, key) => Reflect.has(get(), key),
  });
}
