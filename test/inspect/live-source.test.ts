import { afterEach, expect, it, onTestFinished } from 'vitest';
import { createSession, type Session } from '../../src/index.ts';
import { createLiveSource, type LiveSource } from '../../src/inspect/live-source.ts';
import { createPageView, type PageView } from '../../src/inspect/page-view.ts';
import type { Frame, Wish } from '../../src/inspect/view/wire.ts';
import type { Script } from '../../src/testing/script.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { nextOf } from '../session/rig.ts';

const ASKING: Script = [
  { call: [{ name: 'shell', arguments: { command: 'true', with_escalated_permissions: true, justification: 'x' } }] },
  { say: 'Done.' },
];

let replied: (() => void) | null = null;
afterEach(() => {
  replied = null;
});

function opened(script: Script, options: object = {}): { session: Session; source: LiveSource; view: PageView } {
  const source = createLiveSource({ now: Date.now, mode: 'live', title: 'test' });
  const session = createSession({
    model: scriptedModel(script),
    rollout: 'off',
    checkpoints: 'off',
    projectInstructions: false,
    inspect: source,
    ...options,
  });
  onTestFinished(() => session.close());
  return { session, source, view: createPageView(source, { inspectorUrl: null, library: [] }, () => replied?.()) };
}

/** What comes of a wish. */
async function wished(view: PageView, wish: Wish): Promise<unknown> {
  const answer = new Promise<void>((resolve) => {
    replied = resolve;
  });
  view.take({ type: 'wish', id: 7, wish });
  await answer;
  const [reply] = view.frame()?.replies ?? [];
  return reply;
}

const names = (frame: Frame | null) => frame?.actors?.map(({ path }) => path).toSorted();

it('shows what there is to who comes late, then what has changed, then nothing', async () => {
  const { session, view } = opened([{ say: 'Hello.' }]);
  await session.run('Hi.').outcome;
  const first = view.frame();
  expect([first?.isWhole, first?.hello?.title, first?.sessions?.length, names(first)]).toEqual([
    true,
    'test',
    1,
    ['root'],
  ]);
  expect(view.frame()).toBe(null);
  const started = nextOf(session, 'task.started');
  session.steer('More.');
  await started;
  const next = view.frame();
  expect([next?.isWhole, next?.sessions?.map(({ id }) => id)]).toEqual([undefined, [session.id]]);
});

it('forgets actors that have ended, and says so', async () => {
  const { session, view } = opened([{ say: 'Half', hang: true }]);
  const task = session.run('Hi.');
  await nextOf(session, 'step.started');
  expect(names(view.frame())).toContain('root/regular/foreground/work');
  await task.abort();
  expect(view.frame()?.gone?.length).toBeGreaterThan(2);
});

it('knows the states, and the transition that led to them by its name in the chart', async () => {
  const { session, source } = opened(ASKING, { onRequest: () => new Promise(() => {}) });
  session.run('Go.');
  await nextOf(session, 'request.opened');
  const call = source.actors().find(({ name }) => name === 'call/0');
  expect({ chart: call?.chart, active: call?.active, event: call?.last?.event }).toEqual({
    chart: 'tool-call',
    active: ['asking'],
    event: 'xstate.done.actor.check',
  });
  const [name = ''] = call?.last?.transitions ?? [];
  const [path, index] = name.split('#');
  const state = source.chart('tool-call')?.states.find((one) => one.path === path);
  expect(state?.transitions[Number(index)]?.targets).toEqual(['asking']);
  const lifecycle = source.actors().find(({ taskId }) => taskId !== null);
  expect([lifecycle?.path, lifecycle?.chart, lifecycle?.active]).toEqual([
    'root/regular/foreground',
    'regular',
    ['running'],
  ]);
});

