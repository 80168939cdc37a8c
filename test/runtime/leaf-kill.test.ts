import { describe, expect, it } from 'vitest';
import { RETURN_AFTER_KILL_MS, RETURN_MS } from '../../src/runtime/leaf.ts';
import { KILL, NOTHING, ownable, START, stageLeaf, turns } from './leaf-stage.ts';

const GIVEN_UP = {
  code: 'internal',
  message: 'The work did not stop when it was told to, and was given up. What it does from now on has no effect.',
  retryable: false,
};

describe('a leaf that is killed', () => {
  it('has what it owns killed at once, except what it has let go of', async () => {
    const [kept, left] = [ownable(), ownable()];
    const { actor, scope } = stageLeaf((begun) => {
      begun.own(kept.owned);
      begun.own(left.owned)();
    });
    actor.send(KILL);
    expect([scope().signal.aborted, kept.graces, left.graces]).toEqual([true, [0], []]);
  });

  it('gives the function a moment to return once that is dead', async () => {
    const dead = Promise.withResolvers<{ killed: number; survivors: number }>();
    const { owned } = ownable(dead.promise);
    const { actor, clock, returns, ended, ends } = stageLeaf((scope) => void scope.own(owned));
    actor.send(KILL);
    await turns();
    expect(clock.pending()).toEqual([]);
    dead.resolve({ killed: 1, survivors: 0 });
    await turns();
    expect(clock.pending()).toEqual([RETURN_AFTER_KILL_MS]);
    clock.advance(RETURN_AFTER_KILL_MS - 1);
    returns('Just in time.');
    await ended;
    clock.advance(1);
    const at = START + RETURN_AFTER_KILL_MS - 1;
    expect(ends).toEqual([{ at, value: 'Just in time.', error: null, cancelled: true, report: NOTHING }]);
  });

  it('is given up when the function does not return: it is revoked before its end is told', async () => {
    const { actor, clock, scope, ends } = stageLeaf();
    const revoked: boolean[] = [];
    actor.subscribe(() => revoked.push(scope().revoked));
    actor.send(KILL);
    await turns();
    clock.advance(RETURN_MS - 1);
    expect(scope().revoked).toBe(false);
    clock.advance(1);
    const report = { ...NOTHING, unsettled: 1 };
    expect(ends).toEqual([{ at: START + RETURN_MS, value: null, error: GIVEN_UP, cancelled: true, report }]);
    expect(revoked.at(-1)).toBe(true);
  });

  it('is given up later when it owned something: it may have last words to read; what was killed of it is counted', async () => {
    const [one, other] = [ownable(), ownable(Promise.resolve({ killed: 2, survivors: 1 }))];
    const { actor, clock, ends } = stageLeaf((scope) => {
      scope.own(one.owned);
      scope.own(other.owned);
    });
    actor.send(KILL);
    await turns();
    clock.advance(RETURN_AFTER_KILL_MS);
    expect(ends.map((end) => [end?.at, end?.report])).toEqual([
      [START + RETURN_AFTER_KILL_MS, { ...NOTHING, killed: 3, survivors: 1, unsettled: 1 }],
    ]);
  });

  it('is given up by the deadline of the kill when what it owns takes longer to die', async () => {
    const { owned } = ownable(new Promise(() => {}));
    const { actor, clock, scope, ends } = stageLeaf((begun) => void begun.own(owned));
    actor.send({ ...KILL, deadline: START + 500 });
    await turns();
    clock.advance(499);
    expect([ends, scope().revoked]).toEqual([[], false]);
    clock.advance(1);
    expect(ends).toEqual([
      {
        at: START + 500,
        value: null,
        error: GIVEN_UP,
        cancelled: true,
        report: { ...NOTHING, unsettled: 1 },
      },
    ]);
  });

  it.each([
    [
      'returns',
      async ({ returns, ended }: ReturnType<typeof stageLeaf>) => {
        returns('Done.');
        await ended;
      },
    ],
    ['is given up', async ({ clock }: ReturnType<typeof stageLeaf>) => clock.advance(RETURN_MS)],
    ['is stopped from above', async ({ actor }: ReturnType<typeof stageLeaf>) => void actor.stop()],
  ])('leaves no timer behind when it %s', async (_, end) => {
    const staged = stageLeaf();
    staged.actor.send({ ...KILL, deadline: START + 500 });
    await turns();
    expect(staged.clock.pending()).toEqual([RETURN_MS, 500]);
    await end(staged);
    expect(staged.clock.pending()).toEqual([]);
  });

  it('is given up at once when what it owns cannot be killed', async () => {
    const { owned } = ownable(Promise.reject(new Error('No such process table.')));
    const { actor, ended, ends } = stageLeaf((scope) => void scope.own(owned));
    actor.send(KILL);
    await ended;
    expect(ends).toEqual([
      { at: START, value: null, error: GIVEN_UP, cancelled: true, report: { ...NOTHING, unsettled: 1 } },
    ]);
  });

  it('is given up once, however often it is killed', async () => {
    const { owned, graces } = ownable();
    const { actor, clock, ends } = stageLeaf((scope) => void scope.own(owned));
    actor.send(KILL);
    actor.send(KILL);
    await turns();
    clock.advance(RETURN_AFTER_KILL_MS);
    expect([graces, ends.map((end) => end?.report)]).toEqual([[0], [{ ...NOTHING, killed: 1, unsettled: 1 }]]);
  });

  it.each(['returns', 'throws'] as const)('lets nothing happen when the function %s after all', async (late) => {
    const { actor, clock, returns, throws, ends } = stageLeaf();
    actor.send(KILL);
    await turns();
    clock.advance(RETURN_MS);
    if (late === 'returns') returns('Too late.');
    else throws(new Error('Too late.'));
    await turns();
    expect([ends.length, ends[0]?.value, actor.getSnapshot().output]).toEqual([1, null, ends[0]]);
  });

  it('is left to its own end when that comes while what it owns is being killed', async () => {
    const dead = Promise.withResolvers<{ killed: number; survivors: number }>();
    const { owned } = ownable(dead.promise);
    const { actor, returns, ended, ends, clock } = stageLeaf((scope) => void scope.own(owned));
    actor.send(KILL);
    returns('Done.');
    await ended;
    dead.resolve({ killed: 1, survivors: 0 });
    await turns();
    expect([ends.length, clock.pending()]).toEqual([1, []]);
  });
});
