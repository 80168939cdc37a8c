import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { TroupeError } from '../../src/protocol/errors.ts';
import type { LeafEnd } from '../../src/protocol/messages.ts';
import { type LeafScope, leaf, type Owned, RETURN_AFTER_KILL_MS, RETURN_MS } from '../../src/runtime/leaf.ts';
import { bindClock } from '../../src/runtime/system-clock.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';

const START = 1_000;
const NOTHING = { killed: 0, survivors: 0, unsettled: 0, sessions: [] };
const CANCEL = { type: 'work.cancel', deadline: START + 100, at: START } as const;
const KILL = { type: 'work.kill', at: START } as const;
const GIVEN_UP = {
  code: 'internal',
  message: 'The work did not stop when it was told to, and was given up. What it does from now on has no effect.',
  retryable: false,
};

type Scope = LeafScope<{ name: string }>;

/** A leaf on a clock that stands; the function shows its scope and then waits until the test lets it go on. */
function stageLeaf(before: (scope: Scope) => void = () => {}) {
  const clock = createSteppedClock(START);
  const returned = Promise.withResolvers<string>();
  const scopes: Scope[] = [];
  const logic = leaf<string, { name: string }>((scope) => {
    scopes.push(scope);
    before(scope);
    return returned.promise;
  });
  const actor = createActor(logic, { input: { name: 'one' } });
  bindClock(actor.system, clock);
  const ends: (LeafEnd<string> | undefined)[] = [];
  const ended = new Promise<void>((resolve) => {
    actor.subscribe((snapshot) => {
      if (snapshot.status !== 'done') return;
      ends.push(snapshot.output);
      resolve();
    });
  });
  actor.start();
  return {
    actor,
    clock,
    scopes,
    ends,
    ended,
    returns: returned.resolve,
    throws: returned.reject,
    scope: () => {
      const [scope] = scopes;
      if (scope === undefined) throw new Error('Expected a leaf that has begun, got one that has not.');
      return scope;
    },
  };
}

/** Something that is owned, and how often it was killed, with which grace. */
function ownable(
  killed: Promise<{ killed: number; survivors: number }> = Promise.resolve({ killed: 1, survivors: 0 }),
) {
  const graces: number[] = [];
  const owned: Owned = {
    kill(graceMs) {
      graces.push(graceMs);
      return killed;
    },
  };
  return { owned, graces };
}

