import { describe, expect, it } from 'vitest';
import type { BodyValue } from '../../machines/staged-work.ts';
import { endOf, inputOf, stageDefined, TASK } from './defined-stage.ts';

const NOTHING = { killed: 0, survivors: 0, unsettled: 0, sessions: [] };
const BROKE = { code: 'tool-error', message: 'It broke.', retryable: false } as const;
const CANCEL = { type: 'work.cancel', deadline: 200, at: 100 } as const;
const KILL = { type: 'work.kill', at: 200 } as const;
const ACKNOWLEDGED = { type: 'work.acknowledged', at: 100 };

const VALUE: BodyValue = { answer: 'Clean.', data: { answer: 'Clean.', warnings: 0 } };

describe('a work that is a function', () => {
  it('runs it with what the task was given', () => {
    const { body, state, above } = stageDefined();
    expect([state(), body.input, body.heard, above]).toEqual([
      'running',
      { task: TASK, stage: 'running', before: null },
      [],
      [],
    ]);
  });

  it('completes with what it returns', () => {
    const { returns, state, end } = stageDefined();
    returns({ value: VALUE, report: { ...NOTHING, killed: 1 } });
    expect([state(), end()]).toEqual([
      'over',
      { end: 'completed', ...VALUE, at: 50, report: { ...NOTHING, killed: 1 } },
    ]);
  });

  it('fails with what it throws', () => {
    const { returns, end } = stageDefined();
    returns({ error: BROKE });
    expect(end()).toEqual({ end: 'failed', error: BROKE, at: 50, report: NOTHING });
  });

  it('fails when it has neither', () => {
    const { returns, end } = stageDefined();
    returns();
    const error = { code: 'internal', message: 'The work ended without a result.', retryable: false };
    expect(end()).toEqual({ end: 'failed', error, at: 50, report: NOTHING });
  });

  it('opens delegates beside it, each under a name that no other has', () => {
    const { open, delegates, actor, state } = stageDefined();
    open('s2');
    open('s3');
    expect(delegates.all.map(({ id, input }) => [id, input])).toEqual([
      ['delegate/0', inputOf('s2')],
      ['delegate/1', inputOf('s3')],
    ]);
    expect([state(), actor.getSnapshot().context.delegates]).toEqual([
      'running',
      [
        { sessionId: 's2', childId: 'delegate/0' },
        { sessionId: 's3', childId: 'delegate/1' },
      ],
    ]);
  });

  it('is given the end of each delegate, which is then let go of', () => {
    const { open, delivered, actor, state } = stageDefined();
    const first = open('s2');
    const second = open('s3');
    second.finish(endOf('s3', { at: 70 }));
    expect([delivered, Object.keys(actor.getSnapshot().children)]).toEqual([
      [endOf('s3', { at: 70 })],
      ['body', 'delegate/0'],
    ]);
    first.finish(endOf('s2'));
    expect([delivered.map(({ sessionId }) => sessionId), state()]).toEqual([['s3', 's2'], 'running']);
    expect(Object.keys(actor.getSnapshot().children)).toEqual(['body']);
  });

  it('keeps its delegates apart, though the name of one that has ended is used again', () => {
    const { open, actor, delivered } = stageDefined();
    open('s2').finish(endOf('s2'));
    const third = open('s3');
    const fourth = open('s4');
    expect(Object.keys(actor.getSnapshot().children).length).toBe(3);
    fourth.finish(endOf('s4'));
    actor.send(CANCEL);
    expect([third.heard, fourth.heard]).toEqual([[CANCEL], []]);
    third.finish(endOf('s3'));
    expect(delivered.map(({ sessionId }) => sessionId)).toEqual(['s2', 's4', 's3']);
  });

  it('adds up what its delegates report', () => {
    const { open, returns, end } = stageDefined();
    open('s2').finish(
      endOf('s2', { report: { ...NOTHING, killed: 1, sessions: [[{ sessionId: 's2', kind: 'lint' }]] } }),
    );
    open('s3').finish(endOf('s3', { report: { ...NOTHING, killed: 2, unsettled: 1 } }));
    returns({ at: 80, value: VALUE, report: { ...NOTHING, killed: 4 } });
    const sessions = [[{ sessionId: 's2', kind: 'lint' }]];
    expect(end()).toEqual({
      end: 'completed',
      ...VALUE,
      at: 80,
      report: { killed: 7, survivors: 0, unsettled: 1, sessions },
    });
  });

  it('passes the wish to wrap up on to its delegates', () => {
    const { open, actor, body } = stageDefined();
    const one = open('s2');
    actor.send({ type: 'work.wind-down' });
    expect([one.heard, body.heard]).toEqual([[{ type: 'work.wind-down' }], []]);
  });

  it('fails, as its delegate does, when that crashes', () => {
    const { open, above, body } = stageDefined();
    open('s2').crash('The delegate broke.');
    expect([above, body.isStopped]).toEqual([
      [{ type: 'xstate.error.actor.work', actorId: 'work', error: new Error('The delegate broke.') }],
      true,
    ]);
  });
});

