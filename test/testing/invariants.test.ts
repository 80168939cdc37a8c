import { expect, it } from 'vitest';
import type { SessionEvent } from '../../src/index.ts';
import { watchRun } from '../../src/testing/index.ts';

const ENVELOPE = {
  epoch: 0,
  time: '2000-01-01T00:00:00.000Z',
  sessionId: 's1',
  path: [{ sessionId: 's1', kind: 'root' }],
};
const CONTEXT = { model: 'm', cwd: '/', sandbox: 'read-only', approvalPolicy: 'never' } as const;
const USAGE = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0, totalTokens: 0 };

it('sees a task that was told to stop and ended otherwise', () => {
  const task = { ...ENVELOPE, taskId: 't1' };
  const events: SessionEvent[] = [
    { ...task, seq: 0, type: 'task.started', kind: 'regular', input: 'Do it.', context: CONTEXT },
    { ...task, seq: 1, type: 'task.aborting', reason: 'interrupted' },
    { ...task, seq: 2, type: 'task.completed', kind: 'regular', answer: null, data: null, usage: USAGE },
  ];
  const run = watchRun();
  for (const event of events) run.event(event);
  expect(run.end()).toEqual([
    {
      id: 'A4',
      promise: 'a task that is aborting is aborted, through phases in their order',
      why: 't1 was aborting, and ends with task.completed',
    },
    {
      id: 'B13',
      promise: 'an abort is told once, with one reason (unless the program ends before the task), and is the end',
      why: 't1 was aborting, and then came task.completed',
    },
  ]);
});
