import { beforeAll, describe, it } from 'vitest';
import type { SessionEvent } from '../../src/index.ts';
import { invariants, watchRun } from '../../src/testing/index.ts';
import { TRACE_BREAKS } from './broken-traces.ts';
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
  A4: changed(isType('task.aborted'), () => ({ type: 'task.completed', kind: 'regular', answer: null })),
  A12: changed(
    (event) => event.type === 'task.completed' && event.answer !== null,
    () => ({ answer: 'Something else.' }),
  ),
  B20: (events) => {
    const at = first(events, (event) => event.type === 'task.aborting' && event.reason === 'parent-aborted');
    const { path, time: before } = events[at] as SessionEvent; // It was found on the line before.
    const time = new Date(Date.parse(before) + 1).toISOString();
    const opener = { sessionId: path.at(-2)?.sessionId, path: path.slice(0, -1), taskId: path.at(-1)?.taskId };
    const step = {
      ...events[at],
      ...opener,
      time,
      type: 'step.started',
      step: 9,
      seq: null,
    } as unknown as SessionEvent; // Of what opened it.
    return events.toSpliced(at + 1, 0, step);
  },
  C25: without(isType('child.opened')),
  D34: changed(isType('request.resolved'), () => ({ taskId: 'another' })),
  D36: changed(isType('request.resolved'), () => ({
    resolution: { how: 'answered', decision: 'approved', by: 'nobody' },
  })),
  D40: (events) => {
    const asks = (event: SessionEvent) => event.type === 'request.opened' && event.request.subject.kind === 'command';
    const taskId = events[first(events, asks)]?.taskId;
    return changed(
      (event) => event.type === 'task.started' && event.taskId === taskId,
      (event) => ({ context: { ...(event as { context: object }).context, approvalPolicy: 'never' } }),
    )(events);
  },
  D41: changed(isType('request.opened'), (event) => ({
    request: { ...(event as { request: object }).request, sessionId: 'another' },
  })),
  D43: (events) => {
    const denied = events.flatMap((event) =>
      event.type === 'request.resolved' && event.resolution.how === 'answered' && event.resolution.decision === 'denied'
        ? [event.requestId]
        : [],
    );
    const calls = events.flatMap((event) =>
      event.type === 'request.opened' && denied.includes(event.request.id) ? [event.request.callId] : [],
    );
    return changed(
      (event) =>
        event.type === 'item.completed' && event.item.type === 'command_execution' && calls.includes(event.item.callId),
      (event) => ({ item: { ...(event as { item: object }).item, status: 'completed' } }),
    )(events);
  },
  G63: changed(
    (event) => event.type === 'session.opened' && event.path.length > 1 && event.context?.sandbox === 'read-only',
    (event) => ({ context: { ...(event as { context: object }).context, sandbox: 'danger-full-access' } }),
  ),
  J92: changed(isType('session.opened'), (event) => ({
    limits: { ...(event as { limits: object }).limits, depthMax: 0 },
  })),
  J93: changed(isType('usage.updated'), () => ({ total: { totalTokens: 0 } })),
};

describe.each(invariants.filter(({ id }) => !(id in TRACE_BREAKS)))('$id: $promise', ({ id }) => {
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