it('lets a request be answered from a page, and no answer count twice', async () => {
  const { session, source, view } = opened(ASKING);
  source.listen();
  const task = session.run('Go.');
  await nextOf(session, 'request.opened');
  const [request] = view.frame()?.sessions?.[0]?.requests ?? [];
  const answer: Wish = { do: 'answer', sessionId: session.id, requestId: request?.id ?? '', decision: 'denied' };
  expect(await wished(view, answer)).toEqual({ id: 7, ok: true, value: 'accepted' });
  expect(await wished(view, answer)).toEqual({ id: 7, ok: true, value: 'already-resolved' });
  expect((await task.outcome).status).toBe('completed');
});

it('denies at once what is asked while no page is open', async () => {
  const { session, source } = opened(ASKING);
  const leave = source.listen();
  leave();
  const { status } = await session.run('Go.').outcome;
  expect([
    status,
    session.history().some((item) => item.type === 'command_execution' && item.status === 'declined'),
  ]).toEqual(['completed', true]);
});

it('stops a task with a receipt, and says why what has ended cannot be stopped', async () => {
  const { session, view } = opened([{ say: 'Half', hang: true }]);
  const task = session.run('Hi.');
  await nextOf(session, 'step.started');
  const abort: Wish = { do: 'abort', sessionId: session.id, taskId: task.id };
  expect(await wished(view, abort)).toMatchObject({ ok: true, value: { outcome: 'aborted', reason: 'interrupted' } });
  expect(await wished(view, abort)).toEqual({
    id: 7,
    ok: false,
    why: 'Expected a task of root that runs, this one has ended.',
  });
  expect(await wished(view, { do: 'interrupt', sessionId: 'nobody' })).toEqual({
    id: 7,
    ok: false,
    why: 'Expected a session that is open, nobody is not (any more).',
  });
  expect(await wished(view, { do: 'go', position: 3 })).toMatchObject({ ok: false });
});

it('gives of the conversation that is looked at what is new of each item', async () => {
  const { session, view } = opened([{ say: ['Hel', 'lo'], hang: true }]);
  view.frame();
  view.take({ type: 'look', sessionId: session.id, actorId: null, charts: ['session', 'no such'] });
  const task = session.run('Hi.');
  await nextOf(session, 'item.delta');
  const first = view.frame();
  expect([first?.conversation?.isWhole, Object.keys(first?.charts ?? {})]).toEqual([true, ['session']]);
  expect(first?.conversation?.items.map((put) => ('item' in put ? put.item.type : put.append))).toEqual([
    'user_message',
    'agent_message',
  ]);
  await task.abort();
  const last = view.frame()?.conversation?.items ?? [];
  expect(last.map((put) => ('item' in put ? [put.item.type, put.isOpen] : put.append))).toEqual(
    expect.arrayContaining([['agent_message', false]]),
  );
});

it('shows the newest when more messages come than a page can take, and says how many it left out', () => {
  const { source, view } = opened([]);
  view.frame();
  const program = source.connect();
  for (let count = 0; count < 500; count += 1)
    program.take({ type: '@xstate.event', sessionId: 'a', event: { type: `E${count}` } });
  const frame = view.frame();
  expect([frame?.messages?.length, frame?.messages?.at(-1)?.type, frame?.skipped]).toEqual([200, 'E499', 300]);
});

it('keeps sight of a program that sends what it does not understand', () => {
  const { source } = opened([]);
  const program = source.connect();
  for (const message of [
    undefined,
    null,
    'x',
    {},
    { type: '@xstate.actor' },
    { type: '@xstate.snapshot', sessionId: 'unknown' },
  ])
    program.take(message);
  program.take({ type: '@xstate.actor', sessionId: 'a', name: 'mine', definition: '{"not": json' });
  expect(source.actors().find(({ name }) => name === 'mine')).toMatchObject({ chart: null, status: 'active' });
  program.end();
  expect(source.actors().find(({ name }) => name === 'mine')?.status).toBe('stopped');
});

it('keeps the reply to a wish that takes longer than the next frame', async () => {
  const { session, view } = opened([{ say: 'Half', hang: true }]);
  session.run('Hi.');
  await nextOf(session, 'step.started');
  const answer = wished(view, { do: 'interrupt', sessionId: session.id });
  view.frame();
  expect(await answer).toMatchObject({ ok: true, value: { outcome: 'aborted' } });
});