describe('a function that returns while a delegate runs', () => {
  it('has it told to stop, and waits for it', () => {
    const { open, returns, state, end, delivered } = stageDefined();
    const one = open('s2');
    returns({ value: VALUE });
    expect([state(), one.heard]).toEqual(['joining', [{ type: 'work.cancel', at: 50, deadline: 50 }]]);
    one.finish(endOf('s2', { at: 65, report: { ...NOTHING, killed: 1 } }));
    expect([state(), delivered.length]).toEqual(['over', 1]);
    expect(end()).toEqual({ end: 'completed', ...VALUE, at: 65, report: { ...NOTHING, killed: 1 } });
  });

  it('opens none any more', () => {
    const { open, returns, state, refused, delegates } = stageDefined();
    open('s2');
    returns({ value: VALUE });
    open('s3');
    expect([state(), refused, delegates.all.length]).toEqual(['joining', ['s3'], 1]);
  });

  it('acknowledges a cancel, and passes it and the kill on', () => {
    const { open, returns, actor, above, state, end } = stageDefined();
    const one = open('s2');
    returns({ value: VALUE });
    actor.send(CANCEL);
    actor.send(KILL);
    const leftover = { type: 'work.cancel', at: 50, deadline: 50 };
    expect([state(), one.heard, above]).toEqual(['joining', [leftover, CANCEL, KILL], [ACKNOWLEDGED]]);
    one.finish(endOf('s2', { at: 210, report: { ...NOTHING, unsettled: 1 } }));
    expect(end()).toEqual({ end: 'completed', ...VALUE, at: 210, report: { ...NOTHING, unsettled: 1 } });
  });

  it('ends no earlier than it returned, also when the delegate cannot say when it ended', () => {
    const { open, returns, end } = stageDefined();
    const one = open('s2');
    returns({ value: VALUE });
    one.finish(endOf('s2', { at: 0, error: { ...BROKE, code: 'sub-session-failed' } }));
    expect(end()).toEqual({ end: 'completed', ...VALUE, at: 50, report: NOTHING });
  });
});

