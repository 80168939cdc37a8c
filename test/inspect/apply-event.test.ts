import { describe, expect, it } from 'vitest';
import { recordedWaiting } from '../../src/inspect/recorded-waiting.ts';
import { applyEvent } from '../../src/inspect/view/apply-event.ts';
import { emptyTree, type TreeView } from '../../src/inspect/view/tree-view.ts';
import type { SessionEvent } from '../../src/protocol/events.ts';
import { NO_USAGE } from '../../src/protocol/usage.ts';

const AT = Date.parse('2026-11-27T12:00:00.000Z');

/** A view of what these sessions told; each event has its session, or is of the root. */
function viewOf(told: readonly (Readonly<Record<string, unknown>> & { type: string })[]): TreeView {
  const view = emptyTree();
  for (const { sessionId = 'root', ...body } of told) {
    const path = [
      { sessionId: 'root', kind: 'root' },
      ...(sessionId === 'root' ? [] : [{ sessionId, kind: 'agent', taskId: 'regular/1' }]),
    ];
    const place = { seq: 0, epoch: 0, time: new Date(AT).toISOString(), sessionId, path };
    applyEvent(view, { ...place, ...body } as unknown as SessionEvent); // As a session tells it.
  }
  return view;
}

const started = (taskId: string, more: object = {}) => ({
  ...{ type: 'task.started', taskId, kind: 'regular', context: { model: 'm', cwd: '/work' } },
  ...more,
});
const message = (id: string) => ({ id, type: 'user_message', text: id });

