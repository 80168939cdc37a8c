import { describe, expect, it } from 'vitest';
import { NOTHING_TO_REPORT } from '../../src/protocol/messages.ts';
import { call, stageRegular, TASK } from './regular-stage.ts';

const NOTHING = { killed: 0, survivors: 0, unsettled: 0, sessions: [] };
const MODEL_ERROR = { code: 'model-error', message: 'It said no.', retryable: true } as const;

describe('the loop of steps', () => {
  it('begins with a request of step one', () => {
    const { samples, state } = stageRegular();
    expect([state(), samples.all.map(({ input }) => input)]).toEqual([
      'sampling',
      [{ task: TASK, step: 1, isCompacted: false, continues: false }],
    ]);
  });

  it('completes with the answer of a model that calls nothing', () => {
    const { answer, end, state } = stageRegular();
    answer({ at: 33, value: { status: 'completed', answer: 'Done.', calls: [], more: false } });
    expect([state(), end()]).toEqual([
      'over',
      { end: 'completed', answer: 'Done.', data: null, at: 33, report: NOTHING },
    ]);
  });

  it('asks the model again when the calls have settled', () => {
    const work = stageRegular();
    work.says(null, ['a']);
    expect(work.state()).toBe('calling');
    expect(work.calls.last().input).toEqual({ sessionId: 's1', taskId: 'regular/1', call: call('a') });
    work.settle('a');
    expect([work.state(), work.samples.all.map(({ input }) => input.step)]).toEqual(['sampling', [1, 2]]);
    work.says('Done.');
    expect(work.end()).toEqual({ end: 'completed', answer: 'Done.', data: null, at: 10, report: NOTHING });
  });

  it('goes on without calls when the user has said more', () => {
    const work = stageRegular();
    work.says('First.', [], true);
    expect([work.state(), work.samples.all.map(({ input }) => input.step)]).toEqual(['sampling', [1, 2]]);
    work.says('Second.');
    expect(work.end()).toEqual({ end: 'completed', answer: 'Second.', data: null, at: 10, report: NOTHING });
  });

  it('keeps what the first answer reports when it goes on without calls', () => {
    const { answer, says, end } = stageRegular();
    answer({ value: { status: 'completed', answer: null, calls: [], more: true }, report: { ...NOTHING, killed: 1 } });
    says('Done.');
    expect(end()?.report).toEqual({ ...NOTHING, killed: 1 });
  });

  it('does the calls first when the user has said more', () => {
    const work = stageRegular();
    work.says(null, ['a'], true);
    expect([work.state(), work.started()]).toEqual(['calling', ['a']]);
  });

  it('fails with the error of a model that has failed', () => {
    const { answer, end, state } = stageRegular();
    answer({ at: 12, value: { status: 'failed', error: MODEL_ERROR } });
    expect([state(), end()]).toEqual(['over', { end: 'failed', error: MODEL_ERROR, at: 12, report: NOTHING }]);
  });

  it('fails with what a request threw', () => {
    const { answer, end } = stageRegular();
    const error = { code: 'internal', message: 'The request broke.', retryable: false } as const;
    answer({ at: 12, error });
    expect(end()).toEqual({ end: 'failed', error, at: 12, report: NOTHING });
  });

  it('fails when a request ended with nothing at all', () => {
    const { answer, end } = stageRegular();
    answer({});
    const error = { code: 'internal', message: 'The model request ended without an answer.', retryable: false };
    expect(end()).toEqual({ end: 'failed', error, at: 10, report: NOTHING });
  });

  it('stops when the request was aborted', () => {
    const { answer, end } = stageRegular();
    answer({ at: 12, value: { status: 'aborted' } });
    expect(end()).toEqual({ end: 'stopped', at: 12, report: NOTHING });
  });

  it('adds up what requests and calls report', () => {
    const work = stageRegular();
    const report = (killed: number) => ({ ...NOTHING, killed });
    work.answer({
      value: { status: 'completed', answer: null, calls: [call('a'), call('b')], more: false },
      report: report(1),
    });
    work.settle('a', 20, report(10));
    work.settle('b', 21, { ...report(100), survivors: 2, unsettled: 1 });
    work.says('Done.');
    expect(work.end()).toEqual({
      end: 'completed',
      answer: 'Done.',
      data: null,
      at: 10,
      report: { killed: 111, survivors: 2, unsettled: 1, sessions: [] },
    });
  });
});

