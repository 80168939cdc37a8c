import { describe, expect, it } from 'vitest';
import { BACKSTOP_MS } from '../../machines/lifecycle.ts';
import { NOTHING_TO_REPORT } from '../../src/protocol/messages.ts';
import { GRACE_MS, KILL_MS, START, stageTask } from './lifecycle-stage.ts';
import { stored } from './puppet.ts';
import { stageRegular } from './regular-stage.ts';
import { stageCall } from './tool-call-stage.ts';
import { whenRestored } from './when-restored.ts';

const CANCEL = { type: 'work.cancel', deadline: 200, at: 100 } as const;
const KILL = { type: 'work.kill', at: 200 } as const;

describe('a task that is restored', () => {
  type Task = ReturnType<typeof stageTask>;
  const aborting = (task: Task) => {
    task.clock.advance(10);
    task.abort();
    task.clock.advance(20);
  };
  const settling = (task: Task) => {
    aborting(task);
    task.work.say({ type: 'work.acknowledged', at: task.clock.now() });
    task.clock.advance(30);
  };
  const killing = (task: Task) => {
    settling(task);
    task.clock.advance(GRACE_MS);
  };
  const cleanup = (task: Task) => {
    settling(task);
    task.work.say({ type: 'work.settled', at: task.clock.now() });
  };

  whenRestored<Task>(stageTask, [
    { state: 'running', into: () => {}, toEnd: ({ work }) => work.say({ type: 'work.done', at: START }) },
    { state: 'aborting', into: aborting, toEnd: ({ clock }) => clock.advance(10_000) },
    { state: { 'grace-wait': 'settling' }, into: settling, toEnd: ({ clock }) => clock.advance(10_000) },
    { state: { 'grace-wait': 'killing' }, into: killing, toEnd: ({ clock }) => clock.advance(10_000) },
    { state: { 'grace-wait': 'cleanup' }, into: cleanup, toEnd: ({ cleanUp }) => cleanUp() },
    {
      state: 'aborted',
      into(task) {
        cleanup(task);
        task.cleanUp();
      },
      toEnd: () => {},
    },
    { state: 'completed', into: ({ work }) => work.say({ type: 'work.done', at: START }), toEnd: () => {} },
  ]);

  it('keeps to the deadlines that it had, to the millisecond', () => {
    const before = stageTask();
    settling(before);
    const { clock, end } = stageTask(stored(before.actor, before.clock));
    clock.advance(10_000);
    const at = START + 10 + GRACE_MS + KILL_MS + BACKSTOP_MS;
    expect(end()).toEqual({
      taskId: 'job/1',
      kind: 'job',
      at,
      end: 'aborted',
      reason: 'interrupted',
      report: { ...NOTHING_TO_REPORT, unsettled: 1 },
      phases: [
        { phase: 'aborting', ms: 20 },
        { phase: 'settling', ms: 80 },
        { phase: 'killing', ms: KILL_MS + BACKSTOP_MS },
        { phase: 'cleanup', ms: 0 },
      ],
      forced: true,
    });
  });

  it('does at once what was due while nothing ran', () => {
    const before = stageTask();
    settling(before);
    const { snapshot } = stored(before.actor, before.clock);
    const { clock, state, work } = stageTask({ snapshot, at: START + 200 });
    clock.advance(0);
    expect([state(), work.heard]).toEqual([
      { 'grace-wait': 'killing' },
      [{ type: 'work.kill', at: START + 200, deadline: START + 10 + GRACE_MS + KILL_MS }],
    ]);
  });

  it('still tells the session that it has acknowledged, and its end', () => {
    const before = stageTask();
    aborting(before);
    const { work, above, cleanUp } = stageTask(stored(before.actor, before.clock));
    work.say({ type: 'work.acknowledged', at: START + 30 });
    work.say({ type: 'work.settled', at: START + 30 });
    cleanUp();
    expect(above.map(({ type }) => type)).toEqual(['task.acknowledged', 'xstate.done.actor.job/1']);
  });
});

describe('a step loop that is restored', () => {
  type Work = ReturnType<typeof stageRegular>;
  const calling = (work: Work) => work.says(null, ['a', 'b', 'X']);

  whenRestored<Work>(stageRegular, [
    { state: 'sampling', into: () => {}, toEnd: ({ says }) => says('Done.') },
    {
      state: 'calling',
      into(work) {
        calling(work);
        work.settle('a');
      },
      toEnd(work) {
        expect(work.started()).toEqual(['b']);
        work.settle('b');
        expect(work.started()).toEqual(['b', 'X']);
        work.settle('X');
        work.says('Done.');
      },
    },
    {
      state: 'stopping',
      into(work) {
        calling(work);
        work.actor.send(CANCEL);
      },
      toEnd(work) {
        work.actor.send(KILL);
        expect(work.calls.all.map(({ heard }) => heard)).toEqual([[KILL], [KILL]]);
        work.settle('a');
        work.settle('b');
      },
    },
    { state: 'over', into: ({ says }) => says('Done.'), toEnd: () => {} },
  ]);

  it('still acknowledges to its task', () => {
    const before = stageRegular();
    const { actor, above } = stageRegular(stored(before.actor, before.clock));
    actor.send(CANCEL);
    expect(above).toEqual([{ type: 'work.acknowledged', at: 100 }]);
  });
});

describe('a tool call that is restored', () => {
  const end = { at: 50, error: null, cancelled: false, report: NOTHING_TO_REPORT };
  const asking = ({ checks }: ReturnType<typeof stageCall>) => checks.last().finish({ ...end, value: 'ask' });
  const executing = ({ checks }: ReturnType<typeof stageCall>) => checks.last().finish({ ...end, value: 'run' });

  whenRestored(stageCall, [
    {
      state: 'checking',
      into: () => {},
      toEnd(call) {
        executing(call);
        call.executions.last().finish({ ...end, value: true });
      },
    },
    { state: 'asking', into: asking, toEnd: ({ asks }) => asks.last().finish({ ...end, value: 'settled' }) },
    {
      state: 'executing',
      into: executing,
      toEnd: ({ executions }) => executions.last().finish({ ...end, value: true }),
    },
    {
      state: 'settled',
      into: ({ checks }) => checks.last().finish({ ...end, value: 'settled' }),
      toEnd: () => {},
    },
  ]);
});
