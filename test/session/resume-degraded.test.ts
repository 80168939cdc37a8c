import { expect, it } from 'vitest';
import { resumeSession, type SessionEvent } from '../../src/index.ts';
import { isTerminal } from '../../src/protocol/events.ts';
import { memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { next, rig } from './rig.ts';

it.each(['append', 'sync'] as const)(
  'a resume whose log fails at its first %s tells the end of what was cut as not durable',
  async (failing) => {
    const { session, log } = rig({ script: [{ say: 'Half', hang: true }] });
    const task = session.run('Go.');
    await next(session, ({ type }) => type === 'item.delta');
    const cut = Uint8Array.from(log.bytes(session.id));
    await task.abort();
    await session.close();

    const store = memoryLogStore({
      fault: (operation, n) => (operation === failing && n === 1 ? new Error('EIO: i/o error') : null),
    });
    store.put(session.id, cut);
    const again = await resumeSession(session.id, { model: scriptedModel([]), world: { logStore: store } });
    const told: SessionEvent[] = [];
    again.events$.subscribe((event) => void told.push(event));
    expect(told.filter(isTerminal)).toEqual([expect.objectContaining({ type: 'task.aborted', durable: false })]);
    expect(told.map(({ type }) => type)).toContain('session.degraded');
    await again.close();
  },
);
