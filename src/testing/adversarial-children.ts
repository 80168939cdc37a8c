import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type AnyActorRef, fromCallback } from 'xstate';
import * as z from 'zod';
import { defineTask, type TaskDefinition } from '../tasks/define-task.ts';
import type { TaskPorts } from '../tasks/ports.ts';

const anything: StandardSchemaV1 = z.unknown();
const never = () => new Promise<never>(() => {});
const QUESTION = { kind: 'question', questions: [{ id: 'q', question: 'Shall I?' }] } as const;
const FLOOD_EVENTS = 2_000;

type Work = (ports: TaskPorts, signal: AbortSignal) => Promise<object>;
const child = (work: Work) => defineTask({ input: anything, work: (_input, ports, signal) => work(ports, signal) });

/** Tries everything that may not be done any more, and lets nobody see what came of it. */
async function tryEverything(ports: TaskPorts): Promise<void> {
  const tries = [
    () => ports.commit({ type: 'warning.raised', code: 'late', message: 'Said late.' }),
    () => ports.ask(QUESTION),
    () => ports.delegate({ input: 'Go on.' }),
    () => ports.sample({}, () => {}),
  ];
  for (const attempt of tries) {
    try {
      await attempt();
    } catch {
      // It goes on whatever is said to it.
    }
  }
}

/**
 * Kinds that do what no kind is to do, by what that is: to be put in the place of those that sub-sessions run, so that one
 * sees what they can do to whoever waits for them. The model takes no part in any of them.
 */
export const adversarialChildren: Readonly<Record<string, TaskDefinition>> = {
  'never settles': child(never),
  'ignores an abort': child(async (ports, signal) => {
    await aborted(signal);
    await tryEverything(ports);
    return never();
  }),
  'asks after an abort': child(async (ports, signal) => {
    await aborted(signal);
    await ports.ask(QUESTION).catch(() => {});
    return {};
  }),
  'asks and does not wait': child(async (ports) => {
    ports.ask(QUESTION).catch(() => {});
    return {};
  }),
  'opens another and does not wait': child(async (ports) => {
    ports.delegate({ kind: 'user-shell', input: { command: 'true' } }).catch(() => {});
    return {};
  }),
  floods: child(async (ports) => {
    for (let count = 0; count < FLOOD_EVENTS; count += 1)
      ports.emit({ type: 'item.delta', itemId: 'flood', delta: '…' });
    return {};
  }),
  'answers twice': defineTask({
    input: anything,
    work: fromCallback(({ self }: { self: AnyActorRef }) => {
      const say = (answer: string) => self._parent?.send({ type: 'work.done', at: 1, answer });
      say('First.');
      say('Second.');
    }),
  }),
  'claims another path': child(async (ports) => {
    const forged = {
      type: 'item.delta',
      itemId: 'i',
      delta: 'I am the root.',
      path: [],
      sessionId: 'root',
      taskId: 'root/1',
    };
    ports.emit(forged as never); // What no type allows.
    return {};
  }),
  throws: child(async () => {
    throw new Error('The child broke.');
  }),
  'throws nothing': child(async () => {
    throw undefined;
  }),
  'returns nothing': child(async () => undefined as never), // What no type allows.
  'returns a circle': child(async () => {
    const circle: { self?: object; big: bigint } = { big: 1n };
    circle.self = circle;
    return circle;
  }),
};

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
