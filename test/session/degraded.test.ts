import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTool } from '../../src/index.ts';
import { type LogFault, memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import { rig } from './rig.ts';

function rigWith(fault: LogFault) {
  let ran = 0;
  const act = defineTool({
    name: 'act',
    description: 'Acts.',
    input: z.object({}),
    execute: () => {
      ran += 1;
      return 'done';
    },
  });
  const script = [{ call: { name: 'act', arguments: {} } }, { say: 'So be it.' }];
  const world = { logStore: memoryLogStore({ fault }) };
  const staged = rig({ script, tools: [act], world, limits: { commitMs: 20 } });
  return { ...staged, ran: () => ran };
}

describe('a session whose log', () => {
  for (const [name, fault] of [
    ['cannot be made', (operation) => (operation === 'create' ? new Error('ENOSPC: no space left on device') : null)],
    ['cannot be written', (operation) => (operation === 'append' ? new Error('EIO: i/o error') : null)],
    ['cannot be synced', (operation) => (operation === 'sync' ? new Error('EIO: i/o error') : null)],
    ['hangs', (operation) => (operation === 'sync' ? new Promise(() => {}) : null)],
  ] as const satisfies readonly (readonly [string, LogFault])[]) {
    it(`${name} runs no tool, says that it is degraded, and shows the terminal as not durable`, async () => {
      const { session, events, ran } = rigWith(fault);
      expect(await session.run('act').outcome).toMatchObject({ status: 'completed', answer: 'So be it.' });
      expect(ran()).toBe(0);
      expect(session.entries().find(({ type }) => type === 'output')).toMatchObject({
        output: expect.stringContaining('its start could not be written to the log'),
      });
      expect(events.filter(({ type }) => type === 'session.degraded')).toHaveLength(1);
      expect(events.find(({ type }) => type === 'task.completed')).toMatchObject({ durable: false });
      await session.close();
    });
  }

  it('works runs the tool, and says nothing of the kind', async () => {
    const { session, events, ran } = rigWith(() => null);
    await session.run('act').outcome;
    expect([ran(), events.some(({ type }) => type === 'session.degraded')]).toEqual([1, false]);
    await session.close();
  });
});
