import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { TroupeError } from '../../src/protocol/errors.ts';
import { leaf } from '../../src/runtime/leaf.ts';
import { CANCEL, NOTHING, ownable, START, stageLeaf, turns } from './leaf-stage.ts';

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
