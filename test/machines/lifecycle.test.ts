import { describe, expect, it } from 'vitest';
import { createActor, fromCallback } from 'xstate';
import { lifecycle, type WorkLogic } from '../../machines/lifecycle.ts';
import type { WorkCommand } from '../../src/protocol/messages.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';
import { START, stageTask, TASK } from './lifecycle-stage.ts';
import { audience, timerLogic } from './puppet.ts';

const REPORT = { killed: 0, survivors: 0, unsettled: 0, sessions: [] };
const MODEL_ERROR = { code: 'model-error', message: 'It said no.', retryable: true } as const;

describe('a task that nobody aborts', () => {
  it('gives its work what the task was given, and runs', () => {
    const { work, state, above } = stageTask();
    expect({ input: work.input, heard: work.heard, state: state(), above }).toEqual({
      input: TASK,
      heard: [],
      state: 'running',
      above: [],
    });
  });

  it('completes with what its work says it has done', () => {
    const { work, end, state, above, actor } = stageTask();
    work.say({ type: 'work.done', at: 1_040, answer: 'Done.', data: { lines: 3 } });
    const told = { taskId: 'job/1', kind: 'job', at: 1_040, end: 'completed', answer: 'Done.', data: { lines: 3 } };
    expect([state(), actor.getSnapshot().status, end()]).toEqual(['completed', 'done', told]);
    expect(above).toEqual([{ type: 'xstate.done.actor.job/1', actorId: 'job/1', output: told }]);
  });

  it('completes without an answer when its work gives none', () => {
    const { work, end } = stageTask();
    work.say({ type: 'work.done', at: 1_040 });
    expect(end()).toEqual({ taskId: 'job/1', kind: 'job', at: 1_040, end: 'completed', answer: null, data: null });
  });

  it('completes with the output of a work that has ended', () => {
    const { work, end, state } = stageTask();
    work.finish({ end: 'completed', at: 1_050, answer: 'Yes.', data: [1], report: REPORT });
    const told = { taskId: 'job/1', kind: 'job', at: 1_050, end: 'completed', answer: 'Yes.', data: [1] };
    expect([state(), end()]).toEqual(['completed', told]);
  });

  it('fails with what its work says has failed', () => {
    const { work, end, state } = stageTask();
    work.say({ type: 'work.failed', at: 1_050, error: MODEL_ERROR });
    const told = { taskId: 'job/1', kind: 'job', at: 1_050, end: 'failed', error: MODEL_ERROR };
    expect([state(), end()]).toEqual(['completed', told]);
  });

  it('fails with the output of a work that has ended badly', () => {
    const { work, end } = stageTask();
    work.finish({ end: 'failed', at: 1_050, error: MODEL_ERROR, report: REPORT });
    expect(end()).toEqual({ taskId: 'job/1', kind: 'job', at: 1_050, end: 'failed', error: MODEL_ERROR });
  });

  it('fails, and does not crash, when its work throws', () => {
    const { work, end, actor } = stageTask();
    work.crash('The work broke.');
    const error = { code: 'internal', message: 'The work broke.', retryable: false };
    expect([actor.getSnapshot().status, end()]).toEqual([
      'done',
      { taskId: 'job/1', kind: 'job', at: 0, end: 'failed', error },
    ]);
  });

  it('fails when its work stops although nobody asked it to', () => {
    const { work, end } = stageTask();
    work.finish({ end: 'stopped', at: 1_050, report: REPORT });
    expect(end()).toEqual({
      taskId: 'job/1',
      kind: 'job',
      at: 1_050,
      end: 'failed',
      error: {
        code: 'internal',
        message:
          'The work stopped although nobody had asked it to. This is a defect of the work; its log shows how far it came.',
        retryable: false,
      },
    });
  });

  it('passes the wish to wrap up on to its work, and goes on', () => {
    const { actor, work, state } = stageTask();
    actor.send({ type: 'task.cancel' });
    expect([state(), work.heard]).toEqual(['running', [{ type: 'work.wind-down' }]]);
  });

  it('lets nothing be killed that was not aborted', () => {
    const { kill, work, state } = stageTask();
    kill();
    expect([state(), work.heard]).toEqual(['running', []]);
  });

  it('runs on when its work answers what nobody has asked', () => {
    const { work, state, above } = stageTask();
    work.say({ type: 'work.acknowledged', at: START });
    work.say({ type: 'work.settled', at: START });
    expect([state(), above]).toEqual(['running', []]);
  });

  it('keeps to its first end, and stops the work', () => {
    const { work, above, actor } = stageTask();
    work.say({ type: 'work.done', at: 1_040, answer: 'First.' });
    expect([above.length, work.isStopped, actor.getSnapshot().status]).toEqual([1, true, 'done']);
  });

  it('sets no timer', () => {
    expect(stageTask().clock.pending()).toEqual([]);
  });
});

describe('a work that says two things at once', () => {
  type Say = (event: { type: string; at: number; [key: string]: unknown }) => void;

  /** A task whose work says things from inside the handler that hears of the cancel. */
  function stageHasty(onCancel: (say: Say) => void, onStart: (say: Say) => void = () => {}) {
    const clock = createSteppedClock(START);
    const above = audience(clock);
    const work = fromCallback<WorkCommand>(({ receive, sendBack }) => {
      receive((command) => {
        if (command.type === 'work.cancel') onCancel(sendBack);
      });
      onStart(sendBack);
    });
    const cleanup = fromCallback(({ sendBack }) => sendBack({ type: 'nothing' }));
    const machine = lifecycle({ id: 'job', description: 'A job.' }).provide({
      actors: {
        work: work as unknown as WorkLogic, // XState wants the snapshot types to be equal, not assignable.
        cleanup: cleanup as never, // It never ends, so its output is of no interest.
        timer: timerLogic,
      },
    });
    const actor = createActor(machine, { id: 'job/1', parent: above.ref, input: TASK }).start();
    const abort = () => actor.send({ type: 'task.abort', reason: 'interrupted', at: START, deadline: START + 100 });
    return { actor, clock, abort, above: above.heard, end: () => actor.getSnapshot().output };
  }

  it('completes with the first when it says both as it starts', () => {
    const { end, above } = stageHasty(
      () => {},
      (say) => {
        say({ type: 'work.done', at: START, answer: 'First.' });
        say({ type: 'work.failed', at: START, error: MODEL_ERROR });
      },
    );
    expect([end()?.end, above.length]).toEqual(['completed', 1]);
  });

  it('is aborted once when it acknowledges, settles and is done in one breath', () => {
    const { abort, clock, above, actor } = stageHasty((say) => {
      say({ type: 'work.acknowledged', at: START });
      say({ type: 'work.settled', at: START });
      say({ type: 'work.done', at: START, answer: 'Too late.' });
    });
    abort();
    expect(actor.getSnapshot().value).toEqual({ 'grace-wait': 'cleanup' });
    clock.advance(600);
    const ends = above.filter(({ type }) => type === 'xstate.done.actor.job/1');
    expect([actor.getSnapshot().value, ends.length, actor.getSnapshot().output?.end]).toEqual([
      'aborted',
      1,
      'aborted',
    ]);
  });

  it('is aborted, not failed, when it settles and then throws', () => {
    const { abort, clock, end, actor } = stageHasty((say) => {
      say({ type: 'work.settled', at: START });
      throw new Error('One last thing.');
    });
    abort();
    clock.advance(600);
    expect([actor.getSnapshot().status, end()?.end]).toEqual(['done', 'aborted']);
  });
});
