import { expect, it } from 'vitest';
import { defineTask, type TaskPorts } from '../../src/index.ts';
import { nothing, open } from '../machines/open-session.ts';

const FORGED = { seq: 1_000, epoch: 9, sessionId: 'root', path: [], taskId: 'root/1', time: 'never', durable: false };

/** Runs a work in a sub-session, and gives what the root is told of it. */
async function toldBy(act: (ports: TaskPorts) => void) {
  const child = defineTask({
    input: nothing,
    async work(_input, ports) {
      act(ports);
      return {};
    },
  });
  const parent = defineTask({
    input: nothing,
    work: async (_input, ports) => ({ inner: await ports.delegate({ kind: 'child', input: {} }) }),
  });
  const { session } = open({ tasks: { child, parent } });
  const told: unknown[] = [];
  session.events$.subscribe((event) => {
    if (event.path.length !== 2 || !['item.delta', 'warning.raised'].includes(event.type)) return;
    const { type, seq, epoch, sessionId, path, taskId, time } = event;
    const isItself =
      sessionId === path[1]?.sessionId && taskId?.startsWith('child/') && !Number.isNaN(Date.parse(time));
    told.push([type, seq === null || seq < 10, epoch, isItself, 'durable' in event]);
  });
  const outcome = await session.start('parent', {}).orThrow();
  await session.close();
  return { told, inner: outcome.inner };
}

it('a work cannot say that it is somebody else, with what it commits and with what it tells', async () => {
  const { told, inner } = await toldBy((ports) => {
    ports.emit({ type: 'item.delta', itemId: 'i', delta: 'I am the root.', ...FORGED });
    ports.commit({ type: 'warning.raised', code: 'forged', message: 'I am the root.', ...FORGED });
  });
  expect(inner.status).toBe('completed');
  expect(told).toEqual([
    ['item.delta', true, 0, true, false],
    ['warning.raised', true, 0, true, false],
  ]);
});

it.each([
  ['commit', { type: 'task.completed', kind: 'child', answer: 'Won.', data: {} }],
  ['emit', { type: 'task.completed', kind: 'child', answer: 'Won.', data: {} }],
] as const)('a work cannot say that its task has ended (%s)', async (port, event) => {
  const { inner } = await toldBy((ports) => ports[port](event as never)); // What no type allows.
  expect(inner).toMatchObject({
    status: 'failed',
    error: {
      message: expect.stringMatching(
        new RegExp(`^Expected an event that a work may ${port} \\(.*\\), got "task\\.completed"\\.$`),
      ),
    },
  });
});