describe('the calls of a step', () => {
  it('run beside each other when they may', () => {
    const work = stageRegular();
    work.says(null, ['a', 'b', 'c']);
    expect(work.started()).toEqual(['a', 'b', 'c']);
    expect(work.actor.getSnapshot().context.running.map(({ callId }) => callId)).toEqual(['a', 'b', 'c']);
  });

  it('wait for those before them when one of them may not, and run in their order', () => {
    const work = stageRegular();
    const seen = [work.started()];
    const look = () => seen.push(work.started());
    work.says(null, ['a', 'b', 'X', 'Y', 'c', 'd']);
    look();
    for (const callId of ['b', 'a', 'X', 'Y']) {
      work.settle(callId);
      look();
    }
    expect(seen).toEqual([
      [],
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b', 'X'],
      ['a', 'b', 'X', 'Y'],
      ['a', 'b', 'X', 'Y', 'c', 'd'],
    ]);
    work.settle('d');
    expect(work.state()).toBe('calling');
    work.settle('c');
    expect([work.state(), work.samples.last().input.step]).toEqual(['sampling', 2]);
  });

  it('start with the one that must be alone when it comes first', () => {
    const work = stageRegular();
    work.says(null, ['X', 'a', 'b']);
    expect(work.started()).toEqual(['X']);
    work.settle('X');
    expect(work.started()).toEqual(['X', 'a', 'b']);
  });

  it('are let go of when they have settled', () => {
    const work = stageRegular();
    work.says(null, ['a', 'b']);
    work.settle('a');
    expect(Object.keys(work.actor.getSnapshot().children)).toEqual(['call/1']);
    work.settle('b');
    expect(Object.keys(work.actor.getSnapshot().children)).toEqual(['sample']);
  });

  it('fail the work when one of them crashes', () => {
    const work = stageRegular();
    work.says(null, ['a', 'b']);
    work.calls.all[0]?.crash('The call broke.');
    expect(work.above).toEqual([
      { type: 'xstate.error.actor.work', actorId: 'work', error: new Error('The call broke.') },
    ]);
    expect(work.calls.all.map(({ isStopped }) => isStopped)).toEqual([false, true]);
  });
});

describe('the wish to wrap up', () => {
  const wrapUp = (work: ReturnType<typeof stageRegular>) => work.actor.send({ type: 'work.wind-down' });

  it('lets the request that runs end, and completes with its answer although the user has said more', () => {
    const work = stageRegular();
    wrapUp(work);
    expect(work.state()).toBe('sampling');
    work.says('That is it.', [], true);
    expect(work.end()).toEqual({ end: 'completed', answer: 'That is it.', data: null, at: 10, report: NOTHING });
  });

  it('lets the calls of the request that runs be done, and asks nothing more', () => {
    const work = stageRegular();
    wrapUp(work);
    work.says(null, ['X', 'Y']);
    work.settle('X');
    expect([work.state(), work.started()]).toEqual(['calling', ['X', 'Y']]);
    work.settle('Y', 44);
    expect(work.samples.all.length).toBe(1);
    expect(work.end()).toEqual({ end: 'completed', answer: null, data: null, at: 44, report: NOTHING });
  });

  it('lets the calls that run and wait be done', () => {
    const work = stageRegular();
    work.says(null, ['X', 'Y']);
    wrapUp(work);
    work.settle('X');
    work.settle('Y', 55);
    expect(work.end()).toEqual({ end: 'completed', answer: null, data: null, at: 55, report: NOTHING });
  });
});

