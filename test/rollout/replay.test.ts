import { describe, expect, it } from 'vitest';
import { NO_USAGE, type Usage } from '../../src/protocol/usage.ts';
import { emptyState, type ReplayedState, replay } from '../../src/rollout/replay.ts';

type Payload = Readonly<Record<string, unknown>> | string | null;

const time = (seq: number) => new Date(Date.UTC(2026, 10, 27, 12, 0, seq)).toISOString();
const usageOf = (totalTokens: number): Usage => ({ ...NO_USAGE, inputTokens: totalTokens, totalTokens });
const said = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'text', text }] });

/** What a log of these events says of its session. */
function stateOf(...payloads: readonly Payload[]): ReplayedState {
  const state = emptyState();
  for (const [seq, payload] of payloads.entries())
    replay(state, { seq, epoch: 0, time: time(seq), type: 'unread', payload });
  return state;
}
const started = (taskId: string, more: object = {}) => ({ type: 'task.started', taskId, kind: 'regular', ...more });
const itemStarted = (id: string, taskId?: string) => ({
  type: 'item.started',
  item: { id, type: 'agent_message' },
  taskId,
});

describe('a record', () => {
  it.each<[string, Payload]>([
    ['of nothing', null],
    ['of a text', 'session.closed'],
    ['of an object without a type', { taskId: 't1' }],
    ['of a type that is not known here', { type: 'session.painted', colour: 'red' }],
  ])('%s changes nothing but where the log ends', (_, payload) => {
    expect(stateOf(payload)).toEqual({ ...emptyState(), nextSeq: 1, openedAt: time(0), lastAt: time(0) });
  });

  it('of a task without a name changes nothing of tasks', () => {
    const { taskId: _, ...nameless } = started('t1');
    const state = stateOf(
      nameless,
      { type: 'child.opened', childId: 'c1', kind: 'agent' },
      { type: 'usage.updated', usage: usageOf(5), total: usageOf(5) },
      { type: 'task.completed', kind: 'regular', usage: usageOf(7) },
    );
    expect([state.tasks, state.children, state.usage, state.beginnings]).toEqual([new Map(), new Map(), NO_USAGE, []]);
  });
});

describe('a session', () => {
  it('is what its opening says, and keeps what a later opening leaves out', () => {
    const path = [{ sessionId: 's1', kind: 'root' }];
    const context = { model: 'm', cwd: '/', sandbox: 'read-only', approvalPolicy: 'never' };
    const first = { type: 'session.opened', kind: 'root', limits: { graceMs: 1 }, instructions: 'Be kind.' };
    const {
      sessionId,
      path: read,
      context: kept,
      instructions,
      limits,
    } = stateOf({ ...first, sessionPath: path, context }, { ...first, limits: { graceMs: 2 }, instructions: null });
    expect({ sessionId, read, kept, instructions, limits }).toEqual({
      sessionId: 's1',
      read: path,
      kept: context,
      instructions: null,
      limits: { graceMs: 2 },
    });
  });

  it('has no name when its path is empty', () => {
    const opened = { type: 'session.opened', kind: 'root', limits: {}, instructions: null, sessionPath: [] };
    expect(stateOf(opened).sessionId).toBe(null);
  });

  it('is closed until something follows', () => {
    const closed = { type: 'session.closed' };
    expect([stateOf(closed).isClosed, stateOf(closed, { type: 'session.resumed', damage: [] }).isClosed]).toEqual([
      true,
      false,
    ]);
  });

  it('begins with what was shown before a fork', () => {
    const items = [{ id: 'i1', type: 'agent_message', text: 'Hello.' }];
    expect(stateOf({ type: 'session.forked', items }).items).toEqual(items);
  });
});

