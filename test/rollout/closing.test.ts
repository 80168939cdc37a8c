import { describe, expect, it } from 'vitest';
import type { HistoryEntry } from '../../src/protocol/history.ts';
import type { Item } from '../../src/protocol/items.ts';
import { NOT_RUNNING } from '../../src/protocol/outcomes.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';
import { closingOf } from '../../src/rollout/closing.ts';
import { emptyState, type OpenTask, type ReplayedState } from '../../src/rollout/replay.ts';

const TASK: OpenTask = {
  taskId: 't1',
  kind: 'regular',
  startedAtMs: 0,
  isBeside: false,
  hasSpoken: false,
  isMarked: false,
  usage: NO_USAGE,
};
const call = (callId: string, more: object = {}): HistoryEntry => ({
  type: 'call',
  callId,
  name: 'shell',
  arguments: '{}',
  ...more,
});
const command = (id: string, callId: string): Item => ({
  id,
  type: 'command_execution',
  callId,
  command: 'ls',
  cwd: '/',
  exitCode: null,
  output: '',
  status: 'in_progress',
});

type Left = Readonly<{
  tasks?: readonly Partial<OpenTask>[];
  items?: readonly (readonly [Item, string | null])[];
  history?: readonly HistoryEntry[];
}>;

/** What a log has left open. */
function left({ tasks = [], items = [], history = [] }: Left): ReplayedState {
  const state = { ...emptyState(), history: [...history] };
  for (const more of tasks) {
    const task = { ...TASK, ...more };
    state.tasks.set(task.taskId, task);
  }
  for (const [item, taskId] of items) state.openItems.set(item.id, { item, taskId });
  return state;
}

function ids(): () => string {
  let last = 0;
  return () => `new-${++last}`;
}

const aborted = (reason: 'crashed' | 'interrupted', taskId = 't1') => ({
  body: {
    type: 'task.aborted',
    kind: 'regular',
    reason,
    receipt: { ...NOT_RUNNING, outcome: 'aborted', reason },
    usage: NO_USAGE,
  },
  taskId,
});
const completed = (item: Item) => ({ type: 'item.completed', item });

const NOT_RUN = 'The call was not run: the program ended before it began.';
const UNKNOWN =
  'It is not known whether this call has had an effect: the program ended while it ran. Look before you repeat it.';

it('closes nothing when nothing is open', () => {
  expect(closingOf(emptyState(), ids())).toEqual([]);
});

describe('a request', () => {
  it.each(['crashed', 'interrupted'] as const)('is withdrawn when the session was %s', (reason) => {
    const state = left({});
    const request = { id: 'r1' } as never; // Nothing but its id is read.
    state.requests.set('r1', { request, taskId: 't1' });
    state.requests.set('r2', { request, taskId: null });
    const withdrawn = (requestId: string) => ({
      type: 'request.resolved',
      requestId,
      resolution: { how: 'withdrawn', why: reason },
    });
    expect(closingOf(state, ids(), reason)).toEqual([
      { body: withdrawn('r1'), taskId: 't1' },
      { body: withdrawn('r2') },
    ]);
  });
});

describe('a call without an output', () => {
  it('that never began is said not to have run, as one of the foreground task', () => {
    const state = left({ tasks: [{ taskId: 't0', isBeside: true }, {}], history: [call('c1')] });
    const item: Item = {
      id: 'new-1',
      type: 'tool_call',
      callId: 'c1',
      name: 'shell',
      arguments: '{}',
      output: NOT_RUN,
      status: 'aborted',
      partial: true,
    };
    expect(closingOf(state, ids())).toEqual([
      { body: completed(item), taskId: 't1', append: [{ type: 'output', callId: 'c1', output: NOT_RUN }] },
      aborted('crashed', 't0'),
      aborted('crashed'),
    ]);
  });

  it('that had begun is said not to be known, and gets its item closed once; outputs come in the order of the calls', () => {
    const state = left({
      items: [
        [command('i2', 'c2'), 't1'],
        [command('i1', 'c1'), 't1'],
      ],
      history: [call('c0'), { type: 'output', callId: 'c0', output: 'done' }, call('c1'), call('c2', { custom: true })],
    });
    const closed = (item: Item): Item => ({ ...item, status: 'aborted', partial: true }) as Item; // As it began.
    expect(closingOf(state, ids())).toEqual([
      {
        body: completed(closed(command('i1', 'c1'))),
        taskId: 't1',
        append: [{ type: 'output', callId: 'c1', output: UNKNOWN }],
      },
      {
        body: completed(closed(command('i2', 'c2'))),
        taskId: 't1',
        append: [{ type: 'output', callId: 'c2', output: UNKNOWN, custom: true }],
      },
    ]);
  });

  it('belongs to no task when none runs', () => {
    expect(closingOf(left({ history: [call('c1')] }), ids()).map(({ taskId }) => taskId)).toEqual([undefined]);
  });
});