describe('a cancel', () => {
  const CANCEL = { type: 'work.cancel', deadline: 200, at: 100 } as const;
  const KILL = { type: 'work.kill', at: 200 } as const;
  const ACKNOWLEDGED = { type: 'work.acknowledged', at: 100 };

  it('goes to the request that runs, is acknowledged, and the work stops when that has ended', () => {
    const work = stageRegular();
    work.actor.send(CANCEL);
    expect([work.state(), work.samples.last().heard, work.above]).toEqual(['sampling', [CANCEL], [ACKNOWLEDGED]]);
    work.answer({ at: 130, cancelled: true, value: { status: 'aborted' } });
    expect(work.end()).toEqual({ end: 'stopped', at: 130, report: NOTHING });
  });

  it.each([
    ['has answered with calls', { status: 'completed', answer: null, calls: [call('a')], more: true }],
    ['has failed', { status: 'failed', error: MODEL_ERROR }],
    ['has given up', null],
  ] as const)('lets nothing start although the request %s meanwhile', (_, value) => {
    const work = stageRegular();
    work.actor.send(CANCEL);
    work.answer({ at: 130, cancelled: true, value });
    expect([work.started(), work.samples.all.length]).toEqual([[], 1]);
    expect(work.end()).toEqual({ end: 'stopped', at: 130, report: NOTHING });
  });

  it('goes to the calls that run; those that wait never start', () => {
    const work = stageRegular();
    work.says(null, ['a', 'b', 'X', 'c']);
    work.actor.send(CANCEL);
    expect([work.state(), work.above]).toEqual(['stopping', [ACKNOWLEDGED]]);
    expect(work.actor.getSnapshot().context).toMatchObject({
      waiting: [],
      running: [{ callId: 'a' }, { callId: 'b' }],
    });
    expect(work.calls.all.map(({ heard }) => heard)).toEqual([[CANCEL], [CANCEL]]);
    work.settle('a', 110, { ...NOTHING, killed: 1 });
    expect([work.state(), Object.keys(work.actor.getSnapshot().children)]).toEqual(['stopping', ['call/1']]);
    work.settle('b', 120, { ...NOTHING, killed: 2 });
    expect([work.started(), work.samples.all.length]).toEqual([['a', 'b'], 1]);
    expect(work.end()).toEqual({ end: 'stopped', at: 120, report: { ...NOTHING, killed: 3 } });
  });

  it('goes only to calls that have not settled', () => {
    const work = stageRegular();
    work.says(null, ['a', 'b']);
    work.settle('a');
    work.actor.send(CANCEL);
    expect(work.calls.all.map(({ heard }) => heard)).toEqual([[], [CANCEL]]);
  });

  it('stops a work that was to wrap up, too', () => {
    const work = stageRegular();
    work.says(null, ['X', 'Y']);
    work.actor.send({ type: 'work.wind-down' });
    work.actor.send(CANCEL);
    work.settle('X', 140);
    expect([work.started(), work.end()]).toEqual([['X'], { end: 'stopped', at: 140, report: NOTHING }]);
  });

  it('is followed by the kill: of the request', () => {
    const work = stageRegular();
    work.actor.send(CANCEL);
    work.actor.send(KILL);
    expect([work.state(), work.samples.last().heard]).toEqual(['sampling', [CANCEL, KILL]]);
  });

  it('is followed by the kill: of the calls that are left', () => {
    const work = stageRegular();
    work.says(null, ['a', 'b']);
    work.actor.send(CANCEL);
    work.settle('a', 150);
    work.actor.send(KILL);
    expect(work.calls.all.map(({ heard }) => heard)).toEqual([[CANCEL], [CANCEL, KILL]]);
    work.settle('b', 250, { ...NOTHING, unsettled: 1 });
    expect(work.end()).toEqual({ end: 'stopped', at: 250, report: { ...NOTHING, unsettled: 1 } });
  });
});

