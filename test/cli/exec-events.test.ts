import { describe, expect, it } from 'vitest';
import { createExecEvents, type ThreadEvent } from '../../src/cli/exec-events.ts';
import { DEFAULT_LIMITS } from '../../src/limits.ts';
import type { EventBody, SessionEvent } from '../../src/protocol/events.ts';
import type { Item } from '../../src/protocol/items.ts';
import { NOT_RUNNING } from '../../src/protocol/outcomes.ts';

const ROOT = { sessionId: 'S', kind: 'root' };
const usage = { inputTokens: 5, cachedInputTokens: 4, outputTokens: 3, reasoningTokens: 2, totalTokens: 8 };

/** What a program reads of these events. */
function told(...bodies: readonly (EventBody & { path?: SessionEvent['path'] })[]): ThreadEvent[] {
  const eventsOf = createExecEvents('/work');
  return bodies.flatMap((body) =>
    // The envelope of each of the two halves of the union fits both.
    eventsOf({ seq: 1, epoch: 0, time: '', sessionId: 'S', path: [ROOT], ...body } as SessionEvent),
  );
}

const begun = (item: Item): EventBody => ({ type: 'item.started', item });
const done = (item: Item): EventBody => ({ type: 'item.completed', item });
const COMPLETED: EventBody = { type: 'task.completed', kind: 'regular', answer: null, data: null, usage };
const TURN_COMPLETED: ThreadEvent = {
  type: 'turn.completed',
  usage: { input_tokens: 5, cached_input_tokens: 4, output_tokens: 3, reasoning_output_tokens: 2 },
};

describe('a turn', () => {
  it('begins with the thread, and ends with what it cost', () => {
    const context = { model: 'm', cwd: '/work', sandbox: 'read-only', approvalPolicy: 'never' } as const;
    expect(
      told(
        { type: 'session.opened', kind: 'root', limits: DEFAULT_LIMITS, instructions: null },
        { type: 'task.started', kind: 'regular', input: 'Go', context },
        { type: 'step.started', step: 1 },
        done({ id: 'u', type: 'user_message', text: 'Go', content: [] }),
        begun({ id: 'r', type: 'reasoning', text: '' }),
        { type: 'item.delta', itemId: 'r', delta: 'Hm' },
        done({ id: 'r', type: 'reasoning', text: 'Hm.' }),
        begun({ id: 'm', type: 'agent_message', text: '' }),
        done({ id: 'm', type: 'agent_message', text: 'Done.' }),
        { type: 'usage.updated', usage, total: usage },
        COMPLETED,
        { type: 'session.closed' },
      ),
    ).toEqual([
      { type: 'thread.started', thread_id: 'S' },
      { type: 'turn.started' },
      { type: 'item.completed', item: { id: 'r', type: 'reasoning', text: 'Hm.' } },
      { type: 'item.completed', item: { id: 'm', type: 'agent_message', text: 'Done.' } },
      TURN_COMPLETED,
    ]);
  });

  it('of a session that is opened again has nothing of what was closed before it', () => {
    const context = { model: 'm', cwd: '/work', sandbox: 'read-only', approvalPolicy: 'never' } as const;
    expect(
      told(
        { type: 'session.resumed', damage: [] },
        done({ id: 'old', type: 'agent_message', text: 'Half', partial: true }),
        { type: 'task.aborted', kind: 'regular', reason: 'crashed', receipt: NOT_RUNNING, usage },
        { type: 'session.degraded', reason: 'no disk' },
        { type: 'task.started', kind: 'regular', input: 'Go', context },
        done({ id: 'm', type: 'agent_message', text: 'Done.' }),
        COMPLETED,
      ),
    ).toEqual([
      { type: 'thread.started', thread_id: 'S' },
      {
        type: 'item.completed',
        item: { id: 'error_1', type: 'error', message: 'The session goes on, but is not logged safely: no disk' },
      },
      { type: 'turn.started' },
      { type: 'item.completed', item: { id: 'm', type: 'agent_message', text: 'Done.' } },
      TURN_COMPLETED,
    ]);
  });

  it('that failed ends with why', () => {
    const error = { code: 'unauthorized', message: 'No such key.', retryable: false } as const;
    expect(told({ type: 'task.failed', kind: 'regular', error, usage })).toEqual([
      { type: 'turn.failed', error: { message: 'No such key. (unauthorized)' } },
    ]);
  });

  it('that was stopped ends with why, and what that did', () => {
    const receipt = { ...NOT_RUNNING, outcome: 'aborted', processes: { killed: 2, survivors: 0 } } as const;
    expect(told({ type: 'task.aborted', kind: 'regular', reason: 'interrupted', receipt, usage })).toEqual([
      {
        type: 'turn.failed',
        error: { message: 'The task was stopped: it was interrupted (processes: 2 killed, 0 still alive).' },
      },
    ]);
  });

  it('has nothing of what sub-sessions do', () => {
    const path = [ROOT, { sessionId: 'T', kind: 'review' }];
    expect(told({ ...done({ id: 'm', type: 'agent_message', text: 'x' }), path }, { ...COMPLETED, path })).toEqual([]);
  });

  it('tells of retries as errors, and of warnings as items', () => {
    const error = { code: 'stream-cut', message: 'It broke.', retryable: true } as const;
    expect(
      told(
        { type: 'stream.retrying', attempt: 1, of: 4, delayMs: 200, error },
        { type: 'warning.raised', code: 'odd', message: 'Odd.' },
        { type: 'session.degraded', reason: 'the disk is full' },
        done({ id: 'e', type: 'error', code: 'tool-error', message: 'Broken.' }),
      ),
    ).toEqual([
      { type: 'error', message: 'The model is asked again in 200 ms (1 of 4): It broke.' },
      { type: 'item.completed', item: { id: 'error_1', type: 'error', message: 'Odd.' } },
      {
        type: 'item.completed',
        item: {
          id: 'error_2',
          type: 'error',
          message: 'The session goes on, but is not logged safely: the disk is full',
        },
      },
      { type: 'item.completed', item: { id: 'e', type: 'error', message: 'Broken. (tool-error)' } },
    ]);
  });
});

