import { describe, expect, it } from 'vitest';
import { createForeignActors } from '../../src/inspect/foreign-actors.ts';
import { createMessageRing, jsonOf } from '../../src/inspect/message-ring.ts';

const DOOR = JSON.stringify({
  id: 'door',
  initial: 'shut',
  states: {
    shut: { on: { OPEN: 'open', KNOCK: {} } },
    open: { on: { SHUT: 'shut', '*': 'stuck' } },
    stuck: {},
  },
});

/** The actors of a program, which has told these things, one each millisecond. */
function stage() {
  let rev = 0;
  let at = 0;
  const actors = createForeignActors('p', () => ++rev);
  const take = (message: unknown) => actors.take(message, ++at);
  const actor = (sessionId: string, more: object = {}) => take({ type: '@xstate.actor', sessionId, ...more });
  const snapshot = (sessionId: string, value: unknown, event?: string, more: object = {}) =>
    take({
      type: '@xstate.snapshot',
      sessionId,
      snapshot: { value, context: { n: 1 }, ...more },
      ...(event === undefined ? {} : { event: { type: event } }),
    });
  const seen = (sessionId: string) => actors.views().find(({ id }) => id === `p/${sessionId}`);
  return { actors, take, actor, snapshot, seen };
}

describe('the actors of another program', () => {
  it('are seen by their names, below their parents, as far as these are known', () => {
    const { actor, seen, actors } = stage();
    actor('x:0', { name: 'root', snapshot: { status: 'active', value: 'shut', context: 7 }, definition: DOOR });
    actor('x:1', { parentId: 'x:0' });
    actor('x:2', { name: 'lost', parentId: 'x:9', snapshot: { status: 'done' } });
    const told = ['x:0', 'x:1', 'x:2'].map(seen).map((one) => one && [one.path, one.parent, one.chart, one.status]);
    expect([told, seen('x:0')?.active, actors.context('p/x:0'), actors.context('p/x:9')]).toEqual([
      [
        ['root', null, 'door', 'active'],
        ['root/x:1', 'p/x:0', null, 'active'],
        ['lost', null, null, 'done'],
      ],
      ['shut'],
      7,
      undefined,
    ]);
  });

  it('take the transitions that an event and the states around it tell of', () => {
    const { actor, snapshot, seen } = stage();
    actor('x:0', { name: 'door', definition: DOOR, snapshot: { value: 'shut' } });
    const last = (value: unknown, event?: string) => {
      snapshot('x:0', value, event);
      return [seen('x:0')?.last?.event, seen('x:0')?.last?.transitions.length, seen('x:0')?.since];
    };
    expect([last('open', 'OPEN'), last('stuck', 'anything'), last('stuck'), last('stuck', 'OPEN')]).toEqual([
      ['OPEN', 1, 2],
      ['anything', 1, 3],
      ['anything', 1, 3],
      ['anything', 1, 3],
    ]);
  });

  it('need be no machines: a promise has neither states nor a context', () => {
    const { actor, take, seen } = stage();
    actor('x:0', { name: 'fetching', snapshot: { status: 'active' } });
    const taken = take({ type: '@xstate.snapshot', sessionId: 'x:0', snapshot: { status: 'done', output: 7 } });
    expect([taken, seen('x:0')?.status, seen('x:0')?.active]).toEqual([{ changed: true }, 'done', []]);
  });

  it('change nothing with what is no message of theirs, or is of an actor that nobody has told of', () => {
    const { take, snapshot, actors } = stage();
    expect([take({ type: 'else' }), take(null), snapshot('x:9', 'shut', 'OPEN'), actors.views()]).toEqual([
      { problem: expect.stringContaining('Expected a message of @statelyai/inspect') },
      { problem: expect.stringContaining('Expected a message of @statelyai/inspect') },
      { changed: false },
      [],
    ]);
  });

  it('are told of as sending, by their paths where these are known', () => {
    const { actor, take } = stage();
    actor('x:0', { name: 'root' });
    const event = { type: 'HI' };
    const sent = (sessionId: string, sourceId?: string) => take({ type: '@xstate.event', sessionId, sourceId, event });
    expect([sent('x:0'), sent('x:9', 'x:0'), sent('x:0', 'x:8')]).toEqual([
      { sent: { from: null, to: 'root', event, sessionId: null } },
      { sent: { from: 'root', to: 'x:9', event, sessionId: null } },
      { sent: { from: 'x:8', to: 'root', event, sessionId: null } },
    ]);
  });

  it('have a chart where they are machines: one for the same, another for another of the same name', () => {
    const { actor, seen, actors } = stage();
    const other = JSON.stringify({ id: 'door', initial: 'a', states: { a: {} } });
    const definitions = [DOOR, DOOR, other, '{}', 'null', '7', 'torn', '{"states":7}'];
    for (const [at, definition] of definitions.entries()) actor(`x:${at}`, { definition });
    expect([
      definitions.map((_, at) => seen(`x:${at}`)?.chart),
      actors.chart('door')?.id,
      actors.chart('none'),
    ]).toEqual([
      ['door', 'door', 'door (2)', null, null, null, null, expect.anything()].with(7, seen('x:7')?.chart ?? null),
      'door',
      null,
    ]);
  });

  it('stay to be seen when their program is gone', () => {
    const { actor, seen, actors } = stage();
    actor('x:0', {});
    actor('x:1', { snapshot: { status: 'error' } });
    actors.end();
    expect([seen('x:0')?.status, seen('x:1')?.status]).toEqual(['stopped', 'error']);
  });

  it('are as many as can be kept in sight: one that has ended goes first, then the oldest', () => {
    const { actor, actors, seen } = stage();
    for (let at = 0; at < 2_000; at += 1) actor(`x:${at}`, at === 5 ? { snapshot: { status: 'done' } } : {});
    actor('x:2000');
    const afterFirst = [seen('x:5'), seen('x:0')?.id];
    actor('x:2001');
    expect([afterFirst, seen('x:0'), actors.views().length]).toEqual([[undefined, 'p/x:0'], undefined, 2_000]);
  });
});