describe('an item', () => {
  const message = (text: string): Item => ({ id: 'i1', type: 'agent_message', text });

  it('of what was being said keeps what was said so far, also for the model', () => {
    const append = [{ type: 'message', role: 'assistant', text: 'So fa', partial: true }];
    expect([
      closingOf(left({ items: [[message('So fa'), 't1']] }), ids()),
      closingOf(left({ items: [[message(''), 't1']] }), ids()),
    ]).toEqual([
      [{ body: completed({ ...message('So fa'), partial: true }), taskId: 't1', append }],
      [{ body: completed({ ...message(''), partial: true }), taskId: 't1' }],
    ]);
  });

  it('of a review is interrupted, and the model is told', () => {
    const review: Item = { id: 'i1', type: 'review', target: {}, hint: 'my changes', status: 'in_progress' };
    const text =
      '<review_of_changes>\nThe user had this reviewed: my changes. The review was interrupted; there are no findings.\n</review_of_changes>';
    expect(closingOf(left({ items: [[review, null]] }), ids())).toEqual([
      {
        body: completed({ ...review, status: 'interrupted', partial: true }),
        append: [{ type: 'message', role: 'user', content: [{ type: 'text', text }] }],
      },
    ]);
  });

  it.each<Item>([
    { id: 'i1', type: 'reasoning', text: 'Hm' },
    { id: 'i1', type: 'user_message', text: 'Do', content: [] },
    { id: 'i1', type: 'interruption', reason: 'crashed', text: 'x' },
    { id: 'i1', type: 'error', code: 'internal', message: 'x' },
  ])('that has no status is only partial: $type', (item) => {
    expect(closingOf(left({ items: [[item, 't1']] }), ids())).toEqual([
      { body: completed({ ...item, partial: true }), taskId: 't1' },
    ]);
  });

  it('that does something is aborted', () => {
    const compaction: Item = { id: 'i1', type: 'compaction', status: 'in_progress' };
    expect(closingOf(left({ items: [[compaction, 't1']] }), ids())).toEqual([
      { body: completed({ ...compaction, status: 'aborted', partial: true }), taskId: 't1' },
    ]);
  });
});

describe('a task', () => {
  it('that has spoken leaves the model a word that it was cut off, once', () => {
    const text =
      'The task was stopped (interrupted) before it had finished. Commands and tools may have been executed in part; look before you repeat anything.';
    const marker = {
      body: completed({ id: 'new-1', type: 'interruption', reason: 'interrupted', text }),
      taskId: 't1',
      append: [
        {
          type: 'message',
          role: 'user',
          content: [{ type: 'text', text: `<turn_aborted>\n${text}\n</turn_aborted>` }],
        },
      ],
    };
    expect(closingOf(left({ tasks: [{ hasSpoken: true }] }), ids(), 'interrupted')).toEqual([
      marker,
      aborted('interrupted'),
    ]);
  });

  it.each<[string, Partial<OpenTask>]>([
    ['that has said nothing', {}],
    ['that was told already', { hasSpoken: true, isMarked: true }],
    ['that ran beside', { hasSpoken: true, isBeside: true }],
  ])('%s is only aborted', (_, task) => {
    expect(closingOf(left({ tasks: [task] }), ids())).toEqual([aborted('crashed')]);
  });
});