describe('a regular work whose agents still work when its model has nothing more to say', () => {
  const CANCEL = { type: 'work.cancel', deadline: 200, at: 100 } as const;

  it('waits for them, and asks the model again when there is news', () => {
    const { awaits, awaited, says, agents, state, samples, end } = stageRegular();
    awaits('Let us see.');
    const waiting = [state(), agents.last().input];
    awaited({ value: true });
    const asked = [state(), samples.all.length];
    says('All is well.');
    expect([waiting, asked, state(), end()]).toEqual([
      ['awaiting-agents', TASK],
      ['sampling', 2],
      'over',
      { end: 'completed', answer: 'All is well.', at: 10, report: NOTHING_TO_REPORT, data: null },
    ]);
  });

  it('is over with its last answer when there is none', () => {
    const { awaits, awaited, state, end } = stageRegular();
    awaits('Let us see.');
    awaited({ value: false });
    expect([state(), end()]).toEqual([
      'over',
      { end: 'completed', answer: 'Let us see.', at: 30, report: NOTHING_TO_REPORT, data: null },
    ]);
  });

  it('stops waiting when it is told to stop, and has not completed then', () => {
    const { actor, awaits, awaited, agents, above, state, end } = stageRegular();
    awaits('Let us see.');
    actor.send(CANCEL);
    const told = [agents.last().heard, above.map(({ type }) => type)];
    awaited({ cancelled: true });
    expect([told, state(), end()?.end]).toEqual([[[CANCEL], ['work.acknowledged']], 'over', 'stopped']);
  });

  it('completes with its last answer when it is to wrap up', () => {
    const { actor, awaits, awaited, agents, end } = stageRegular();
    awaits('Let us see.');
    actor.send({ type: 'work.wind-down' });
    expect(agents.last().heard.map(({ type }) => type)).toEqual(['work.cancel']);
    awaited({ cancelled: true });
    expect(end()).toEqual({ end: 'completed', answer: 'Let us see.', at: 30, report: NOTHING_TO_REPORT, data: null });
  });
});

describe('a regular work whose history has become too long', () => {
  const CANCEL = { type: 'work.cancel', deadline: 200, at: 100 } as const;
  const STOPPED = { end: 'stopped', at: 110, report: NOTHING_TO_REPORT } as const;

  it('has it compacted, and then makes the same step', () => {
    const { full, compacted, says, compactions, state, samples, end } = stageRegular();
    full();
    const compacting = [state(), compactions.last().input];
    compacted({ end: 'completed', answer: null, data: {}, at: 15, report: NOTHING_TO_REPORT });
    expect([compacting, state(), samples.all.map(({ input }) => [input.step, input.isCompacted])]).toEqual([
      ['compacting', { ...TASK, kind: 'compact' }],
      'sampling',
      [
        [1, false],
        [1, true],
      ],
    ]);
    says('done');
    expect(end()?.end).toBe('completed');
  });

  it('may compact again for a later step', () => {
    const { full, compacted, says, settle, samples } = stageRegular();
    const done = { end: 'completed', answer: null, data: {}, at: 15, report: NOTHING_TO_REPORT } as const;
    full();
    compacted(done);
    says(null, ['a']);
    settle('a');
    full();
    compacted(done);
    expect(samples.all.map(({ input }) => [input.step, input.isCompacted])).toEqual([
      [1, false],
      [1, true],
      [2, false],
      [2, true],
    ]);
  });

  it('fails when that fails', () => {
    const { full, compacted, end } = stageRegular();
    const error = { code: 'unauthorized', message: 'Key?', retryable: false } as const;
    full();
    compacted({ end: 'failed', error, at: 15, report: NOTHING_TO_REPORT });
    expect(end()).toEqual({ end: 'failed', error, at: 15, report: NOTHING_TO_REPORT });
  });

  it('passes on what it is told while it compacts, and is over when that is', () => {
    const { actor, full, compacted, compactions, state, end } = stageRegular();
    full();
    actor.send(CANCEL);
    actor.send({ type: 'work.kill', at: 200 });
    expect([compactions.last().heard, state()]).toEqual([[CANCEL, { type: 'work.kill', at: 200 }], 'compacting']);
    compacted(STOPPED);
    expect([state(), end()]).toEqual(['over', STOPPED]);
  });
});
