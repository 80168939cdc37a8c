import { describe, expect, it } from 'vitest';
import { APPROVED, requestOf, START, stageSession } from './session-stage.ts';

/** A session that is asked for these, in this order. */
function stageAsked(...requests: ReturnType<typeof requestOf>[]) {
  const staged = stageSession();
  for (const request of requests) staged.actor.send({ type: 'request.opened', request });
  const open = () => staged.context().requests.map(({ id }) => id);
  return {
    ...staged,
    open,
    seen: () => [staged.attention(), open()],
    settle: (requestId: string) =>
      staged.actor.send({ type: 'request.settled', requestId, resolution: APPROVED, at: staged.clock.now() }),
    closeFromBelow: (requestId: string) => staged.actor.send({ type: 'request.closed', requestId }),
  };
}

const [R1, R2, R3] = [requestOf('r1'), requestOf('r2'), requestOf('r3')];

describe('a request', () => {
  it('is awaited from when it is opened until it is settled', () => {
    const { seen, settle, told, actor } = stageAsked();
    expect(seen()).toEqual(['clear', []]);
    actor.send({ type: 'request.opened', request: R1 });
    expect(seen()).toEqual(['awaiting-decision', ['r1']]);
    settle('r1');
    expect([seen(), told.at(-1)]).toEqual([['clear', []], 'settle r1']);
  });

  it('does not stand in the way of others: all are open, the oldest first', () => {
    const { seen, context } = stageAsked(R1, R2, R3);
    expect([seen(), context().requests]).toEqual([
      ['awaiting-decision', ['r1', 'r2', 'r3']],
      [R1, R2, R3],
    ]);
  });

  it('may be settled in any order', () => {
    const { seen, settle, told } = stageAsked(R1, R2, R3);
    const states = ['r3', 'r2', 'r1'].map((requestId) => {
      settle(requestId);
      return seen();
    });
    expect(states).toEqual([
      ['awaiting-decision', ['r1', 'r2']],
      ['awaiting-decision', ['r1']],
      ['clear', []],
    ]);
    expect(told.slice(1)).toEqual(['settle r3', 'settle r2', 'settle r1']);
  });

  it('of a session below is only dropped when it has ended there', () => {
    const { seen, closeFromBelow, told } = stageAsked(requestOf('r1', { sessionId: 's2' }), R2);
    closeFromBelow('r1');
    expect([seen(), told]).toEqual([['awaiting-decision', ['r2']], ['opened']]);
    closeFromBelow('r2');
    expect([seen(), told]).toEqual([['clear', []], ['opened']]);
  });

  it('that is not open may be settled or closed: nothing happens to the others', () => {
    const { seen, settle, closeFromBelow } = stageAsked(R1);
    settle('r9');
    closeFromBelow('r9');
    expect(seen()).toEqual(['awaiting-decision', ['r1']]);
    settle('r1');
    settle('r1');
    closeFromBelow('r1');
    expect(seen()).toEqual(['clear', []]);
  });

  it('does not stand in the way of tasks', () => {
    const { start, complete, activity, attention } = stageAsked(R1);
    start('a');
    complete('a');
    expect([activity(), attention()]).toEqual(['settling', 'awaiting-decision']);
  });

  it.each(['idle', 'busy', 'closing'])('is decided by whoever answers, in %s', (state) => {
    const { start, close, actor, activity, told } = stageAsked(R1);
    if (state !== 'idle') start('a');
    if (state === 'closing') close();
    actor.send({ type: 'op.answer', requestId: 'r1', decision: 'approved', by: 'client' });
    expect([activity(), told.at(-1)]).toEqual([state, 'decide r1']);
  });

  it('can be settled while the session closes', () => {
    const { start, close, seen, settle } = stageAsked(R1);
    start('a');
    close();
    settle('r1');
    expect(seen()).toEqual(['clear', []]);
  });
});

describe('the time of a request', () => {
  it('is counted for none that may stay open', () => {
    expect(stageAsked(R1, R2).clock.pending()).toEqual([]);
  });

  it('is counted for requests of the session itself only', () => {
    const { clock, told } = stageAsked(requestOf('r1', { sessionId: 's2', expiresMs: 10 }));
    expect(clock.pending()).toEqual([]);
    clock.advance(1_000);
    expect(told).toEqual(['opened']);
  });

  it('runs out at the earliest of all', () => {
    const { clock, told } = stageAsked(
      requestOf('r1', { expiresMs: 300 }),
      requestOf('r2', { expiresMs: 200 }),
      requestOf('r3', { sessionId: 's2', expiresMs: 100 }),
    );
    expect(clock.pending()).toEqual([200]);
    clock.advance(199);
    expect(told).toEqual(['opened']);
  });

  it('that has run out is said once, and the next is waited for', () => {
    const { clock, told, seen } = stageAsked(requestOf('r1', { expiresMs: 300 }), requestOf('r2', { expiresMs: 200 }));
    clock.advance(250);
    expect([told, seen(), clock.pending()]).toEqual([
      ['opened', `expire r2 at ${START + 200}`, 'settle r2'],
      ['awaiting-decision', ['r1']],
      [50],
    ]);
    clock.advance(50);
    expect([told.slice(3), seen(), clock.pending()]).toEqual([
      [`expire r1 at ${START + 300}`, 'settle r1'],
      ['clear', []],
      [],
    ]);
  });

  it('is not counted any more once it is settled', () => {
    const { clock, settle, told } = stageAsked(requestOf('r1', { expiresMs: 300 }));
    settle('r1');
    clock.advance(300);
    expect([clock.pending(), told]).toEqual([[], ['opened', 'settle r1']]);
  });

  it('of one goes on when another is settled', () => {
    const { clock, settle, told } = stageAsked(requestOf('r1', { expiresMs: 300 }), R2);
    settle('r2');
    clock.advance(299);
    expect(told).toEqual(['opened', 'settle r2']);
    clock.advance(1);
    expect(told.slice(2)).toEqual([`expire r1 at ${START + 300}`, 'settle r1']);
  });
});