describe('a task', () => {
  it('is open from its start to its end, with what it has said and used', () => {
    const state = stateOf(
      started('t1', { isSaid: true }),
      started('t2', { placement: 'beside' }),
      {
        type: 'item.completed',
        taskId: 't1',
        item: { id: 'i1', type: 'agent_message', text: 'Hi.' },
        history: { op: 'append', entries: [said('a')] },
      },
      { type: 'usage.updated', taskId: 't1', usage: usageOf(5), total: usageOf(5) },
      started('t3'),
    );
    const open = { kind: 'regular', isBeside: false, hasSpoken: false, isMarked: false, usage: NO_USAGE };
    expect([[...state.tasks.values()], state.beginnings, state.usage]).toEqual([
      [
        { ...open, taskId: 't1', startedAtMs: Date.parse(time(0)), hasSpoken: true, usage: usageOf(5) },
        { ...open, taskId: 't2', startedAtMs: Date.parse(time(1)), isBeside: true },
        { ...open, taskId: 't3', startedAtMs: Date.parse(time(4)) },
      ],
      [
        { taskId: 't1', entries: 0, isSaid: true },
        { taskId: 't3', entries: 1, isSaid: false },
      ],
      usageOf(5),
    ]);
  });

  it.each(['task.completed', 'task.failed', 'task.aborted'])('takes along what it has left open with %s', (type) => {
    const state = stateOf(
      started('t1'),
      started('t2', { placement: 'beside' }),
      itemStarted('i1', 't1'),
      itemStarted('i2', 't2'),
      { type: 'child.opened', taskId: 't1', childId: 'c1', kind: 'agent' },
      { type: 'child.opened', taskId: 't2', childId: 'c2', kind: 'agent' },
      { type, taskId: 't1', kind: 'regular', usage: NO_USAGE },
    );
    expect([[...state.tasks.keys()], [...state.openItems.keys()], [...state.children]]).toEqual([
      ['t2'],
      ['i2'],
      [['c2', 't2']],
    ]);
  });

  it('counts at its end what was not counted on the way, and whether that is an estimate', () => {
    const onTheWay = { type: 'usage.updated', taskId: 't1', usage: usageOf(5), total: usageOf(5) };
    const end = (usage: Usage) => ({ type: 'task.completed', taskId: 't1', kind: 'regular', usage });
    expect([
      stateOf(started('t1'), onTheWay, end(usageOf(12))).usage,
      stateOf(started('t1'), onTheWay, end({ ...usageOf(12), estimated: true })).usage,
      stateOf(end(usageOf(12))).usage,
    ]).toEqual([usageOf(12), { ...usageOf(12), estimated: true }, usageOf(12)]);
  });

  it('has been told that it was cut off once that is in its log', () => {
    const interruption = { id: 'i1', type: 'interruption', reason: 'crashed', text: 'x' };
    const cut = { type: 'item.completed', item: interruption };
    expect([
      stateOf(started('t1'), { ...cut, taskId: 't1' }).tasks.get('t1')?.isMarked,
      stateOf(started('t1'), cut).tasks.get('t1')?.isMarked,
    ]).toEqual([true, false]);
  });
});

describe('what waits', () => {
  it('is an item until it completes, and a request until it is resolved', () => {
    const request = { id: 'r1', subject: { kind: 'question' } };
    const state = stateOf(
      itemStarted('i1', 't1'),
      itemStarted('i2'),
      { type: 'request.opened', request, taskId: 't1' },
      { type: 'request.opened', request: { ...request, id: 'r2' } },
      { type: 'request.resolved', requestId: 'r2', resolution: { how: 'expired' } },
      { type: 'item.completed', item: { id: 'i2', type: 'agent_message', text: '' } },
    );
    expect([[...state.openItems], [...state.requests], state.items.map(({ id }) => id)]).toEqual([
      [['i1', { item: { id: 'i1', type: 'agent_message' }, taskId: 't1' }]],
      [['r1', { request, taskId: 't1' }]],
      ['i2'],
    ]);
  });

  it('is what was said until a message takes it, or the task that it becomes starts', () => {
    const input = { text: 'more' };
    const queued = (inputId: string, more: object = {}) => ({ type: 'input.queued', inputId, input, ...more });
    const message = (inputId?: string) => ({
      type: 'item.completed',
      item: { id: `m-${inputId}`, type: 'user_message', text: 'more', content: [], ...(inputId && { inputId }) },
    });
    const all = [queued('q1'), queued('q2', { becomes: 't2' }), queued('q3', { becomes: 't3' })];
    expect([
      [...stateOf(...all).inputs],
      [...stateOf(...all, message('q1'), message()).inputs.keys()],
      [...stateOf(...all, started('t3')).inputs.keys()],
    ]).toEqual([
      [
        ['q1', { input, taskId: null }],
        ['q2', { input, taskId: 't2' }],
        ['q3', { input, taskId: 't3' }],
      ],
      ['q2', 'q3'],
      ['q1', 'q2'],
    ]);
  });
});

describe('a history', () => {
  it('grows, and forgets where tasks have begun when it is replaced', () => {
    const append = (text: string, taskId?: string) => ({
      type: 'item.completed',
      taskId,
      item: { id: text, type: 'agent_message', text },
      history: { op: 'append', entries: [said(text)] },
    });
    const replaced = {
      type: 'history.replaced',
      why: 'compaction',
      entries: 1,
      history: { op: 'replace', entries: [said('all')] },
    };
    const grown = stateOf(started('t1'), append('a', 't1'), append('b'));
    const after = stateOf(started('t1'), append('a', 't1'), replaced, started('t2'));
    expect([grown.history, grown.beginnings, after.history, after.beginnings]).toEqual([
      [said('a'), said('b')],
      [{ taskId: 't1', entries: 0, isSaid: false }],
      [said('all')],
      [{ taskId: 't2', entries: 1, isSaid: false }],
    ]);
  });
});