describe('a command', () => {
  const command = { id: 'c', type: 'command_execution', callId: 'call', command: 'ls', cwd: '/work' } as const;

  it('is told when it starts and when it ends', () => {
    expect(
      told(
        begun({ ...command, exitCode: null, output: '', status: 'in_progress' }),
        done({ ...command, exitCode: 0, output: 'a\n', status: 'completed' }),
      ),
    ).toEqual([
      {
        type: 'item.started',
        item: { id: 'c', type: 'command_execution', command: 'ls', aggregated_output: '', status: 'in_progress' },
      },
      {
        type: 'item.completed',
        item: {
          id: 'c',
          type: 'command_execution',
          command: 'ls',
          aggregated_output: 'a\n',
          exit_code: 0,
          status: 'completed',
        },
      },
    ]);
  });

  it.each([
    ['failed', 3, { exit_code: 3, status: 'failed' }],
    ['aborted', 143, { exit_code: 143, status: 'failed' }],
    ['declined', null, { status: 'declined' }],
  ] as const)('that %s says so', (status, exitCode, shown) => {
    expect(told(done({ ...command, exitCode, output: 'o', status }))).toEqual([
      {
        type: 'item.completed',
        item: { id: 'c', type: 'command_execution', command: 'ls', aggregated_output: 'o', ...shown },
      },
    ]);
  });
});