describe('the view of a session', () => {
  it('has what was said last of it', () => {
    const request = { id: 'r', taskId: 'regular/1', time: '', callId: 'c' };
    const usage = { ...NO_USAGE, inputTokens: 5 };
    const view = viewOf([
      { type: 'session.opened', context: { model: 'a', cwd: '/a' } },
      { type: 'session.resumed' },
      { type: 'input.queued' },
      { type: 'usage.updated', total: usage },
      { type: 'stream.retrying', attempt: 1, of: 3, error: { message: 'reset' } },
      { type: 'warning.raised', code: 'slow', message: 'It is.' },
      { type: 'session.degraded', reason: 'disk-full' },
      { type: 'request.opened', request },
      { type: 'request.shown', request },
      { type: 'from.another.release' },
    ]);
    expect(view.sessions.get('root')).toMatchObject({
      ...{ model: 'a', cwd: '/a', queued: 1, usage, requests: [request], degraded: 'disk-full' },
      ...{ retrying: { attempt: 1, of: 3, message: 'reset' }, warning: 'slow: It is.', isClosed: false },
    });
    const later = viewOf([
      { type: 'session.opened' },
      { type: 'request.opened', request },
      { type: 'request.opened', request: { ...request, id: 's' } },
      { type: 'request.resolved', requestId: 'r' },
      { type: 'session.closed' },
    ]);
    expect(later.sessions.get('root')).toMatchObject({ model: null, requests: [], isClosed: true });
  });

  it('has the ends of its tasks, each with its reason', () => {
    const view = viewOf([
      started('regular/1'),
      started('regular/1'),
      { type: 'step.started', taskId: 'regular/1', step: 1 },
      { type: 'step.completed', taskId: 'regular/1', step: 1, calls: 2 },
      { type: 'task.aborting', taskId: 'regular/1', reason: 'interrupted' },
      { type: 'task.aborted', taskId: 'regular/1', reason: 'interrupted', receipt: { phases: [] }, usage: NO_USAGE },
      started('regular/2', { placement: 'beside' }),
      { type: 'task.failed', taskId: 'regular/2', error: { code: 'model', message: 'gone' } },
      started('regular/3'),
      { type: 'task.completed', taskId: 'regular/3', usage: { ...NO_USAGE, outputTokens: 3 } },
      { type: 'task.completed', taskId: 'of nobody' },
    ]);
    const tasks = view.sessions.get('root')?.tasks.map(({ taskId, placement, state, reason, error, step, usage }) => {
      return [taskId, placement, state, reason, error, step, usage.outputTokens];
    });
    expect(tasks).toEqual([
      ['regular/1', 'foreground', 'aborted', 'interrupted', null, { number: 1, calls: 2 }, 0],
      ['regular/2', 'beside', 'failed', null, 'model: gone', null, 0],
      ['regular/3', 'foreground', 'completed', null, null, null, 3],
    ]);
  });

  it('has its items as they were last, with what has streamed, and counts what was queued down', () => {
    const view = viewOf([
      { type: 'session.forked', items: [message('old')] },
      { type: 'input.queued' },
      { type: 'item.completed', item: { ...message('queued'), inputId: 'q' } },
      { type: 'item.completed', item: { ...message('none queued'), inputId: 'q' } },
      { type: 'item.started', taskId: 'regular/1', item: { id: 'a', type: 'agent_message', text: '' } },
      { type: 'item.delta', itemId: 'a', delta: 'Hel' },
      { type: 'item.delta', itemId: 'a', delta: 'lo' },
      { type: 'item.delta', itemId: 'of nobody', delta: 'x' },
      { type: 'item.from-another-release' },
    ]);
    const items = [...(view.conversations.get('root')?.items.values() ?? [])];
    expect(items.map(({ item, isOpen, taskId, streamed }) => [item.id, isOpen, taskId, streamed])).toEqual([
      ['old', false, null, ''],
      ['queued', false, null, ''],
      ['none queued', false, null, ''],
      ['a', true, 'regular/1', 'Hello'],
    ]);
    expect(view.sessions.get('root')?.queued).toBe(0);
  });

  it('lets go of what is too much: the oldest items, tasks, what streams, and sessions that have closed', () => {
    const many = <T>(count: number, one: (n: number) => T) => Array.from({ length: count }, (_, n) => one(n));
    const view = viewOf([
      { type: 'session.opened' },
      ...many(2_001, (n) => ({ type: 'item.completed', item: message(`m${n}`) })),
      ...many(51, (n) => started(`regular/${n}`)),
      { type: 'item.started', item: { id: 'a', type: 'agent_message', text: '' } },
      ...many(3, () => ({ type: 'item.delta', itemId: 'a', delta: 'x'.repeat(65_536) })),
      ...many(301, (n) => ({ type: 'session.closed', sessionId: `child${n}` })),
    ]);
    const conversation = view.conversations.get('root');
    expect({
      items: conversation?.items.size,
      omitted: conversation?.omitted,
      tasks: view.sessions
        .get('root')
        ?.tasks.map(({ taskId }) => taskId)
        .slice(0, 1),
      streamed: conversation?.items.get('a')?.streamed.length,
      sessions: view.sessions.size,
      first: view.sessions.has('child0'),
    }).toEqual({ items: 2_000, omitted: 2, tasks: ['regular/1'], streamed: 65_536, sessions: 301, first: false });
  });
});

describe('why a session waits, by its log', () => {
  const causes = (view: TreeView) =>
    recordedWaiting(view, 'root', AT + 1_000).map(({ cause, what, forMs }) => [cause, what, forMs]);

  it('names decisions, sub-sessions with what they wait for, and tools', () => {
    const request = { id: 'r', taskId: 'regular/1', time: new Date(AT - 5_000).toISOString(), callId: 'asked' };
    const call = (id: string, callId: string) => ({ type: 'item.started', taskId: 'regular/1', item: { id, callId } });
    const view = viewOf([
      started('regular/1'),
      { type: 'request.opened', request },
      call('i', 'asked'),
      call('j', 'runs'),
      { ...started('regular/2'), sessionId: 'child' },
      { type: 'session.closed', sessionId: 'other child' },
    ]);
    expect(causes(view)).toEqual([
      ['decision', 'r', 6_000],
      ['sub-session', 'the sub-session child', 1_000],
      ['model', 'the model m', 1_000],
      ['tool', 'the tool call runs', 1_000],
    ]);
  });

  it('names nothing where nothing runs', () => {
    expect([causes(viewOf([])), causes(viewOf([{ type: 'session.opened' }]))]).toEqual([[], []]);
    expect(causes(viewOf([started('regular/1'), { type: 'session.closed' }]))).toEqual([]);
  });
});
