import { expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask, resumeSession, type SessionEvent } from '../../src/index.ts';
import { memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { next, rig } from './rig.ts';

const helper = defineTask({
  input: z.string(),
  work: async (input, ports) => ({ inner: (await ports.delegate({ input, as: 'helper' })).status }),
});

const typesIn = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString()
    .split('\n')
    .flatMap((line) => line.match(/"type":"([a-z.-]+)"/)?.[1] ?? []);

it('a sub-session whose log could not be closed by one resume is closed by the next, also when the session was closed between', async () => {
  const { session, log } = rig({ script: [{ say: 'Half', hang: true }], tasks: { helper } });
  session.start('helper', 'Help.');
  const { sessionId: childId } = await next(session, ({ type }) => type === 'item.delta');
  const cut = [session.id, childId].map((id) => [id, Uint8Array.from(log.bytes(id))] as const);
  await session.close();

  let isBroken = true;
  const store = memoryLogStore({
    fault: (operation, n) =>
      isBroken && operation === 'open' && n === 2 ? new Error('EACCES: permission denied') : null,
  });
  for (const [id, bytes] of cut) store.put(id, bytes);
  const resume = async () => {
    const again = await resumeSession(session.id, {
      model: scriptedModel([]),
      tasks: { helper },
      world: { logStore: store },
    });
    const told: SessionEvent[] = [];
    again.events$.subscribe((event) => void told.push(event));
    await again.close();
    return told.find(({ type }) => type === 'session.resumed');
  };

  expect(await resume()).toMatchObject({
    damage: [expect.stringMatching(/^The log of the sub-session \w+ could not be closed: .*EACCES/)],
    unclosed: [childId],
  });
  expect(typesIn(store.bytes(childId)).at(-1)).not.toBe('session.closed');
  isBroken = false;
  expect(await resume()).toMatchObject({ damage: [] });
  expect(typesIn(store.bytes(childId)).slice(-2)).toEqual(['task.aborted', 'session.closed']);
});
