import { describe, expect, it } from 'vitest';
import { type AskEnd, type CheckEnd, type LeafEnd, NOTHING_TO_REPORT } from '../../src/protocol/messages.ts';
import { INPUT, stageCall } from './tool-call-stage.ts';

const NOTHING = { killed: 0, survivors: 0, unsettled: 0, sessions: [] };
const BROKE = { code: 'internal', message: 'It broke.', retryable: false } as const;
const CANCEL = { type: 'work.cancel', deadline: 200, at: 100 } as const;
const KILL = { type: 'work.kill', at: 200 } as const;

function ended<V>(value: V | null, more: Partial<LeafEnd<V>> = {}): LeafEnd<V> {
  return { at: 50, value, error: null, cancelled: false, report: NOTHING_TO_REPORT, ...more };
}

describe('a call', () => {
  it('runs when its check lets it', () => {
    const { checks, executions, state, steps, end } = stageCall();
    expect([state(), checks.last().input]).toEqual(['checking', INPUT]);
    checks.last().finish(ended<CheckEnd>('run'));
    expect([state(), executions.last().input, steps()]).toEqual(['executing', INPUT, [1, 0, 1]]);
    executions.last().finish(ended<true>(true, { at: 70, report: { ...NOTHING, killed: 1 } }));
    expect([state(), end()]).toEqual(['settled', { callId: 'call_1', at: 70, report: { ...NOTHING, killed: 1 } }]);
  });

  it('runs when it was asked for and approved', () => {
    const { checks, asks, executions, state, steps, end } = stageCall();
    checks.last().finish(ended<CheckEnd>('ask'));
    expect([state(), asks.last().input, steps()]).toEqual(['asking', INPUT, [1, 1, 0]]);
    asks.last().finish(ended<AskEnd>('run'));
    expect([state(), steps()]).toEqual(['executing', [1, 1, 1]]);
    executions.last().finish(ended<true>(true, { at: 80 }));
    expect(end()).toEqual({ callId: 'call_1', at: 80, report: NOTHING });
  });

  it('settles without having run when it was asked for and refused', () => {
    const { checks, asks, state, steps, end } = stageCall();
    checks.last().finish(ended<CheckEnd>('ask'));
    asks.last().finish(ended<AskEnd>('settled', { at: 60 }));
    expect([state(), steps(), end()]).toEqual(['settled', [1, 1, 0], { callId: 'call_1', at: 60, report: NOTHING }]);
  });

  it('settles at once when its check has refused it', () => {
    const { checks, state, steps, end } = stageCall();
    checks.last().finish(ended<CheckEnd>('settled'));
    expect([state(), steps(), end()]).toEqual(['settled', [1, 0, 0], { callId: 'call_1', at: 50, report: NOTHING }]);
  });

  it('settles when its check, its question or its execution has failed', () => {
    const [first, second, third] = [stageCall(), stageCall(), stageCall()];
    first.checks.last().finish(ended<CheckEnd>(null, { error: BROKE }));
    second.checks.last().finish(ended<CheckEnd>('ask'));
    second.asks.last().finish(ended<AskEnd>(null, { error: BROKE }));
    third.checks.last().finish(ended<CheckEnd>('run'));
    third.executions.last().finish(ended<true>(null, { error: BROKE }));
    expect([first, second, third].map(({ steps, end }) => [steps(), end()])).toEqual([
      [[1, 0, 0], { callId: 'call_1', at: 50, report: NOTHING }],
      [[1, 1, 0], { callId: 'call_1', at: 50, report: NOTHING }],
      [[1, 0, 1], { callId: 'call_1', at: 50, report: NOTHING }],
    ]);
  });

  it('has one output', () => {
    const { checks, executions, above } = stageCall();
    checks.last().finish(ended<CheckEnd>('run'));
    executions.last().finish(ended<true>(true));
    expect(above).toEqual([
      {
        type: 'xstate.done.actor.call/call_1',
        actorId: 'call/call_1',
        output: { callId: 'call_1', at: 50, report: NOTHING },
      },
    ]);
  });

  it('reports what its check has killed, too', () => {
    const { checks, executions, end } = stageCall();
    checks.last().finish(ended<CheckEnd>('run', { report: { ...NOTHING, killed: 1 } }));
    executions.last().finish(ended<true>(true, { report: { ...NOTHING, killed: 100 } }));
    expect(end()?.report).toEqual({ ...NOTHING, killed: 101 });
  });

  it('reports what its check and its question have killed, too', () => {
    const { checks, asks, executions, end } = stageCall();
    checks.last().finish(ended<CheckEnd>('ask', { report: { ...NOTHING, killed: 1 } }));
    asks.last().finish(ended<AskEnd>('run', { report: { ...NOTHING, killed: 10 } }));
    executions.last().finish(ended<true>(true, { report: { ...NOTHING, killed: 100 } }));
    expect(end()?.report).toEqual({ ...NOTHING, killed: 111 });
  });
});

describe('a call that is cancelled', () => {
  it.each(['run', 'ask', 'settled'] as const)(
    'stays where it is until its check has ended, and settles (%s)',
    (value) => {
      const { actor, checks, state, steps, end } = stageCall();
      actor.send(CANCEL);
      actor.send(KILL);
      expect([state(), checks.last().heard]).toEqual(['checking', [CANCEL, KILL]]);
      checks.last().finish(ended<CheckEnd>(value, { at: 120, cancelled: true }));
      expect([state(), steps(), end()]).toEqual(['settled', [1, 0, 0], { callId: 'call_1', at: 120, report: NOTHING }]);
    },
  );

  it.each(['run', 'settled', null] as const)(
    'stays where it is until its question has ended, and settles (%s)',
    (value) => {
      const { actor, checks, asks, state, steps, end } = stageCall();
      checks.last().finish(ended<CheckEnd>('ask'));
      actor.send(CANCEL);
      actor.send(KILL);
      expect([state(), checks.last().heard, asks.last().heard]).toEqual(['asking', [], [CANCEL, KILL]]);
      asks.last().finish(ended<AskEnd>(value, { at: 120, cancelled: true }));
      expect([state(), steps(), end()]).toEqual(['settled', [1, 1, 0], { callId: 'call_1', at: 120, report: NOTHING }]);
    },
  );

  it('stays where it is until its execution has ended, and settles', () => {
    const { actor, checks, executions, state, end } = stageCall();
    checks.last().finish(ended<CheckEnd>('run'));
    actor.send(CANCEL);
    actor.send(KILL);
    expect([state(), executions.last().heard]).toEqual(['executing', [CANCEL, KILL]]);
    const report = { ...NOTHING, unsettled: 1 };
    executions.last().finish(ended<true>(null, { at: 250, cancelled: true, report }));
    expect([state(), end()]).toEqual(['settled', { callId: 'call_1', at: 250, report }]);
  });
});