describe('a patch', () => {
  const patch = { id: 'p', type: 'file_change', callId: 'call' } as const;

  it('is told when it is done, with whole paths, and a move as two changes', () => {
    const changes = [
      { path: 'a.ts', kind: 'add' },
      { path: '/else/b.ts', kind: 'delete' },
      { path: 'c.ts', kind: 'update', movedTo: 'd/e.ts', diff: '' },
      { path: '../f.ts', kind: 'update' },
    ] as const;
    expect(
      told(begun({ ...patch, changes, status: 'in_progress' }), done({ ...patch, changes, status: 'completed' })),
    ).toEqual([
      {
        type: 'item.completed',
        item: {
          id: 'p',
          type: 'file_change',
          changes: [
            { path: '/work/a.ts', kind: 'add' },
            { path: '/else/b.ts', kind: 'delete' },
            { path: '/work/c.ts', kind: 'delete' },
            { path: '/work/d/e.ts', kind: 'add' },
            { path: '/f.ts', kind: 'update' },
          ],
          status: 'completed',
        },
      },
    ]);
  });

  it.each(['failed', 'declined', 'aborted'] as const)('that %s is one that failed', (status) => {
    expect(told(done({ ...patch, changes: [], status }))).toEqual([
      { type: 'item.completed', item: { id: 'p', type: 'file_change', changes: [], status: 'failed' } },
    ]);
  });
});

describe('another tool', () => {
  it('of our own goes by the server "troupe"', () => {
    const tool = { id: 't', type: 'tool_call', callId: 'call', name: 'lookup', arguments: { key: 1 } } as const;
    const shown = { id: 't', type: 'mcp_tool_call', server: 'troupe', tool: 'lookup', arguments: { key: 1 } } as const;
    expect(
      told(
        begun({ ...tool, output: '', status: 'in_progress' }),
        done({ ...tool, output: 'one', status: 'completed' }),
        done({ ...tool, output: 'none', status: 'declined' }),
      ),
    ).toEqual([
      { type: 'item.started', item: { ...shown, status: 'in_progress' } },
      {
        type: 'item.completed',
        item: {
          ...shown,
          result: { content: [{ type: 'text', text: 'one' }], structured_content: null },
          status: 'completed',
        },
      },
      { type: 'item.completed', item: { ...shown, error: { message: 'none' }, status: 'failed' } },
    ]);
  });

  it('of an MCP server goes by its server', () => {
    expect(
      told(
        begun({
          id: 't',
          type: 'mcp_tool_call',
          callId: 'call',
          server: 'docs',
          tool: 'find',
          arguments: {},
          output: '',
          status: 'in_progress',
        }),
      ),
    ).toEqual([
      {
        type: 'item.started',
        item: { id: 't', type: 'mcp_tool_call', server: 'docs', tool: 'find', arguments: {}, status: 'in_progress' },
      },
    ]);
  });
});

describe('the plan', () => {
  const plan = (id: string, ...statuses: readonly ('pending' | 'in_progress' | 'completed')[]) =>
    done({
      id,
      type: 'todo_list',
      callId: 'call',
      plan: statuses.map((status, at) => ({ step: `s${at}`, status })),
      status: 'completed',
    });
  const shown = (...completed: readonly boolean[]) => ({
    id: 'a',
    type: 'todo_list',
    items: completed.map((each, at) => ({ text: `s${at}`, completed: each })),
  });

  it('is one item: started with the first, updated by the next ones, completed with the turn', () => {
    expect(
      told(plan('a', 'in_progress', 'pending'), plan('b', 'completed', 'in_progress'), COMPLETED, COMPLETED),
    ).toEqual([
      { type: 'item.started', item: shown(false, false) },
      { type: 'item.updated', item: shown(true, false) },
      { type: 'item.completed', item: shown(true, false) },
      TURN_COMPLETED,
      TURN_COMPLETED,
    ]);
  });

  it('is not told where the call failed', () => {
    expect(told(done({ id: 'a', type: 'todo_list', callId: 'call', plan: [], status: 'failed' }), COMPLETED)).toEqual([
      TURN_COMPLETED,
    ]);
  });
});
