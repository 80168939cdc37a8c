import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { defineTask, defineTool } from '../../src/index.ts';
import { memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import type { Asking, Book } from '../../src/session/book.ts';
import { waitingOn } from '../../src/session/waiting.ts';
import { WAIT } from '../rollout/open-log.ts';
import { command } from './request-flood.ts';
import { nextOf, rig } from './rig.ts';

const escalated = (command: string) => ({
  name: 'shell',
  arguments: { command, with_escalated_permissions: true, justification: 'j' },
});

describe('a session', () => {
  it('waits for a decision, by its request', async () => {
    const { session } = rig({ script: [{ call: escalated('ls /root') }], onRequest: () => undefined });
    const task = session.run('go');
    await nextOf(session, 'request.opened');
    expect(session.waitingOn().map(({ cause, what }) => [cause, what])).toEqual([
      ['decision', session.pending()[0]?.id],
    ]);
    await task.abort();
    await session.close();
  });

  it('whose calls ask more than may be shown waits for their turn as well', async () => {
    const parent = defineTask({
      input: z.object({}),
      work: async (_input, ports) => ports.delegate({ kind: 'regular', input: 'go' }),
    });
    const guarded = defineTool({
      name: 'guarded',
      description: 'Asks first.',
      input: z.object({ what: z.string() }),
      parallel: true,
      check: ({ what }) => ({ verdict: 'ask', subject: command(what), key: what }),
      execute: ({ what }) => what,
    });
    const { session } = rig({
      script: [{ call: ['a', 'b'].map((what) => ({ name: 'guarded', arguments: { what } })) }],
      tools: [guarded],
      tasks: { parent },
      limits: { requestsOpenMax: 1, requestsPerMinuteMax: null },
      onRequest: () => undefined,
    });
    const task = session.start('parent', {});
    const links = () => session.waitingOn().map(({ cause, what }) => [cause, what]);
    await vi.waitUntil(() => links().length === 4, WAIT);
    const [child] = session.children();
    expect(links()).toEqual([
      ['sub-session', `the sub-session ${child?.id}`],
      ['decision', session.pending()[0]?.id],
      ['queue', expect.stringMatching(/^req_/)],
      ['queue', 'the turn of 1 request to be shown: at most 1 of a sub-session at once, and all in a minute'],
    ]);
    await task.abort();
    await session.close();
  });

  it('whose task has decided its end waits for the disk', async () => {
    const disk = Promise.withResolvers<void>();
    let isSlow = false;
    const logStore = memoryLogStore({ fault: (operation) => (operation === 'sync' && isSlow ? disk.promise : null) });
    const { session } = rig({ script: [{ say: 'Done.' }], world: { logStore } });
    const task = session.run('go');
    await nextOf(session, 'step.started');
    isSlow = true;
    await vi.waitUntil(() => session.waitingOn()[0]?.cause === 'disk', WAIT);
    expect(session.waitingOn()).toEqual([
      {
        path: session.path,
        taskId: task.id,
        cause: 'disk',
        what: 'the terminal of the task is on its way to the disk',
        forMs: expect.any(Number),
      },
    ]);
    disk.resolve();
    await task.outcome;
    await session.close();
  });

  it('waits for what was told to stop', async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const stubborn = defineTask({
      input: z.object({}),
      async work() {
        entered.resolve();
        await release.promise;
        return {};
      },
    });
    const { session } = rig({ tasks: { stubborn } });
    const task = session.start('stubborn', {});
    await entered.promise;
    const aborted = task.abort();
    await vi.waitUntil(() => session.waitingOn().some(({ cause }) => cause === 'abort'), WAIT);
    expect(session.waitingOn().map(({ cause, what }) => [cause, what])).toEqual([['abort', 'what was told to stop']]);
    release.resolve();
    await aborted;
    await session.close();
  });
});

type Chart = Readonly<{ waitsFor?: string; input?: object; children?: readonly object[]; [more: string]: unknown }>;

