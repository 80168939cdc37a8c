import { expect, it } from 'vitest';
import { inOrder } from '../../src/cli/recording.ts';
import type { SessionEvent } from '../../src/index.ts';
import { machineCharts } from '../../src/inspect/machine-charts.ts';
import { createRecordedSource } from '../../src/inspect/recorded-source.ts';
import type { Script } from '../../src/testing/script.ts';
import { nextOf, rig } from '../session/rig.ts';

const ASKING: Script = [
  { call: [{ name: 'shell', arguments: { command: 'true', with_escalated_permissions: true, justification: 'x' } }] },
  { say: 'Nothing is wrong.' },
];

/** What a session with a reviewer told that asks and is answered, committed events only. */
async function recorded(): Promise<{ sessionId: string; told: readonly SessionEvent[] }> {
  const { session, events } = rig({ script: ASKING, onRequest: () => 'denied' });
  await session.review({ type: 'custom', instructions: 'Look.' }).outcome;
  await session.close();
  return { sessionId: session.id, told: events.filter(({ seq }) => seq !== null) };
}

const sourceOf = (sessionId: string, events: readonly SessionEvent[], forks: unknown[] = []) =>
  createRecordedSource(
    { sessionId, title: 'then', events, notes: [] },
    {
      charts: machineCharts(),
      async fork(...point) {
        forks.push(point);
        return 'a new one';
      },
    },
  );

it('begins at the end, and marks the moments worth going to', async () => {
  const { sessionId, told } = await recorded();
  const source = sourceOf(sessionId, told);
  expect(source.position()).toBe(told.length);
  expect(source.hello().recording?.marks.map(({ what }) => what)).toEqual([
    'message',
    'request',
    'decision',
    'end',
    'end',
  ]);
});

it('shows at each position what a program showed that came so far', async () => {
  const { sessionId, told } = await recorded();
  const source = sourceOf(sessionId, told);
  const request = told.findIndex(({ type }) => type === 'request.opened') + 1;
  await source.fulfil({ do: 'go', position: request });
  const [root, child] = [...source.tree.sessions.values()];
  expect([root?.tasks.map(({ state }) => state), child?.requests.length, child?.path.map(({ kind }) => kind)]).toEqual([
    ['running'],
    1,
    ['root', 'review'],
  ]);
  expect(source.actors().map(({ path, chart, active }) => [path, chart, active.at(-1)])).toEqual([
    ['root', 'session', 'attention.awaiting-decision'],
    ['root/review', 'review', 'running'],
    ['root/review', 'session', 'attention.awaiting-decision'],
    ['root/review/regular', 'regular', 'running'],
    ['root/review/regular/work', 'regular-work', 'calling'],
  ]);
  expect(source.why(sessionId).map(({ cause }) => cause)).toEqual(['sub-session', 'decision']);
  await source.fulfil({ do: 'go', position: request + 1 });
  expect([...source.tree.sessions.values()].flatMap(({ requests }) => requests)).toEqual([]);
});

it('is the same at a position, whichever way it was gone to', async () => {
  const { sessionId, told } = await recorded();
  const source = sourceOf(sessionId, told);
  const viewAt = async (position: number) => {
    await source.fulfil({ do: 'go', position });
    const { tree, messages } = source;
    return JSON.stringify([
      [...tree.sessions],
      [...tree.conversations].map(([id, one]) => [id, [...one.items]]),
      messages.since(0, 999),
    ]);
  };
  await source.fulfil({ do: 'go', position: 0 });
  const forward: string[] = [];
  for (let position = 0; position <= told.length; position += 1) forward.push(await viewAt(position));
  for (let position = told.length; position >= 0; position -= 1) expect(await viewAt(position)).toBe(forward[position]);
  expect(await viewAt(-5)).toBe(forward[0]);
  expect(await viewAt(1e9)).toBe(forward.at(-1));
});

it('forks from where it stands, and says why where nothing was said yet', async () => {
  const { sessionId, told } = await recorded();
  const forks: unknown[] = [];
  const source = sourceOf(sessionId, told, forks);
  await source.fulfil({ do: 'go', position: 1 });
  await expect(source.fulfil({ do: 'fork', sessionId })).rejects.toThrow('nothing was. Go on a little');
  const last = told.findLast((event) => event.type === 'item.completed' && event.sessionId === sessionId);
  await source.fulfil({ do: 'go', position: told.length });
  expect(await source.fulfil({ do: 'fork', sessionId })).toBe('a new one');
  expect(forks).toEqual([[sessionId, last?.type === 'item.completed' ? last.item.id : null]]);
});

it('runs, asks and changes nothing', async () => {
  const { sessionId, told } = await recorded();
  const source = sourceOf(sessionId, told);
  await expect(source.fulfil({ do: 'interrupt', sessionId })).rejects.toThrow('this is a recording');
});

it('puts logs in one row: what was told below in the same ms comes first', () => {
  const event = (sessionId: string, type: string, time: string, more: object = {}) =>
    ({ sessionId, type, time, ...more }) as unknown as SessionEvent; // As much of one as counts here.
  const own = [
    event('a', 'task.started', 'T1'),
    event('a', 'child.opened', 'T2', { childId: 'b' }),
    event('a', 'child.opened', 'T2', { childId: 'c' }),
    event('a', 'task.completed', 'T5'),
  ];
  const children = new Map([
    ['b', [event('b', 'session.opened', 'T2'), event('b', 'task.completed', 'T5')]],
    ['c', [event('c', 'session.opened', 'T2'), event('c', 'session.closed', 'T4'), event('c', 'late', 'T9')]],
  ]);
  expect(inOrder(own, children).map(({ sessionId, type }) => `${sessionId} ${type}`)).toEqual([
    'a task.started',
    'a child.opened',
    'b session.opened',
    'a child.opened',
    'c session.opened',
    'c session.closed',
    'b task.completed',
    'a task.completed',
    'c late',
  ]);
});

it('shows a task whose end is not in the log as one that runs', async () => {
  const { session, events } = rig({ script: [{ say: 'One.' }, { say: 'Half', hang: true }] });
  await session.run('Hi.').outcome;
  session.run('More.');
  await nextOf(session, 'step.started');
  const source = sourceOf(
    session.id,
    events.filter(({ seq }) => seq !== null),
  );
  const [root] = source.tree.sessions.values();
  expect(root?.tasks.map(({ state }) => state)).toEqual(['completed', 'running']);
  await session.close();
});
