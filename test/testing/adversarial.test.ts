import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createSession, defineTask } from '../../src/index.ts';
import { adversarialChildren, adversarialTools, scriptedModel } from '../../src/testing/index.ts';

const limits = { graceMs: 100, killMs: 100 };

/** Has a sub-session run the child, and gives how it ended. */
const opener = defineTask({
  input: z.object({}),
  work: async (_input, ports) => ({ inner: (await ports.delegate({ kind: 'child', input: {} })).status }),
});

/** Those that never end by themselves are aborted once they run; all others are let. */
const ENDLESS = ['never settles', 'ignores an abort', 'asks after an abort'];

describe('whatever a sub-session does, its parent has one terminal, the session closes, and its events are its own', () => {
  it.each(Object.entries(adversarialChildren))('one that %s', async (name, child) => {
    const session = createSession({
      model: scriptedModel([]),
      rollout: 'off',
      checkpoints: 'off',
      limits,
      tasks: { opener, child },
      onRequest: () => ({ decision: 'answered', answers: {} }),
    });
    const terminals: string[] = [];
    const foreign: unknown[] = [];
    session.events$.subscribe((event) => {
      if (event.path.length === 1 && event.type.startsWith('task.') && event.type !== 'task.started')
        terminals.push(event.type);
      if (event.sessionId !== event.path.at(-1)?.sessionId || event.path[0]?.sessionId !== session.id)
        foreign.push(event);
      if (event.type === 'task.started' && event.path.length === 2 && ENDLESS.includes(name)) void task.abort();
    });
    const task = session.start('opener', {});
    const outcome = await task.outcome;
    await session.close();
    const ended = ENDLESS.includes(name) ? ['task.aborting', 'task.aborted'] : ['task.completed'];
    expect([terminals, foreign, session.children(), session.pending()]).toEqual([ended, [], [], []]);
    if (outcome.status === 'completed') expect(['completed', 'failed']).toContain(outcome.inner);
  });
});

describe('whatever a tool does, its call has one output, and the task ends', () => {
  it.each(Object.entries(adversarialTools))('one that %s', async (name, tool) => {
    const model = scriptedModel([{ call: { name: tool.name, arguments: {} } }, { say: 'Done.' }]);
    const session = createSession({
      model,
      rollout: 'off',
      checkpoints: 'off',
      limits,
      tools: [tool],
      onRequest: () => ({ decision: 'answered', answers: {} }),
    });
    const isEndless = ENDLESS.includes(name);
    session.events$.subscribe(({ type }) => {
      if (type === 'item.started' && isEndless) void task.abort();
    });
    const task = session.run('Call it.');
    const outcome = await task.outcome;
    const outputs = session.entries().filter(({ type }) => type === 'output');
    await session.close();
    expect([outcome.status, outputs.length]).toEqual([isEndless ? 'aborted' : 'completed', 1]);
  });
});
