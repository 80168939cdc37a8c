import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import { type Path, pathText } from '../protocol/path.ts';

/** The name of an actor in its tree: a session's is its path (`root/review`), any other's begins with that of its parent. */
export function actorPath(ref: AnyActorRef, parent: string | null): string {
  const { context } = ref.getSnapshot() as Partial<AnyMachineSnapshot>; // Actors without states have none.
  if (isPath(context?.path)) return pathText(context.path);
  return parent === null ? ref.id : `${parent}/${ref.id}`;
}

function isPath(value: unknown): value is Path {
  if (!Array.isArray(value) || value.length === 0) return false;
  return value.every((one) => typeof one?.sessionId === 'string' && typeof one.kind === 'string');
}
