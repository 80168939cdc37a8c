import { describe, expect, it } from 'vitest';
import { createActor, type SnapshotFrom, setup } from 'xstate';
import { systemClock } from '../../src/runtime/clock.ts';
import { bindClock, clockOf } from '../../src/runtime/system-clock.ts';
import { timer } from '../../src/runtime/timer.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';

const START = 1_000;

type Event = { type: 'deadline.passed'; at: number } | { type: 'leave' };

/** A machine that waits in a state until it is told to leave; `told` is what its timer tells it. */
function stageTimer(deadline: number | null, { clock = createSteppedClock(START), snapshot }: Stored = {}) {
  const told: Event[] = [];
  const machine = setup({
    types: {} as { events: Event; input: { deadline: number | null }; context: { deadline: number | null } },
    actors: { timer },
    actions: { note: ({ event }) => void told.push(event) },
  }).createMachine({
    context: ({ input }) => input,
    initial: 'waiting',
    states: {
      waiting: {
        invoke: { src: 'timer', input: ({ context }) => context },
        on: { leave: 'left', 'deadline.passed': { actions: 'note' } },
      },
      left: {},
    },
  });
  const actor = createActor(machine, {
    input: { deadline },
    ...(snapshot === undefined ? {} : { snapshot: snapshot as SnapshotFrom<typeof machine> }), // It was JSON meanwhile.
  });
  bindClock(actor.system, clock);
  actor.start();
  return { actor, clock, told };
}

type Stored = { clock?: ReturnType<typeof createSteppedClock>; snapshot?: unknown };

describe('a timer', () => {
  it('tells its parent once the clock shows the deadline, and not before', () => {
    const { clock, told } = stageTimer(START + 50);
    clock.advance(49);
    expect(told).toEqual([]);
    clock.advance(1);
    expect(told).toEqual([{ type: 'deadline.passed', at: START + 50 }]);
    clock.advance(1_000);
    expect(told.length).toBe(1);
  });

  it('tells it when the clock moves on, if the deadline has passed already', () => {
    const { clock, told } = stageTimer(START - 500);
    expect([told, clock.pending()]).toEqual([[], [0]]);
    clock.advance(0);
    expect(told).toEqual([{ type: 'deadline.passed', at: START }]);
  });

  it('without a deadline never tells it, and occupies no clock', () => {
    const { clock, told } = stageTimer(null);
    clock.advance(1_000_000);
    expect([told, clock.pending()]).toEqual([[], []]);
  });

  it('that is stopped tells nothing any more', () => {
    const { actor, clock, told } = stageTimer(START + 50);
    actor.send({ type: 'leave' });
    expect(clock.pending()).toEqual([]);
    clock.advance(100);
    expect(told).toEqual([]);
  });

  it('that is restored keeps its deadline: it does not begin to count anew', () => {
    const { actor, clock } = stageTimer(START + 50);
    clock.advance(30);
    const snapshot = JSON.parse(JSON.stringify(actor.getPersistedSnapshot()));
    actor.stop();
    expect(clock.pending()).toEqual([]);
    const { told } = stageTimer(null, { clock, snapshot });
    expect(clock.pending()).toEqual([20]);
    clock.advance(20);
    expect(told).toEqual([{ type: 'deadline.passed', at: START + 50 }]);
  });
});

describe('the clock of a system', () => {
  it('is the one that was bound to it, for all its actors', () => {
    const clock = createSteppedClock(START);
    const { actor } = stageTimer(null, { clock });
    expect(Object.values(actor.getSnapshot().children).map((child) => child && clockOf(child.system))).toEqual([clock]);
  });

  it('is that of the machine when none was bound', () => {
    const actor = createActor(timer, { input: { deadline: null } });
    expect(clockOf(actor.system)).toBe(systemClock);
    bindClock(actor.system, createSteppedClock(START));
    expect(clockOf(actor.system)).not.toBe(systemClock);
  });
});