describe('a function that is cancelled', () => {
  it('hears of it, acknowledges at once, and is stopped when it has returned', () => {
    const { actor, body, returns, above, state, end } = stageDefined();
    actor.send(CANCEL);
    expect([state(), body.heard, above]).toEqual([{ stopping: 'settling' }, [CANCEL], [ACKNOWLEDGED]]);
    returns({ at: 130, cancelled: true, value: VALUE });
    expect([state(), end()]).toEqual(['over', { end: 'stopped', at: 130, report: NOTHING }]);
  });

  it('acknowledges when all its delegates have', () => {
    const { actor, open, above, state } = stageDefined();
    const delegates = [open('s2'), open('s3')];
    actor.send(CANCEL);
    expect([state(), above]).toEqual([{ stopping: 'acknowledging' }, []]);
    expect(delegates.map(({ heard }) => heard)).toEqual([[CANCEL], [CANCEL]]);
    delegates[0]?.say({ type: 'work.acknowledged', from: 's2', at: 101 });
    delegates[0]?.say({ type: 'work.acknowledged', from: 's2', at: 102 });
    expect([state(), above]).toEqual([{ stopping: 'acknowledging' }, []]);
    delegates[1]?.say({ type: 'work.acknowledged', from: 's3', at: 103 });
    expect([state(), above]).toEqual([{ stopping: 'settling' }, [{ type: 'work.acknowledged', at: 103 }]]);
  });

  it('counts a delegate that is over as one that has acknowledged', () => {
    const { actor, open, above, state } = stageDefined();
    const one = open('s2');
    actor.send(CANCEL);
    one.finish(endOf('s2', { at: 104 }));
    expect([state(), above.map(({ type }) => type)]).toEqual([{ stopping: 'settling' }, ['work.acknowledged']]);
  });

  it('ignores acknowledgements of what it does not wait for', () => {
    const { actor, open, state } = stageDefined();
    open('s2');
    actor.send(CANCEL);
    actor.send({ type: 'work.acknowledged', at: 101, from: 's9' });
    actor.send({ type: 'work.acknowledged', at: 101 });
    expect(state()).toEqual({ stopping: 'acknowledging' });
  });

  it('opens no delegate any more, and says so to whoever waits for it', () => {
    const { actor, refused, delegates } = stageDefined();
    actor.send(CANCEL);
    actor.send({ type: 'delegate.open', input: inputOf('s2') });
    expect([refused, delegates.all]).toEqual([['s2'], []]);
  });

  it('ends when the function and all its delegates have', () => {
    const { actor, open, returns, delivered, state, end } = stageDefined();
    const [first, second] = [open('s2'), open('s3')];
    actor.send(CANCEL);
    first.finish(endOf('s2', { at: 120, report: { ...NOTHING, killed: 1 } }));
    returns({ at: 130, cancelled: true });
    expect(state()).toEqual({ stopping: 'acknowledging' });
    second.finish(endOf('s3', { at: 140, report: { ...NOTHING, killed: 2 } }));
    expect([state(), delivered.map(({ sessionId }) => sessionId)]).toEqual(['over', ['s2', 's3']]);
    expect(end()).toEqual({ end: 'stopped', at: 140, report: { ...NOTHING, killed: 3 } });
  });

  it('also when its delegates end before it', () => {
    const { actor, open, returns, state, end } = stageDefined();
    const one = open('s2');
    actor.send(CANCEL);
    one.finish(endOf('s2', { at: 120 }));
    expect(state()).toEqual({ stopping: 'settling' });
    returns({ at: 130, cancelled: true });
    expect(end()).toEqual({ end: 'stopped', at: 130, report: NOTHING });
  });

  it('is killed at once when it has no delegates, before and after it has acknowledged', () => {
    const { actor, body, state } = stageDefined();
    actor.send(CANCEL);
    actor.send(KILL);
    expect([state(), body.heard]).toEqual([{ stopping: 'killing-body' }, [CANCEL, KILL]]);
  });

  it('is told by when it must have answered the kill, also after its delegates', () => {
    const [alone, waiting] = [stageDefined(), stageDefined()];
    const one = waiting.open('s2');
    for (const { actor } of [alone, waiting]) {
      actor.send(CANCEL);
      actor.send({ ...KILL, deadline: 700 });
    }
    one.finish(endOf('s2', { at: 210 }));
    expect([alone.body.heard.at(-1), one.heard.at(-1), waiting.body.heard.at(-1)]).toEqual([
      { type: 'work.kill', at: 200, deadline: 700 },
      { type: 'work.kill', at: 200, deadline: 700 },
      { type: 'work.kill', at: 210, deadline: 700 },
    ]);
  });

  it('is killed after its delegates, for which it may be waiting', () => {
    const { actor, body, open, returns, state, end } = stageDefined();
    const [first, second] = [open('s2'), open('s3')];
    actor.send(CANCEL);
    actor.send(KILL);
    expect([state(), first.heard, second.heard, body.heard]).toEqual([
      { stopping: 'killing-delegates' },
      [CANCEL, KILL],
      [CANCEL, KILL],
      [CANCEL],
    ]);
    first.finish(endOf('s2', { at: 205 }));
    expect(body.heard).toEqual([CANCEL]);
    second.finish(endOf('s3', { at: 210 }));
    expect([state(), body.heard]).toEqual([{ stopping: 'killing-body' }, [CANCEL, { type: 'work.kill', at: 210 }]]);
    returns({ at: 260, cancelled: true, report: { ...NOTHING, unsettled: 1 } });
    expect([state(), end()]).toEqual(['over', { end: 'stopped', at: 260, report: { ...NOTHING, unsettled: 1 } }]);
  });

  it('is not killed when it returns while its delegates are', () => {
    const { actor, body, open, returns, state, end } = stageDefined();
    const one = open('s2');
    actor.send(CANCEL);
    one.say({ type: 'work.acknowledged', from: 's2', at: 101 });
    actor.send(KILL);
    returns({ at: 202, cancelled: true });
    expect([state(), body.heard]).toEqual([{ stopping: 'killing-delegates' }, [CANCEL]]);
    one.finish(endOf('s2', { at: 205 }));
    expect([state(), end()]).toEqual(['over', { end: 'stopped', at: 205, report: NOTHING }]);
  });
});