/** An actor as a reader of charts sees it, in a state that waits for something. */
function chart({ waitsFor, input, children = [], status = 'active', ...context }: Chart): object {
  const snapshot = {
    status,
    context: { ...context, ...(input && { input }) },
    children: Object.fromEntries(children.map((child, at) => [at, child])),
    getMeta: () => (waitsFor === undefined ? {} : { state: { waitsFor } }),
  };
  return { getSnapshot: () => snapshot };
}

/** A book with one task, whose work is this actor. */
function bookWith(task: object | null, more: object = {}): Book {
  const actor = task && chart({ foreground: { taskId: 't1', childId: '0' }, beside: [], own: [], children: [task] });
  const book = {
    id: 's1',
    path: [{ sessionId: 's1', kind: 'root' }],
    actor,
    tasks: new Map([['t1', { startedAtMs: 4 }]]),
    askings: null,
    settings: { model: { name: 'm' }, limits: { requestsOpenMax: null, requestsPerMinuteMax: 1 } },
    world: { clock: { now: () => 10 }, books: new Map() },
    ...more,
  };
  return book as unknown as Book; // What is read of a book, and no more.
}
const causesOf = (book: Book) => waitingOn(book).map(({ cause, what, forMs }) => [cause, what, forMs]);

describe('the chain of what is waited for', () => {
  it('is empty before a session has begun', () => {
    expect(causesOf(bookWith(null))).toEqual([]);
  });

  it('leaves out what has ended, and a sub-session that is not there', () => {
    const ended = chart({ waitsFor: 'tool', status: 'done' });
    const gone = chart({ waitsFor: 'work', sessionId: 's2' });
    expect([causesOf(bookWith(ended)), causesOf(bookWith(gone))]).toEqual([[], []]);
  });

  it('names neither a call nor a sub-session that has no name yet', () => {
    expect([
      causesOf(bookWith(chart({ waitsFor: 'tool' }))),
      causesOf(bookWith(chart({ waitsFor: 'sub-session', input: {} }))),
      causesOf(bookWith(chart({ waitsFor: 'tool', input: { call: { callId: 'c1' } } }))),
      causesOf(bookWith(chart({ waitsFor: 'sub-session', input: { session: { sessionId: 's2' } } }))),
    ]).toEqual([
      [['tool', 'the tool call', 6]],
      [['sub-session', 'the sub-session', 6]],
      [['tool', 'the tool call c1', 6]],
      [['sub-session', 'the sub-session s2', 6]],
    ]);
  });

  it('says it by the deepest that waits', () => {
    const below = chart({ waitsFor: 'model', children: [chart({})] });
    expect(causesOf(bookWith(chart({ waitsFor: 'work', children: [below] })))).toEqual([['model', 'the model m', 6]]);
  });

  it('is a decision that has not been asked for yet, and those that this call of this task has asked for', () => {
    const deciding = chart({ waitsFor: 'decision', input: { call: { callId: 'c1' } } });
    const asking = (id: string, more: object): [string, Asking] => [
      id,
      { isShown: true, request: { id, taskId: 't1', callId: 'c1', ...more } } as unknown as Asking, // As above.
    ];
    const askings = new Map([asking('r1', {}), asking('r2', { callId: 'c2' }), asking('r3', { taskId: 't2' })]);
    expect([causesOf(bookWith(deciding)), causesOf(bookWith(deciding, { askings }))]).toEqual([
      [['decision', '', 6]],
      [['decision', 'r1', 6]],
    ]);
  });

  it('is the turn of requests, where as many may be shown at once as are asked', () => {
    const own = ['r1', 'r2'].map((requestId, at) => ({
      requestId,
      taskId: 't1',
      askedAt: 7 + at,
      shownAt: null,
      sameAs: null,
    }));
    const actor = chart({ foreground: null, beside: [], own });
    expect(causesOf(bookWith(null, { actor }))).toEqual([
      ['disk', 'the terminal of the task is on its way to the disk', 6],
      ['queue', 'the turn of 2 requests to be shown: at most all of a sub-session at once, and 1 in a minute', 3],
    ]);
  });
});