describe('what an event carries', () => {
  it('is shown as JSON, whatever it is', () => {
    const circle: { name: string; self?: unknown } = { name: 'c' };
    circle.self = circle;
    const actor = { sessionId: 'x:1', _parent: undefined };
    const value = {
      run: function go() {},
      big: 1n,
      symbol: Symbol('s'),
      actor,
      map: new Map([['a', 1]]),
      set: new Set([1]),
      long: 'x'.repeat(401),
      circle,
      none: null,
    };
    expect(JSON.parse(jsonOf(value))).toEqual({
      run: '(function go)',
      big: '1',
      symbol: 'Symbol(s)',
      actor: '(actor x:1)',
      map: { a: 1 },
      set: [1],
      long: `${'x'.repeat(400)}…`,
      circle: { name: 'c', self: '(above)' },
      none: null,
    });
    expect([jsonOf(undefined), jsonOf([circle, circle.name])]).toEqual([
      'undefined',
      '[{"name":"c","self":"(above)"},"c"]',
    ]);
  });

  it('is said not to be shown when it cannot be', () => {
    const failing = (thrown: unknown) => ({
      get bad() {
        throw thrown;
      },
    });
    expect([jsonOf(failing(new Error('no'))), jsonOf(failing('text'))]).toEqual([
      '(cannot be shown: no)',
      '(cannot be shown: text)',
    ]);
  });

  it('is kept for the last messages, and cut', () => {
    const ring = createMessageRing();
    const eventOf = (text: string): { type: string } => Object.assign({ type: 'x' }, { text });
    for (let at = 0; at < 2_001; at += 1)
      ring.add({ from: null, to: 'a', event: eventOf('y'.repeat(500)), sessionId: null }, at);
    const { messages, skipped } = ring.since(0, 3);
    expect([
      messages.map(({ number }) => number),
      skipped,
      messages[0]?.detail?.length,
      ring.since(0, 9_999).skipped,
    ]).toEqual([[1_998, 1_999, 2_000], 1_998, 401, 1]);
  });
});
