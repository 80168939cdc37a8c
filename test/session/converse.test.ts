import { expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask, type SessionEvent, type TaskOutcome } from '../../src/index.ts';
import type { SubSession } from '../../src/tasks/ports.ts';
import type { Script } from '../../src/testing/script.ts';
import { next, nextOf, rig } from './rig.ts';

type Talk = (sub: SubSession, first: TaskOutcome) => Promise<void>;

/** A session with a kind whose work opens a sub-session and talks with it. */
function talking(script: Script, converse: Talk, options: object = {}) {
  const talk = defineTask({
    input: z.object({}),
    async work(_, ports) {
      const { status, ...rest } = await ports.delegate({ input: 'One.', as: 'helper', converse });
      return { last: status, said: 'answer' in rest ? rest.answer : null };
    },
  });
  return rig({ script, tasks: { talk }, ...options });
}

const answerOf = (outcome: TaskOutcome) => (outcome.status === 'completed' ? outcome.answer : outcome.status);
const ofChild = (events: readonly SessionEvent[]) =>
  events.filter(({ path, seq }) => path.length === 2 && seq !== null).map(({ type }) => type);

it('gives a sub-session one task after the other, which knows what was said before', async () => {
  const heard: (string | null)[] = [];
  const { session, events, model } = talking(
    [{ say: 'First.' }, { say: 'Second.' }, { say: 'Third.' }],
    async (sub, first) => {
      heard.push(answerOf(first));
      heard.push(answerOf(await sub.run('Two.')));
      heard.push(answerOf(await sub.run('Three.')));
    },
  );
  const { status, data } = { data: null, ...(await session.start('talk', {}).outcome) } as {
    status: string;
    data: unknown;
  };
  expect([status, heard]).toEqual(['completed', ['First.', 'Second.', 'Third.']]);
  expect(data).toBe(null);
  const types = ofChild(events);
  expect(types.filter((type) => /^(session|task)\./.test(type))).toEqual([
    'session.opened',
    ...['task.started', 'task.completed', 'task.started', 'task.completed', 'task.started', 'task.completed'],
    'session.closed',
  ]);
  const texts = model.requests.at(-1)?.history.map((entry) => {
    if (entry.type !== 'message') return entry.type;
    if (entry.role === 'assistant') return entry.text;
    return entry.content.map((part) => (part.type === 'text' ? part.text : part.type)).join();
  });
  expect(texts).toEqual(['One.', 'First.', 'Two.', 'Second.', 'Three.']);
  await session.close();
});

it('gives the outcome of the last task', async () => {
  const { session } = talking([{ say: 'First.' }, { say: 'Second.' }], async (sub) => void (await sub.run('Two.')));
  expect(await session.start('talk', {}).orThrow()).toMatchObject({ last: 'completed', said: 'Second.' });
  await session.close();
});

it('lets a person decide in between, whichever task asks', async () => {
  const asking = { call: { name: 'shell', arguments: { command: 'rm -r x', with_escalated_permissions: true } } };
  const asked: string[] = [];
  const { session } = talking(
    [{ say: 'First.' }, asking, { say: 'Second.' }],
    async (sub) => void (await sub.run('Two.')),
    {
      onRequest: ({ path }: { path: readonly { kind: string }[] }) => {
        asked.push(path.map(({ kind }) => kind).join('/'));
        return 'denied';
      },
    },
  );
  expect(await session.start('talk', {}).orThrow()).toMatchObject({ said: 'Second.' });
  expect(asked).toEqual(['root/helper']);
  await session.close();
});

it('is stopped between two tasks like anywhere else, within one grace', async () => {
  const entered = Promise.withResolvers<void>();
  const { session, events } = talking([{ say: 'First.' }], () => {
    entered.resolve();
    return new Promise(() => {});
  });
  const isTold = nextOf(session, 'task.completed');
  const task = session.start('talk', {});
  await entered.promise;
  await isTold;
  expect(session.waitingOn().map(({ cause }) => cause)).toContain('work');
  const receipt = await task.abort();
  expect(receipt.outcome).toBe('aborted');
  expect(ofChild(events).at(-1)).toBe('session.closed');
  expect(session.children()).toEqual([]);
  await session.close();
});

it('is stopped in its second task, which ends as aborted with its parent', async () => {
  let second: TaskOutcome | null = null;
  const { session, events } = talking([{ say: 'First.' }, { say: 'Half', hang: true }], async (sub) => {
    second = await sub.run('Two.');
  });
  const task = session.start('talk', {});
  await next(session, (event) => event.type === 'item.delta' && event.delta === 'Half');
  await task.abort();
  expect(
    ofChild(events)
      .filter((type) => type.startsWith('task.'))
      .slice(-2),
  ).toEqual(['task.aborting', 'task.aborted']);
  expect(second).toMatchObject({ status: 'aborted', reason: 'parent-aborted' });
  await session.close();
});

it('closes the sub-session, and fails the task, when what converses throws', async () => {
  const { session, events } = talking([{ say: 'First.' }], async () => {
    throw new Error('I have nothing to say.');
  });
  const outcome = await session.start('talk', {}).outcome;
  expect(outcome).toMatchObject({
    status: 'failed',
    error: { message: expect.stringContaining('I have nothing to say.') },
  });
  expect(ofChild(events).at(-1)).toBe('session.closed');
  await session.close();
});

it('takes what runs to its end when nobody waits for it any more', async () => {
  const { session, events } = talking([{ say: 'First.' }, { say: 'Second.' }], async (sub) => {
    void sub.run('Two.');
  });
  expect(await session.start('talk', {}).orThrow()).toMatchObject({ said: 'Second.' });
  expect(ofChild(events).filter((type) => type === 'task.completed').length).toBe(2);
  await session.close();
});

it('refuses a second task at once, and any after the sub-session has closed', async () => {
  let kept: SubSession | null = null;
  const told: unknown[] = [];
  const { session } = talking([{ say: 'First.' }, { say: 'Second.' }], async (sub) => {
    kept = sub;
    const running = sub.run('Two.');
    await Promise.resolve()
      .then(() => sub.run('Three.'))
      .catch((error: Error) => told.push(error.message));
    await running;
  });
  await session.start('talk', {}).outcome;
  const { run } = kept ?? { run: (_: string) => null };
  expect(() => run('Four.')).toThrow('Expected a sub-session that is open, this one has closed.');
  expect(told).toEqual(['Expected one task of a sub-session at a time, got a second one before the first was over.']);
  await session.close();
});

it('is told more while its task runs', async () => {
  const { session } = talking(
    [{ say: 'First.' }, { call: { name: 'update_plan', arguments: { plan: [] } } }, { say: 'Both.' }],
    async (sub) => {
      const running = sub.run('Two.');
      await nextOf(session, 'step.started');
      sub.steer('And this.');
      await running;
    },
  );
  expect(await session.start('talk', {}).orThrow()).toMatchObject({ said: 'Both.' });
  await session.close();
});
