import { expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask } from '../../src/index.ts';
import { next, nextOf, rig } from './rig.ts';

/** Two starts wait while a task runs, the second of which replaces: so the first begins and is aborted in one go. */
it('a task that is aborted as it begins keeps what was said, and starts nothing', async () => {
  const { session, events, model } = rig({ script: [{ say: 'Half', hang: true }, { say: 'Three.' }] });
  session.run('One.');
  await nextOf(session, 'item.delta');
  const two = session.run('Two.', { whenBusy: 'queue' });
  const three = session.run('Three.', { whenBusy: 'replace' });
  const [second, third] = await Promise.all([two.outcome, three.outcome]);
  expect([second.status, third.status]).toEqual(['aborted', 'completed']);
  const ofTwo = events.filter(({ taskId, seq }) => taskId === two.id && seq !== null);
  expect(ofTwo.map((event) => ('item' in event ? event.item.type : event.type))).toEqual([
    'task.started',
    'task.aborting',
    'user_message',
    'task.aborted',
  ]);
  expect(model.requests.length).toBe(2);
  await session.close();
});

it('a work that is aborted as it begins opens no sub-session', async () => {
  const opener = defineTask({
    input: z.object({}),
    whenBusy: 'queue',
    async work(_, ports) {
      await ports.delegate({ input: 'Go.' });
      return {};
    },
  });
  const { session, events } = rig({ script: [{ say: 'Half', hang: true }, { say: 'Three.' }], tasks: { opener } });
  session.run('One.');
  await next(session, ({ type }) => type === 'item.delta');
  const two = session.start('opener', {}, { whenBusy: 'queue' });
  const three = session.run('Three.', { whenBusy: 'replace' });
  expect([(await two.outcome).status, (await three.outcome).status]).toEqual(['aborted', 'completed']);
  expect(events.filter(({ type }) => type === 'child.opened')).toEqual([]);
  await session.close();
});
