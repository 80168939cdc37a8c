import { describe, expect, it } from 'vitest';
import { type AnyActorRef, fromCallback } from 'xstate';
import * as machines from '../../machines/index.ts';
import { BACKSTOP_MS } from '../../machines/lifecycle.ts';
import { defineTask, defineTool } from '../../src/index.ts';
import { createIds, systemRng } from '../../src/runtime/ids.ts';
import { sessionLogicFor } from '../../src/session/logic.ts';
import type { TaskDefinitions } from '../../src/tasks/define-task.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';
import { GRACE_MS, KILL_MS, START, stageTask } from './lifecycle-stage.ts';
import { nothing, open, quick, turns, uncaught } from './open-session.ts';
import { stored } from './puppet.ts';
import { stageSession } from './session-stage.ts';

describe('trap 1: delayed transitions are not restored', () => {
  it('so a stored task keeps its deadlines in its context, and honours them to the millisecond', () => {
    const before = stageTask();
    before.abort();
    before.clock.advance(40);
    const store = stored(before.actor, before.clock);
    const { clock, state } = stageTask(store);
    expect(clock.pending()).toEqual([60]);
    clock.advance(59);
    expect(state()).toBe('aborting');
    clock.advance(1);
    expect(state()).toEqual({ 'grace-wait': 'killing' });
  });

  it('so no chart has any', () => {
    type Node = { after: readonly unknown[]; states: Record<string, Node> };
    const delaysOf = (node: Node): unknown[] => [...node.after, ...Object.values(node.states).flatMap(delaysOf)];
    const { lifecycle, stagedWork: _, ...charts } = machines;
    const all = [lifecycle({ id: 'job', description: '' }), ...Object.values(charts)];
    expect(all.map((chart) => [chart.id, delaysOf(chart.root), Object.keys(chart.implementations.delays)])).toEqual(
      all.map(({ id }) => [id, [], []]),
    );
  });
});

describe('trap 2: finished children are kept', () => {
  it('so they are released: after 200 tasks a session is what it was after one', async () => {
    const { session, snapshot, root } = open({ tasks: { quick } });
    await session.start('quick', {}).outcome;
    const afterOne = JSON.stringify(root().getPersistedSnapshot());
    for (let count = 0; count < 199; count += 1) await session.start('quick', {}).outcome;
    expect(snapshot().children).toEqual({});
    expect(JSON.stringify(root().getPersistedSnapshot())).toBe(afterOne);
    await session.close();
  });
});

describe('trap 3: a second child of the same id orphans the first', () => {
  it('so ids are unique: of tasks that start in the same millisecond, and of all that runs in the tree', async () => {
    const clock = createSteppedClock();
    const beside = defineTask({ ...quick, placement: 'beside' });
    const { session, actors } = open({ tasks: { beside }, world: { clock, ids: createIds(clock, systemRng) } });
    const tasks = Array.from({ length: 100 }, () => session.start('beside', {}));
    await Promise.all(tasks.map(({ outcome }) => outcome));
    const ids = actors.map(({ id }) => id).filter((id) => id.startsWith('beside/'));
    expect(ids.toSorted()).toEqual(tasks.map((_task, place) => `beside/beside-${place}`).toSorted());
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(100);
    await session.close();
  });
});

describe('trap 4: what a child says as it is spawned is lost to listeners', () => {
  it('so events of the very first moment of a task arrive, after its start', async () => {
    const eager = defineTask({
      input: nothing,
      work: (_input, ports) => {
        ports.emit({ type: 'item.delta', itemId: 'i1', delta: 'At once.' });
        ports.commit({ type: 'warning.raised', code: 'eager', message: 'At once.' });
        return Promise.resolve({});
      },
    });
    const { session } = open({ tasks: { eager } });
    const seen: string[] = [];
    session.events$.subscribe(({ type }) => {
      seen.push(type);
    });
    await session.start('eager', {}).outcome;
    expect(seen).toEqual(['session.opened', 'task.started', 'item.delta', 'warning.raised', 'task.completed']);
    await session.close();
  });

  it('so a work that is done before it has started is heard', async () => {
    const work = fromCallback(({ sendBack }) => sendBack({ type: 'work.done', at: 1, answer: 'At once.' }));
    const { session } = open({ tasks: { instant: defineTask({ input: nothing, work }) } });
    expect(await session.start('instant', {}).outcome).toMatchObject({ status: 'completed', answer: 'At once.' });
    await session.close();
  });
});

describe('trap 5: references to a parent are not restored', () => {
  it('so what is restored reaches its parent by its place in the tree', () => {
    const before = stageSession();
    before.start('a');
    const { tasks, above, release, activity, told } = stageSession({ store: stored(before.actor, before.clock) });
    tasks.last().say({ type: 'task.acknowledged', taskId: 'a', at: 5 });
    tasks.last().finish({ taskId: 'a', kind: 'job', at: 9, end: 'completed', answer: null, data: null });
    expect(above.map(({ type }) => type)).toEqual(['session.acknowledged', 'session.task-ended']);
    release('a');
    expect([activity(), told]).toEqual(['idle', ['end a completed']]);
  });
});

