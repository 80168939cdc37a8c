import { expect, it } from 'vitest';
import { createActor } from 'xstate';
import type { DelegateEnd, DelegateInput, delegate } from '../../machines/delegate.machine.ts';
import { type BodyValue, type StageInput, stagedWork, stagesOf } from '../../machines/staged-work.ts';
import { type LeafEnd, NOTHING_TO_REPORT, type WorkCommand } from '../../src/protocol/messages.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';
import { inputOf, TASK } from './defined-stage.ts';
import { audience, puppets } from './puppet.ts';

const chart = stagedWork({
  id: 'baking',
  description: 'Bakes.',
  stages: { mixing: 'Flour and water.', baking: 'In the oven.', serving: 'On a plate.' },
});

function stage() {
  const clock = createSteppedClock();
  const above = audience(clock);
  const bodies = puppets<StageInput, WorkCommand, LeafEnd<BodyValue>>();
  const delegates = puppets<DelegateInput, WorkCommand, DelegateEnd>();
  const machine = chart.provide({
    actors: { body: bodies.logic, delegate: delegates.logic as unknown as typeof delegate }, // XState wants equal types.
    actions: { deliverDelegate: () => {}, refuseDelegate: () => {} },
  });
  const actor = createActor(machine, { id: 'work', parent: above.ref, input: TASK }).start();
  const returns = (end: Partial<LeafEnd<BodyValue>>) =>
    bodies.last().finish({ at: 50, value: null, error: null, cancelled: false, report: NOTHING_TO_REPORT, ...end });
  return { actor, bodies, delegates, returns, state: () => actor.getSnapshot().value };
}

const made = (data: unknown) => ({ value: { answer: null, data }, report: { ...NOTHING_TO_REPORT, killed: 1 } });

it('goes through its stages, each of which begins with what the one before came to', () => {
  const { actor, bodies, returns, state } = stage();
  const states = [state()];
  for (const data of ['dough', 'bread', 'toast']) {
    returns(made(data));
    states.push(state());
  }
  expect(states).toEqual(['mixing', 'baking', 'serving', 'over']);
  expect(bodies.all.map(({ input }) => input)).toEqual([
    { task: TASK, stage: 'mixing', before: null },
    { task: TASK, stage: 'baking', before: 'dough' },
    { task: TASK, stage: 'serving', before: 'bread' },
  ]);
  const report = { ...NOTHING_TO_REPORT, killed: 3 };
  expect(actor.getSnapshot().output).toEqual({ end: 'completed', answer: null, data: 'toast', at: 50, report });
});

it('ends with the stage that fails', () => {
  const { actor, bodies, returns } = stage();
  returns(made('dough'));
  const error = { code: 'tool-error', message: 'Burnt.', retryable: false } as const;
  returns({ error });
  expect([actor.getSnapshot().output, bodies.all.length]).toEqual([
    { end: 'failed', error, at: 50, report: { ...NOTHING_TO_REPORT, killed: 1 } },
    2,
  ]);
});

it('begins no other stage once it is told to stop, and waits for the one that runs and its sub-sessions', () => {
  const { actor, bodies, delegates, returns, state } = stage();
  returns(made('dough'));
  actor.send({ type: 'delegate.open', input: inputOf('s2') });
  const cancel = { type: 'work.cancel', deadline: 200, at: 100 } as const;
  actor.send(cancel);
  const told = [bodies.last().heard, delegates.last().heard];
  returns({ cancelled: true });
  const waits = state();
  delegates.last().finish({ sessionId: 's2', at: 60, end: null, error: null, report: NOTHING_TO_REPORT });
  expect([told, waits, state(), bodies.all.length]).toEqual([
    [[cancel], [cancel]],
    { stopping: 'acknowledging' },
    'over',
    2,
  ]);
  expect(actor.getSnapshot().output?.end).toBe('stopped');
});

it('tells its stages from what every work has', () => {
  expect(stagesOf(Object.keys(chart.states))).toEqual(['mixing', 'baking', 'serving']);
});
