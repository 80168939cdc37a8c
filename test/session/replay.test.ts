import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { openSession } from '../../src/create-session.ts';
import { defineTask, defineTool, type SessionOptions } from '../../src/index.ts';
import { memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import { newRecovery, recover } from '../../src/rollout/recover.ts';
import { emptyState, replay } from '../../src/rollout/replay.ts';
import type { TaskDefinitions } from '../../src/tasks/define-task.ts';
import type { Script } from '../../src/testing/script.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { verifyLogsAfterwards } from '../legal-logs.ts';
import { nextOf } from './rig.ts';
import { shadow } from './shadow.ts';

const plan = { name: 'update_plan', arguments: { plan: [{ step: 'a', status: 'pending' }] } };
const touch = {
  name: 'shell',
  arguments: { command: 'touch x', with_escalated_permissions: true, justification: 'j' },
};

function shadowed<T extends TaskDefinitions = Record<never, never>>(
  script: Script,
  options: Partial<SessionOptions<T>> = {},
) {
  const log = memoryLogStore();
  verifyLogsAfterwards(log);
  const { session, book } = openSession<T>(
    {
      model: scriptedModel(script),
      projectInstructions: false,
      checkpoints: 'off',
      world: { logStore: log },
      ...options,
    },
    {},
  );
  return { session, log, follower: shadow(book) };
}

async function replayed(bytes: Uint8Array) {
  const state = emptyState();
  for await (const record of recover([bytes], newRecovery())) replay(state, record);
  return state;
}

describe('a replay, at each record that is written, gives what the live session has', () => {
  it('while calls run and fail, what is asked is denied, and tasks are aborted in the middle of a word', async () => {
    const fails = defineTool({
      name: 'fails',
      description: 'Fails.',
      input: z.object({}),
      execute: () => Promise.reject(new Error('no')),
    });
    const { session, log, follower } = shadowed(
      [
        { reason: 'Hm.', say: 'I begin.', call: [plan, { name: 'fails', arguments: {} }, touch] },
        { say: 'one' },
        { say: ['In the ', 'middle'], hang: true },
        { call: touch },
        { fail: { message: 'Broken.' } },
        { say: 'last' },
      ],
      { tools: [fails], onRequest: ({ seq }) => ((seq ?? 0) < 30 ? 'denied' : undefined) },
    );
    await session.run('first').outcome;
    const second = session.run('second');
    await nextOf(session, 'item.delta');
    session.steer('more');
    await second.abort();
    const third = session.run('third');
    await nextOf(session, 'request.opened');
    await third.abort();
    await session.run('fourth').outcome;
    await session.run('fifth').outcome;
    await session.close();
    expect(follower.difference()).toBeNull();
    expect(follower.compared()).toBeGreaterThan(50);
    const { history, items, usage, tasks, openItems, requests, inputs, isClosed } = await replayed(
      log.bytes(session.id),
    );
    expect({ history, items, usage, tasks, openItems, requests, inputs, isClosed }).toEqual({
      history: session.entries(),
      items: session.history(),
      usage: session.usage,
      tasks: new Map(),
      openItems: new Map(),
      requests: new Map(),
      inputs: new Map(),
      isClosed: true,
    });
  });

  it('while sub-sessions work, and the history is made short', async () => {
    const helper = defineTask({
      input: z.string(),
      work: async (input, ports) => {
        const [one, other] = await Promise.all([ports.delegate({ input }), ports.delegate({ input })]);
        return { statuses: [one.status, other.status] };
      },
    });
    const script: Script = {
      lanes: {
        root: [{ say: 'one' }, { say: 'two' }],
        below: [{ call: plan }, { call: plan }, { say: 'a' }, { say: 'b' }],
        summary: [{ say: 'In short.' }],
      },
      pick: ({ history }) => {
        const text = JSON.stringify(history);
        return text.includes('help me')
          ? 'below'
          : text.includes('first') && text.includes('ummar')
            ? 'summary'
            : 'root';
      },
    };
    const { session, log, follower } = shadowed(script, { tasks: { helper } });
    await session.run('first').outcome;
    await session.start('helper', 'help me').outcome;
    await session.compact().outcome;
    await session.run('second').outcome;
    await session.close();
    expect(follower.difference()).toBeNull();
    const { history, items, usage } = await replayed(log.bytes(session.id));
    expect({ history, items, usage }).toEqual({
      history: session.entries(),
      items: session.history(),
      usage: session.usage,
    });
  });
});
