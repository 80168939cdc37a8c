import { describe, expect, it } from 'vitest';
import { APPROVED, BELOW, requestOf, stageSession } from './session-stage.ts';

const MINUTE_MS = 60_000;

/** A sub-session that may show two requests at once and three in a minute. */
function stageTurns(path = BELOW) {
  const staged = stageSession({ path, turns: { requestsOpenMax: 2, requestsPerMinuteMax: 3 } });
  const { actor, clock, context } = staged;
  return {
    ...staged,
    ask: (requestId: string, boundTo = requestId, taskId = 'a') => {
      const at = clock.now();
      actor.send({ type: 'request.asked', taskId, requestId, identity: boundTo, boundTo, at });
    },
    settle: (requestId: string, resolution = APPROVED) =>
      actor.send({ type: 'request.settled', requestId, resolution, at: clock.now() }),
    seen: () => [
      actor.getSnapshot().value.showing,
      context().own.flatMap(({ requestId, shownAt }) => (shownAt === null ? [] : [requestId])),
      context().own.flatMap(({ requestId, shownAt }) => (shownAt === null ? [requestId] : [])),
    ],
  };
}

describe('what a sub-session asks', () => {
  it('is shown while there is room, and then in turn', () => {
    const { ask, settle, seen, clock } = stageTurns();
    for (const id of ['r1', 'r2', 'r3', 'r4']) ask(id);
    expect([seen(), clock.pending()]).toEqual([['in-turn', ['r1', 'r2'], ['r3', 'r4']], []]);
    settle('r2');
    expect([seen(), clock.pending()]).toEqual([['in-turn', ['r1', 'r3'], ['r4']], []]);
    settle('r1');
    expect([seen(), clock.pending()]).toEqual([['in-turn', ['r3'], ['r4']], [MINUTE_MS]]);
    clock.advance(MINUTE_MS);
    expect([seen(), clock.pending()]).toEqual([['at-once', ['r3', 'r4'], []], []]);
  });

  it('of the root is shown at once, however much it is', () => {
    const { ask, seen } = stageTurns([{ sessionId: 's1', kind: 'root' }]);
    for (const id of ['r1', 'r2']) ask(id);
    expect(seen()).toEqual(['at-once', ['r1', 'r2'], []]);
  });

  it('is one request when it is the same, and stands alone again when the first is withdrawn', () => {
    const { ask, settle, seen, context } = stageTurns();
    ask('r1', 'x');
    ask('r2', 'x');
    expect([seen(), context().own.map(({ sameAs }) => sameAs)]).toEqual([
      ['at-once', ['r1'], ['r2']],
      [null, 'r1'],
    ]);
    settle('r1', { how: 'withdrawn', why: 'aborted' });
    expect([seen(), context().own.map(({ sameAs }) => sameAs)]).toEqual([['at-once', ['r2'], []], [null]]);
  });

  it('is never the same for two tasks', () => {
    const { ask, context } = stageTurns();
    ask('r1', 'x', 'a');
    ask('r2', 'x', 'b');
    expect(context().own.map(({ sameAs }) => sameAs)).toEqual([null, null]);
  });

  it.each(['policy', 'nobody'] as const)('is asked again when %s has denied it', (by) => {
    const { ask, settle, seen, context } = stageTurns();
    ask('r1', 'x');
    settle('r1', { how: 'answered', decision: 'denied', by });
    expect(context().denials).toEqual([]);
    ask('r2', 'x');
    expect(seen()).toEqual(['at-once', ['r2'], []]);
  });

  it('gets no turn any more when its task stops', () => {
    const { ask, settle, seen, start, interrupt } = stageTurns();
    start('a');
    for (const id of ['r1', 'r2', 'r3']) ask(id);
    interrupt();
    settle('r1', { how: 'withdrawn', why: 'aborted' });
    expect(seen()).toEqual(['at-once', ['r2'], []]);
  });

  it('gives no turn to others when the decision stops their task', () => {
    const { ask, settle, seen } = stageTurns();
    for (const id of ['r1', 'r2', 'r3']) ask(id);
    settle('r1', { how: 'answered', decision: 'abort', by: 'client' });
    expect(seen()).toEqual(['in-turn', ['r2'], ['r3']]);
  });

  it('is forgotten with its task, and so is what was denied in it', () => {
    const { ask, settle, seen, start, complete, context } = stageTurns();
    start('a');
    for (const id of ['r1', 'r2', 'r3']) ask(id);
    settle('r1', { how: 'answered', decision: 'denied', by: 'client' });
    expect(context().denials).toEqual([{ taskId: 'a', boundTo: 'r1', message: null }]);
    complete('a');
    expect([seen(), context().denials]).toEqual([['at-once', [], []], []]);
  });

  it('is counted for the minute in which it is shown, also when a crash has made room for it', () => {
    const { ask, seen, start, task, clock, context } = stageTurns();
    start('a');
    start('b', { placement: 'beside' });
    for (const id of ['r1', 'r2']) ask(id);
    ask('r3', 'r3', 'b');
    clock.advance(MINUTE_MS);
    task('a').crash('It broke.');
    clock.advance(0);
    expect([seen(), context().shownAtMs]).toEqual([['at-once', ['r3'], []], [clock.now()]]);
  });

  it('is not counted for the minute when nobody saw it', () => {
    const { ask, settle, seen } = stageTurns();
    for (const id of ['r1', 'r2', 'r3', 'r4']) {
      ask(id);
      settle(id, { how: 'answered', decision: 'approved', by: 'policy' });
    }
    ask('r5');
    expect(seen()).toEqual(['at-once', ['r5'], []]);
  });

  it('is denied for as long as the session lives once all is denied, and that is told below', () => {
    const { ask, settle, seen, context, told } = stageTurns();
    for (const id of ['r1', 'r2', 'r3']) ask(id);
    settle('r1', { how: 'answered', decision: { decision: 'denied', all: true }, by: 'client' });
    ask('r4');
    expect([seen(), context().denials]).toEqual([
      ['at-once', [], []],
      [{ taskId: null, boundTo: null, message: null }],
    ]);
    expect(told.filter((word) => word.startsWith('pass'))).toEqual(['pass denial to all']);
  });

  it('counts for the requests of this session only', () => {
    const { ask, seen, actor } = stageTurns();
    for (const id of ['b1', 'b2', 'b3'])
      actor.send({ type: 'request.opened', request: requestOf(id, { sessionId: 's2' }) });
    ask('r1');
    expect(seen()).toEqual(['at-once', ['r1'], []]);
  });
});