describe('trap 6: an error of a child ends the process', () => {
  it.each([
    [
      'as it starts',
      fromCallback(() => {
        throw new Error('It broke.');
      }),
    ],
    [
      'when it hears something',
      fromCallback(({ receive }) =>
        receive(() => {
          throw new Error('It broke.');
        }),
      ),
    ],
  ])('so a task whose work throws %s has failed, and the session lives', async (_, work) => {
    const lost = uncaught();
    const { session } = open({ tasks: { broken: defineTask({ input: nothing, work }), quick } });
    const task = session.start('broken', {});
    task.cancel();
    expect(await task.outcome).toMatchObject({ status: 'failed', error: { code: 'internal', message: 'It broke.' } });
    expect((await session.start('quick', {}).outcome).status).toBe('completed');
    await session.close();
    await turns();
    expect(lost).toEqual([]);
  });
});

describe('traps 7, 9 and 10: what is live does not survive JSON', () => {
  it('so a session with tools, requests and a sub-session is JSON at any moment, and can be stored twice', async () => {
    const wrong: unknown[] = [];
    const sources = new Set<unknown>();
    let moments = 0;
    const look = defineTool({
      name: 'look',
      description: 'Looks.',
      input: nothing,
      parallel: true,
      execute: () => 'Seen.',
    });
    const subject = { kind: 'question', questions: [{ id: 'q', question: 'Shall I?' }] } as const;
    const ask = defineTool({
      name: 'ask',
      description: 'Asks.',
      input: nothing,
      check: () => ({ verdict: 'ask', subject, key: 'ask' }),
      execute: () => 'Asked.',
    });
    const opener = defineTask({
      input: nothing,
      work: async (_input, ports) => ({ inner: (await ports.delegate({ input: 'Look around.' })).status }),
    });
    const { session } = open({
      tasks: { opener },
      tools: [look, ask],
      onRequest: () => ({ decision: 'denied', message: 'No.' }),
      script: [
        {
          say: ['Look', 'ing.'],
          call: [
            { name: 'look', arguments: {} },
            { name: 'look', arguments: {} },
            { name: 'ask', arguments: {} },
          ],
        },
        { say: 'Done.' },
      ],
      watch(root, { type }) {
        if (type !== '@xstate.snapshot') return;
        moments += 1;
        const first = root.getPersistedSnapshot();
        const json = JSON.parse(JSON.stringify(first));
        for (const source of sourcesIn(json)) sources.add(source);
        try {
          expect(json).toEqual(first);
          expect(JSON.parse(JSON.stringify(root.getPersistedSnapshot()))).toEqual(json);
        } catch (error) {
          wrong.push(error);
        }
      },
    });
    const outcome = await session.start('opener', {}).outcome;
    await session.close();
    expect(outcome).toMatchObject({ status: 'completed', inner: 'completed' });
    expect(wrong).toEqual([]);
    expect(moments).toBeGreaterThan(50);
    expect([...sources].toSorted()).toEqual([
      'ask',
      'body',
      'check',
      'delegate',
      'execute',
      'opener',
      'regular',
      'relay',
      'sample',
      'session',
      'timer',
      'toolCall',
      'work',
    ]);
  });
});

/** The names of the logic of all children in a stored actor; what has no name cannot be restored. */
function sourcesIn(snapshot: unknown): unknown[] {
  if (typeof snapshot !== 'object' || snapshot === null || !('children' in snapshot)) return [];
  return Object.values(snapshot.children ?? {}).flatMap((child: { src?: unknown; snapshot?: unknown }) => [
    child.src,
    ...sourcesIn(child.snapshot),
  ]);
}

describe('trap 8: a state that an old snapshot names may be gone', () => {
  it.skip('does not apply yet: no snapshot outlives its version', () => {});
});

describe('trap 11: a simulated clock that jumps fires a chain of timers once', () => {
  it('so ours goes from deadline to deadline: one long step is many short ones', () => {
    const task = stageTask();
    task.abort();
    task.clock.advance(3_600_000);
    expect(task.end()).toMatchObject({
      at: START + GRACE_MS + KILL_MS + BACKSTOP_MS,
      phases: [
        { phase: 'aborting', ms: GRACE_MS },
        { phase: 'killing', ms: KILL_MS + BACKSTOP_MS },
        { phase: 'cleanup', ms: 0 },
      ],
    });
  });
});

describe('trap 12: provide() is dear', () => {
  it('so the logic of a session is made once for the same kinds', () => {
    const tasks: TaskDefinitions = { quick };
    const kinds = new Map(Object.entries(tasks));
    expect(sessionLogicFor(kinds)).toBe(sessionLogicFor(kinds));
    expect(sessionLogicFor(new Map(kinds))).not.toBe(sessionLogicFor(kinds));
  });

  it.each([
    ['the built-in kinds', undefined],
    ['kinds of the caller', { quick }],
  ])('so 100 sessions with %s share their logic, down to that of their tasks', async (_, tasks) => {
    const logics = new Set<unknown>();
    for (let count = 0; count < 100; count += 1) {
      const { session, root } = open({ script: [{ say: 'Done.' }], ...(tasks === undefined ? {} : { tasks }) });
      logics.add(logicOf(root()));
      await session.close();
    }
    expect(logics.size).toBe(1);
  });
});

function logicOf(actor: AnyActorRef): unknown {
  return 'logic' in actor ? actor.logic : null;
}