/** Lets everything happen that waits for nothing but its turn. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('a leaf that is left alone', () => {
  it('begins at once, with its input and a signal that is silent', () => {
    const { scopes, actor } = stageLeaf();
    expect(scopes.map(({ input, signal, revoked }) => [input, signal.aborted, revoked])).toEqual([
      [{ name: 'one' }, false, false],
    ]);
    expect([scopes[0]?.self, scopes[0]?.system]).toEqual([actor, actor.system]);
  });

  it('ends with what the function gives, and when', async () => {
    const { returns, ended, ends, clock, scope } = stageLeaf();
    clock.advance(5);
    returns('Done.');
    await ended;
    expect(ends).toEqual([{ at: START + 5, value: 'Done.', error: null, cancelled: false, report: NOTHING }]);
    expect(scope().revoked).toBe(true);
  });

  it('ends with an error as its value when the function rejects, and keeps its code', async () => {
    const [plain, coded] = [stageLeaf(), stageLeaf()];
    plain.throws(new Error('It broke.'));
    coded.throws(new TroupeError('depth-exceeded', 'Too deep.'));
    await Promise.all([plain.ended, coded.ended]);
    const end = { at: START, value: null, cancelled: false, report: NOTHING };
    expect(plain.ends).toEqual([{ ...end, error: { code: 'internal', message: 'It broke.', retryable: false } }]);
    expect(coded.ends).toEqual([{ ...end, error: { code: 'depth-exceeded', message: 'Too deep.', retryable: false } }]);
  });

  it('ends the same way when the function throws before it gives a promise', async () => {
    const { ended, ends, actor } = stageLeaf(() => {
      throw new Error('It never began.');
    });
    expect(actor.getSnapshot().status).toBe('active');
    await ended;
    const error = { code: 'internal', message: 'It never began.', retryable: false };
    expect(ends).toEqual([{ at: START, value: null, error, cancelled: false, report: NOTHING }]);
  });

  it('reports what the function says was killed', async () => {
    const { returns, ended, ends, scope } = stageLeaf();
    scope().reportKilled({ killed: 2, survivors: 0 });
    scope().reportKilled({ killed: 1, survivors: 1 });
    returns('Done.');
    await ended;
    expect(ends[0]?.report).toEqual({ ...NOTHING, killed: 3, survivors: 1 });
  });
});

describe('a leaf that is cancelled', () => {
  it('tells the function, waits for it, and says that it was cancelled', async () => {
    const { actor, scope, returns, ended, ends, clock } = stageLeaf();
    actor.send(CANCEL);
    expect([scope().signal.aborted, scope().revoked, actor.getSnapshot().status]).toEqual([true, false, 'active']);
    clock.advance(30);
    returns('Cut short.');
    await ended;
    expect(ends).toEqual([{ at: START + 30, value: 'Cut short.', error: null, cancelled: true, report: NOTHING }]);
  });

  it('waits for ever for a function that is deaf: only a kill ends it', async () => {
    const { actor, clock, scope } = stageLeaf();
    actor.send(CANCEL);
    clock.advance(1_000_000);
    await turns();
    expect([actor.getSnapshot().status, scope().revoked, clock.pending()]).toEqual(['active', false, []]);
  });

  it('kills nothing of what it owns', async () => {
    const { owned, graces } = ownable();
    const { actor } = stageLeaf((scope) => void scope.own(owned));
    actor.send(CANCEL);
    await turns();
    expect(graces).toEqual([]);
  });
});

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
    const { actor, clock, ends } = stageLeaf();
    actor.send(KILL);
    actor.send(KILL);
    await turns();
    clock.advance(RETURN_MS);
    expect(ends.map((end) => end?.report)).toEqual([{ ...NOTHING, unsettled: 1 }]);
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

describe('a leaf that is stopped from above', () => {
  it('is revoked, told, and what it owns is killed', () => {
    const { owned, graces } = ownable();
    const { actor, scope } = stageLeaf((begun) => void begun.own(owned));
    actor.stop();
    expect([scope().revoked, scope().signal.aborted, graces]).toEqual([true, true, [0]]);
  });

  it.each(['returns', 'throws'] as const)('has no end of its own when the function %s later', async (late) => {
    const { actor, returns, throws, ends } = stageLeaf();
    actor.stop();
    if (late === 'returns') returns('Too late.');
    else throws(new Error('Too late.'));
    await turns();
    expect([ends, actor.getSnapshot().output]).toEqual([[], undefined]);
  });

  it('lets the process live when what it owns cannot be killed', async () => {
    const { owned, graces } = ownable(Promise.reject(new Error('No such process table.')));
    const { actor } = stageLeaf((scope) => void scope.own(owned));
    const lost: unknown[] = [];
    const note = (reason: unknown) => lost.push(reason);
    process.on('unhandledRejection', note);
    actor.stop();
    await turns();
    process.off('unhandledRejection', note);
    expect([graces, lost]).toEqual([[0], []]);
  });
});

describe('the snapshot of a leaf', () => {
  it('is JSON, and begins the function again when it is restored', () => {
    const { actor } = stageLeaf();
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot()));
    expect(snapshot).toEqual(actor.getPersistedSnapshot());
    const begun: unknown[] = [];
    const again = leaf<string, { name: string }>(({ input }) => {
      begun.push(input);
      return new Promise(() => {});
    });
    createActor(again, { snapshot, input: { name: 'another' } }).start();
    expect(begun).toEqual([{ name: 'one' }]);
  });

  it('of one that has ended begins nothing', async () => {
    const { actor, returns, ended, ends } = stageLeaf();
    returns('Done.');
    await ended;
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot()));
    const begun: unknown[] = [];
    const again = leaf<string, { name: string }>(async (scope) => {
      begun.push(scope);
      return '';
    });
    const restored = createActor(again, { snapshot, input: { name: 'one' } }).start();
    await turns();
    expect([begun, restored.getSnapshot().output]).toEqual([[], ends[0]]);
  });
});
