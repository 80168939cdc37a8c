import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type Decision, defineTool } from '../../src/index.ts';
import { command, floodRig } from './request-flood.ts';

/** A tool that says of every call the same, whatever it does. */
function vagueTool(ran: string[]) {
  return defineTool({
    name: 'act',
    description: 'Acts.',
    input: z.object({ name: z.string() }),
    parallel: true,
    check: () => ({ verdict: 'ask', key: 'act', subject: command('act') }),
    execute: ({ name }) => {
      ran.push(name);
      return `did ${name}`;
    },
  });
}

const calls = (...names: string[]) => ({ call: names.map((name) => ({ name: 'act', arguments: { name } })) });

describe.each([1, 3, 8])('the same asked several times at once at depth %i', (depth) => {
  const ask = async (...ids: string[]) => {
    const rig = floodRig();
    const task = rig.session.start('below', { depth, kind: 'asker', input: { ids } });
    await rig.world.run(() => rig.ids('request.opened').length === ids.length && rig.shown.length > 0);
    await rig.world.run(() => rig.shown.length === new Set(ids).size);
    return { ...rig, task };
  };

  it('is shown once, with how often it is asked, and one decision is for all of them', async () => {
    const { session, shown, events, ids, task, world } = await ask('x', 'x', 'x');
    expect([shown.map(({ count }) => count), session.pending().map(({ count }) => count)]).toEqual([[3], [3]]);
    expect(session.answer(shown[0]?.id ?? '', 'approved')).toBe('accepted');
    expect(await world.settled(task.outcome)).toMatchObject({ answers: ['approved', 'approved', 'approved'] });
    expect([shown.length, ids('request.opened').length, new Set(ids('request.resolved')).size]).toEqual([1, 3, 3]);
    const opened = events().flatMap((event) => (event.type === 'request.opened' ? [event.unshown] : []));
    const same = { why: 'same', as: shown[0]?.id };
    expect(opened).toEqual([undefined, same, same]);
    await world.settled(session.close());
  });

  it('is approved no more often than the decision says; the rest is shown again', async () => {
    const { session, shown, task, world } = await ask('x', 'x', 'x');
    session.answer(shown[0]?.id ?? '', { decision: 'approved', count: 2 });
    await world.run(() => shown.length === 2);
    expect(shown.map(({ count }) => count)).toEqual([3, undefined]);
    session.answer(shown[1]?.id ?? '', 'denied');
    expect(await world.settled(task.outcome)).toMatchObject({
      answers: [{ decision: 'approved', count: 2 }, { decision: 'approved', count: 2 }, 'denied'],
    });
    await world.settled(session.close());
  });

  it('does not release what is something else', async () => {
    const { session, shown, names, task, world } = await ask('x', 'y', 'x');
    expect(names(shown).toSorted()).toEqual(['x', 'y']);
    const idOf = (name: string) => shown.find((_, index) => names(shown)[index] === name)?.id ?? '';
    session.answer(idOf('x'), 'approved');
    await world.run(() => session.pending().length === 1);
    expect(names(session.pending())).toEqual(['y']);
    session.answer(idOf('y'), 'denied');
    expect(await world.settled(task.outcome)).toMatchObject({ answers: ['approved', 'denied', 'approved'] });
    await world.settled(session.close());
  });

  it('ends with the abort of its task, each of them once', async () => {
    const { session, ids, task, world } = await ask('x', 'x', 'x');
    await world.settled(task.abort());
    expect([session.pending(), ids('request.resolved').toSorted()]).toEqual([[], ids('request.opened').toSorted()]);
    await world.settled(session.close());
  });
});

