import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type Decision, defineTask, type SessionEvent } from '../../src/index.ts';
import { command, floodRig, numbered } from './request-flood.ts';

const ALL: Decision = { decision: 'denied', all: true };
const LATER: Decision = {
  decision: 'denied',
  message: 'whatever is asked here is denied, and nobody is asked any more. Go on without it.',
};

function resolutions(events: readonly SessionEvent[]) {
  return events.flatMap((event) => (event.type === 'request.resolved' ? [event.resolution] : []));
}

describe.each([1, 3, 8])('a denial of all that a sub-session at depth %i asks', (depth) => {
  it('ends what is open and what waits, each once, and what it asks later is not shown', async () => {
    const { session, shown, events, ids, world } = floodRig();
    const ids100 = numbered(100);
    const task = session.start('below', { depth, kind: 'asker', input: { ids: ids100 } });
    await world.run(() => shown.length === 8);
    expect(session.answer(shown[3]?.id ?? '', ALL)).toBe('accepted');
    const outcome = await world.settled(task.outcome);
    expect(outcome).toMatchObject({
      answers: ids100.map((_, index) => (index === 3 ? ALL : 'denied')),
    });
    expect([shown.length, session.pending()]).toEqual([8, []]);
    expect(ids('request.resolved').toSorted()).toEqual(ids('request.opened').toSorted());
    expect(new Set(resolutions(events()).map(({ how }) => how))).toEqual(new Set(['answered']));
    expect(shown.map(({ id }) => session.answer(id, 'approved'))).toEqual(Array(8).fill('already-resolved'));
    await world.settled(session.close());
  });

  it('is remembered while that sub-session lives, with an event for each request', async () => {
    const { session, shown, ids, world } = floodRig();
    const task = session.start('below', { depth, kind: 'patient', input: { ids: ['a', 'b', 'c'] } });
    await world.run(() => shown.length === 1);
    session.answer(shown[0]?.id ?? '', { ...ALL, message: 'leave me alone' });
    const later = { decision: 'denied', message: expect.stringContaining('(leave me alone)') };
    expect(await world.settled(task.outcome)).toMatchObject({
      answers: [{ ...ALL, message: 'leave me alone' }, later, later],
    });
    expect([shown.length, ids('request.opened').length, ids('request.resolved').length]).toEqual([1, 3, 3]);
    const next = session.start('below', { depth, kind: 'patient', input: { ids: ['a'] } });
    await world.run(() => shown.length === 2);
    session.answer(shown[1]?.id ?? '', 'approved');
    expect(await world.settled(next.outcome)).toMatchObject({ answers: ['approved'] });
    await world.settled(session.close());
  });
});

/** Asks something itself while a sub-session of it asks, and opens another one when that is decided. */
const boss = defineTask({
  input: z.object({}),
  async work(_, ports) {
    const child = (id: string) => ports.delegate({ kind: 'asker', input: { ids: [id] } });
    const first = await Promise.all([ports.ask(command('own')), child('below')]);
    return { first, later: await child('later') };
  },
});

describe('a denial of all', () => {
  it('reaches the sessions below the one that asked, those that are open and those to come', async () => {
    const rig = floodRig({ tasks: { boss } });
    const { session, shown, names, world } = rig;
    const task = session.start('several', {
      of: [
        { kind: 'boss', input: {} },
        { kind: 'asker', input: { ids: ['sibling'] } },
      ],
    });
    await world.run(() => shown.length === 3);
    const own = shown.find((_, index) => names(shown)[index] === 'own');
    session.answer(own?.id ?? '', ALL);
    await world.run(() => session.pending().length === 1);
    expect(names(session.pending())).toEqual(['sibling']);
    await world.run(() => session.children().length === 1);
    expect([names(shown).toSorted(), names(session.pending())]).toEqual([['below', 'own', 'sibling'], ['sibling']]);
    const sibling = session.pending()[0];
    session.answer(sibling?.id ?? '', 'approved');
    expect(await world.settled(task.outcome)).toMatchObject({
      inner: [{ first: [ALL, { answers: ['denied'] }], later: { answers: [LATER] } }, { answers: ['approved'] }],
    });
    await world.settled(session.close());
  });

  it('of a sub-session is no matter for the session above it', async () => {
    const { session, shown, names, world } = floodRig({ tasks: { boss } });
    const task = session.start('several', { of: [{ kind: 'boss', input: {} }] });
    await world.run(() => shown.length === 2);
    const idOf = (name: string) => shown.find((_, index) => names(shown)[index] === name)?.id ?? '';
    session.answer(idOf('below'), ALL);
    await world.run(() => session.pending().length === 1);
    session.answer(idOf('own'), 'approved');
    await world.run(() => shown.length === 3);
    expect(names(session.pending())).toEqual(['later']);
    session.answer(idOf('later'), 'approved');
    expect(await world.settled(task.outcome)).toMatchObject({
      inner: [{ first: ['approved', { answers: [ALL] }], later: { answers: ['approved'] } }],
    });
    await world.settled(session.close());
  });

  it('at the root is for the task that asked: its own requests and those below it, until it has ended', async () => {
    const { session, shown, world } = floodRig({ tasks: { boss } });
    const task = session.start('boss', {});
    await world.run(() => shown.length === 2);
    session.answer(shown.find(({ path }) => path.length === 1)?.id ?? '', ALL);
    expect(await world.settled(task.outcome)).toMatchObject({
      first: [ALL, { answers: ['denied'] }],
      later: { answers: [LATER] },
    });
    const next = session.start('asker', { ids: ['own'] });
    await world.run(() => shown.length === 3);
    session.answer(shown[2]?.id ?? '', 'approved');
    expect(await world.settled(next.outcome)).toMatchObject({ answers: ['approved'] });
    await world.settled(session.close());
  });

  it('that says nothing of all is for one request', async () => {
    const { session, shown, world } = floodRig();
    const task = session.start('below', { depth: 1, kind: 'asker', input: { ids: ['a', 'b'] } });
    await world.run(() => shown.length === 2);
    session.answer(shown[0]?.id ?? '', { decision: 'denied', message: 'no' });
    session.answer(shown[1]?.id ?? '', 'approved');
    expect(await world.settled(task.outcome)).toMatchObject({
      answers: [{ decision: 'denied', message: 'no' }, 'approved'],
    });
    await world.settled(session.close());
  });
});
