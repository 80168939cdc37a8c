import { onTestFinished } from 'vitest';
import type { AnyActorRef, AnyMachineSnapshot, InspectionEvent } from 'xstate';
import * as z from 'zod';
import { createSession, defineTask, type SessionOptions } from '../../src/index.ts';
import type { TaskDefinitions } from '../../src/tasks/define-task.ts';
import type { Script } from '../../src/testing/script.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';

/** The input of a kind that needs none. */
export const nothing = z.object({});

/** A kind that is done at once. */
export const quick = defineTask({ input: nothing, work: async () => ({}) });

/** A kind that goes on until it is aborted, and then stops. */
export const patient = defineTask({
  input: nothing,
  work: (_input, _ports, signal) =>
    new Promise<object>((resolve) => signal.addEventListener('abort', () => resolve({}), { once: true })),
});

type Options<T extends TaskDefinitions> = Partial<SessionOptions<T>> & {
  script?: Script;
  watch?: (root: AnyActorRef, event: InspectionEvent) => void;
};

/** A session that is not logged, its actors, and the types of the committed events that it tells. */
export function open<T extends TaskDefinitions>({ script = [], watch, ...options }: Options<T>) {
  const actors: AnyActorRef[] = [];
  const model = scriptedModel(script);
  const session = createSession<T>({
    model,
    rollout: 'off',
    inspect(event: InspectionEvent) {
      if (event.type === '@xstate.actor') actors.push(event.actorRef as AnyActorRef); // XState types it as less than it is.
      const [root] = actors;
      if (root !== undefined) watch?.(root, event);
    },
    ...options,
  });
  const types: string[] = [];
  session.events$.subscribe(({ seq, type, path }) => {
    if (seq !== null) types.push(`${path.length} ${type}`);
  });
  const root = () => {
    const [first] = actors;
    if (first === undefined) throw new Error('Expected an inspector that was told of the root, got one that was not.');
    return first;
  };
  return {
    session,
    model,
    types,
    actors,
    root,
    snapshot: () => root().getSnapshot() as AnyMachineSnapshot, // A session is a machine.
  };
}

/** What would have ended the process, from here to the end of the test. */
export function uncaught(): readonly unknown[] {
  const errors: unknown[] = [];
  const note = (error: unknown) => void errors.push(error);
  process.on('uncaughtException', note);
  onTestFinished(() => void process.off('uncaughtException', note));
  return errors;
}

/** Lets everything happen that waits for nothing but its turn, and what XState and RxJS throw again from a timer. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setImmediate(resolve));
  }
}