describe('the same asked while it is open', () => {
  it('raises the count of what is shown, everywhere above', async () => {
    const { session, shown, world } = floodRig();
    const both = ['x', 'y'].map((id) => ({ kind: 'asker', input: { ids: [id, id] } }));
    const task = session.start('several', { of: both });
    await world.run(() => session.pending().length === 2 && shown.length === 2);
    expect(session.pending().map(({ count }) => count)).toEqual([2, 2]);
    expect(session.children().map((child) => child.pending().map(({ count }) => count))).toEqual([[2], [2]]);
    await world.settled(task.abort());
    await world.settled(session.close());
  });

  it('of two calls is one request only if both do the same', async () => {
    const ran: string[] = [];
    const rig = floodRig({ script: [calls('one', 'two', 'one'), { say: 'Done.' }], tools: [vagueTool(ran)] });
    const { session, shown, world } = rig;
    const task = session.run('go');
    await world.run(() => shown.length === 2 && rig.ids('request.opened').length === 3);
    expect(session.pending().map(({ count }) => count)).toEqual([2, undefined]);
    expect(session.answer(shown[0]?.id ?? '', 'approved')).toBe('accepted');
    await world.run(() => ran.length === 2);
    expect(ran).toEqual(['one', 'one']);
    session.answer(shown[1]?.id ?? '', 'denied');
    await world.settled(task.outcome);
    expect(session.entries().flatMap((entry) => (entry.type === 'output' ? [entry.output] : []))).toEqual([
      'did one',
      'rejected by user',
      'did one',
    ]);
    await world.settled(session.close());
  });

  it('by two sessions is two requests', async () => {
    const { session, shown, world } = floodRig();
    const asking = { kind: 'asker', input: { ids: ['x'] } };
    const task = session.start('several', { of: [asking, asking] });
    await world.run(() => shown.length === 2);
    expect(shown.map(({ count }) => count)).toEqual([undefined, undefined]);
    await world.settled(task.abort());
    await world.settled(session.close());
  });
});

describe('what was denied', () => {
  const askTwice = async (decide: () => Decision | undefined, limits = {}) => {
    let asked = 0;
    const rig = floodRig({
      onRequest: () => {
        asked += 1;
        return decide();
      },
      limits,
    });
    const start = () => rig.session.start('below', { depth: 2, kind: 'patient', input: { ids: ['x', 'x', 'y'] } });
    return { ...rig, start, asked: () => asked };
  };

  it('is not asked again in the same task, and the model is told so', async () => {
    const ran: string[] = [];
    let asked = 0;
    const { session, world, ids } = floodRig({
      script: [calls('one'), calls('one'), { say: 'So be it.' }, calls('one'), { say: 'Again.' }],
      tools: [vagueTool(ran)],
      onRequest: () => {
        asked += 1;
        return { decision: 'denied', message: 'not today' };
      },
    });
    await world.settled(session.run('go').outcome);
    const outputs = () => session.entries().flatMap((entry) => (entry.type === 'output' ? [entry.output] : []));
    expect([asked, outputs()]).toEqual([
      1,
      [
        'rejected: not today',
        'rejected: this was denied before in this task, and is not asked again (not today). Go on without it.',
      ],
    ]);
    expect(ids('request.resolved')).toEqual(ids('request.opened'));
    await world.settled(session.run('once more').outcome);
    expect([asked, outputs().at(-1), ran]).toEqual([2, 'rejected: not today', []]);
    await world.settled(session.close());
  });

  it('is remembered for what was denied only', async () => {
    const { start, asked, world, session } = await askTwice(() => 'denied');
    const words = 'this was denied before in this task, and is not asked again. Go on without it.';
    expect(await world.settled(start().outcome)).toMatchObject({
      answers: ['denied', { decision: 'denied', message: words }, 'denied'],
    });
    expect(asked()).toBe(2);
    await world.settled(session.close());
  });

  it('is asked again where no person has denied it: nobody decided in time', async () => {
    const { start, asked, world, session } = await askTwice(() => undefined, { requestTimeoutMs: 50 });
    await world.settled(start().outcome);
    expect(asked()).toBe(3);
    await world.settled(session.close());
  });
});
