import { beforeAll, describe, it } from 'vitest';
import type { SessionEvent } from '../../src/index.ts';
import { invariants, watchRun } from '../../src/testing/index.ts';
import { programOf } from './program.ts';
import { type Simulated, simulate } from './simulate.ts';

const SEEDS = 150;
const runs: Simulated[] = [];

beforeAll(async () => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const run = await simulate(programOf(seed));
    // A run that was cut has not kept all of them by then.
    if (run.program.cutAtTimer === null) runs.push(run);
  }
});

/** What is done to the events of a run that kept every promise, so that one of them is broken. */
type Break = (events: readonly SessionEvent[]) => readonly SessionEvent[];

const first = (events: readonly SessionEvent[], fits: (event: SessionEvent) => boolean) => {
  const at = events.findIndex(fits);
  if (at === -1) throw new Error('Expected an event that fits, got none.');
  return at;
};
const without =
  (fits: (event: SessionEvent) => boolean): Break =>
  (events) =>
    events.toSpliced(first(events, fits), 1);
const twice =
  (fits: (event: SessionEvent) => boolean): Break =>
  (events) => {
    const at = first(events, fits);
    return events.toSpliced(at, 0, ...events.slice(at, at + 1));
  };
const changed =
  (fits: (event: SessionEvent) => boolean, change: (event: SessionEvent) => object): Break =>
  (events) => {
    const at = first(events, fits);
    return events.with(at, { ...events[at], ...change(events[at] as SessionEvent) } as SessionEvent); // It was found on the line before.
  };
const last =
  (fits: (event: SessionEvent) => boolean): Break =>
  (events) => {
    const at = first(events, fits);
    return [...events.toSpliced(at, 1), ...events.slice(at, at + 1)];
  };
const isType = (type: SessionEvent['type']) => (event: SessionEvent) => event.type === type;

const BREAKS: Readonly<Record<string, Break>> = {
  A2: without((event) => event.type === 'task.completed'),
  A3: last(isType('step.started')),
  A6: changed(
    (event) => event.type === 'task.started' && event.placement === 'beside',
    () => ({ placement: undefined }),
  ),
  A11: twice(isType('request.opened')),
  B13: twice(isType('task.aborting')),
  B17: (events) => {
    const at = first(events, isType('task.aborting'));
    const step = { ...events[at], type: 'step.started', step: 9, seq: null } as unknown as SessionEvent; // Of the same task.
    return events.toSpliced(at + 1, 0, step);
  },
  B19: (events) => {
    const at = first(events, (event) => event.path.length > 1);
    const opener = events[at]?.path[1]?.taskId;
    const end = first(
      events,
      (event) =>
        event.type.startsWith('task.') &&
        event.taskId === opener &&
        event.type !== 'task.started' &&
        event.type !== 'task.aborting',
    );
    return [...events.slice(0, end + 1), ...events.slice(at, at + 1), ...events.slice(end + 1)];
  },
  C24: without((event) => event.type === 'item.completed'),
  C26: twice(isType('item.completed')),
  C27: changed(
    (event) =>
      event.type === 'item.completed' && event.item.type === 'agent_message' && event.item.partial === undefined,
    (event) => ({ item: { ...(event as { item: object }).item, text: 'Something else.' } }),
  ),
  C31: changed(isType('step.started'), () => ({ sessionId: 'another' })),
  D32: without(isType('request.resolved')),
  D33: last(isType('request.resolved')),
  E46: twice((event) => event.type === 'item.started' && event.item.type === 'command_execution'),
  J96: twice(isType('session.closed')),
};

describe.each(invariants)('$id: $promise', ({ id }) => {
  it('is seen to be broken where it is', () => {
    const breaks = BREAKS[id];
    if (breaks === undefined) throw new Error(`Expected a way to break ${id}, got none.`);
    for (const { events } of runs) {
      let wrong: readonly SessionEvent[];
      try {
        wrong = breaks(events);
      } catch {
        continue; // Nothing of the kind happens in this run.
      }
      const run = watchRun();
      for (const event of wrong) run.event(event);
      const broken = run.end().map((one) => one.id);
      if (broken.includes(id)) return;
    }
    throw new Error('Expected one of the runs to break it, got none.');
  });
});
