import { describe, expect } from 'vitest';
import { endOf, stageDefined } from './defined-stage.ts';
import { END, stageDelegate, TASK_ENDED } from './delegate-stage.ts';
import { BELOW, requestOf, stageSession } from './session-stage.ts';
import { whenRestored } from './when-restored.ts';

const CANCEL = { type: 'work.cancel', deadline: 200, at: 100 } as const;
const KILL = { type: 'work.kill', at: 200 } as const;

describe('a delegate that is restored', () => {
  whenRestored(stageDelegate, [
    {
      state: 'running',
      into: () => {},
      toEnd({ session, sessions, relays, state, end }) {
        expect([sessions.all.length, relays.all.length, session.heard]).toEqual([1, 1, []]);
        session.say(TASK_ENDED);
        expect(state()).toBe('closing');
        session.finish(undefined);
        expect(end()?.end).toEqual(END);
      },
    },
    {
      state: 'cancelling',
      into: ({ actor }) => actor.send(CANCEL),
      toEnd({ actor, session, above }) {
        actor.send(KILL);
        expect(session.heard).toEqual([{ type: 'op.kill', at: 200 }]);
        session.say({ type: 'session.acknowledged', at: 101 });
        expect(above).toEqual([{ type: 'work.acknowledged', from: 's2', at: 101 }]);
        session.say(TASK_ENDED);
        session.finish(undefined);
      },
    },
    {
      state: 'closing',
      into: ({ session }) => session.say(TASK_ENDED),
      toEnd: ({ session }) => session.finish(undefined),
    },
    { state: 'over', into: ({ session }) => session.finish(undefined), toEnd: () => {} },
  ]);
});

describe('a work that is a function and is restored', () => {
  type Work = ReturnType<typeof stageDefined>;
  const cancelled = (work: Work) => {
    work.open('s2');
    work.actor.send(CANCEL);
  };
  const finish = ({ delegates, returns }: Work) => {
    delegates.last().finish(endOf('s2'));
    returns({ cancelled: true });
  };

  whenRestored<Work>(stageDefined, [
    {
      state: 'running',
      into: (work) => void work.open('s2'),
      toEnd(work) {
        work.delegates.last().finish(endOf('s2'));
        expect(work.delivered).toEqual([endOf('s2')]);
        work.returns({ value: { answer: null, data: {} } });
      },
    },
    {
      state: 'joining',
      into(work) {
        work.open('s2');
        work.returns({ value: { answer: null, data: {} } });
      },
      toEnd: ({ delegates }) => delegates.last().finish(endOf('s2')),
    },
    {
      state: { stopping: 'acknowledging' },
      into: cancelled,
      toEnd(work) {
        work.delegates.last().say({ type: 'work.acknowledged', from: 's2', at: 101 });
        expect([work.state(), work.above.length]).toEqual([{ stopping: 'settling' }, 1]);
        finish(work);
      },
    },
    { state: { stopping: 'settling' }, into: ({ actor }) => actor.send(CANCEL), toEnd: ({ returns }) => returns() },
    {
      state: { stopping: 'killing-delegates' },
      into(work) {
        cancelled(work);
        work.actor.send(KILL);
      },
      toEnd: finish,
    },
    {
      state: { stopping: 'killing-body' },
      into({ actor }) {
        actor.send(CANCEL);
        actor.send(KILL);
      },
      toEnd: ({ returns }) => returns({ cancelled: true }),
    },
    { state: 'over', into: ({ returns }) => returns(), toEnd: () => {} },
  ]);
});

describe('a session that is restored', () => {
  type Session = ReturnType<typeof stageSession>;
  const clear = (activity: string) => ({ activity, attention: 'clear', showing: 'at-once' });
  const busy = ({ start }: Session) => {
    start('x', { placement: 'beside' });
    start('a');
    start('b');
  };
  const settling = (session: Session) => {
    busy(session);
    session.complete('a');
  };
  /** The session closes, and these, which run, come to their end. */
  const close = (session: Session, taskIds: readonly string[]) => {
    session.close();
    for (const taskId of taskIds) session.aborted(taskId);
    for (const taskId of taskIds) session.release(taskId);
  };

  whenRestored<Session>(
    (store) => stageSession(store === undefined ? {} : { store }),
    [
      { state: clear('idle'), into: () => {}, toEnd: ({ close }) => close() },
      {
        state: clear('busy'),
        into: busy,
        toEnd(session) {
          session.complete('a');
          session.release('a');
          expect([session.told, session.above.length]).toEqual([['end a completed', 'start b'], 1]);
          close(session, ['b', 'x']);
        },
      },
      {
        state: clear('replacing'),
        into(session) {
          session.start('a');
          session.start('b', { whenBusy: 'replace' });
        },
        toEnd(session) {
          session.aborted('a');
          session.release('a');
          expect(session.told).toEqual(['end a aborted', 'start b']);
          close(session, ['b']);
        },
      },
      {
        state: clear('settling'),
        into: settling,
        toEnd(session) {
          session.release('a');
          expect(session.told).toEqual(['start b']);
          close(session, ['b', 'x']);
        },
      },
      {
        state: clear('closing'),
        into(session) {
          busy(session);
          session.close();
        },
        toEnd: (session) => close(session, ['a', 'x']),
      },
      {
        state: { activity: 'idle', attention: 'awaiting-decision', showing: 'at-once' },
        into({ actor, clock }) {
          actor.send({ type: 'request.opened', request: requestOf('r1', { expiresMs: 300 }) });
          actor.send({ type: 'request.opened', request: requestOf('r2') });
          clock.advance(100);
        },
        toEnd({ clock, told, context, close }) {
          clock.advance(199);
          expect(told).toEqual([]);
          clock.advance(1);
          expect([told.at(-1), context().requests.map(({ id }) => id)]).toEqual(['settle r1', ['r2']]);
          close();
        },
      },
      {
        state: { activity: 'closed', attention: 'over', showing: 'over' },
        into: ({ close }) => close(),
        toEnd: () => {},
      },
    ],
  );
});

describe('a sub-session with a queue of requests that is restored', () => {
  whenRestored(
    (store) =>
      stageSession({
        path: BELOW,
        turns: { requestsOpenMax: 8, requestsPerMinuteMax: 1 },
        ...(store === undefined ? {} : { store }),
      }),
    [
      {
        state: { activity: 'idle', attention: 'clear', showing: 'in-turn' },
        into({ actor, clock }) {
          const at = clock.now();
          for (const requestId of ['r1', 'r2', 'r3']) {
            actor.send({ type: 'request.asked', taskId: 'a', requestId, identity: requestId, boundTo: requestId, at });
          }
          clock.advance(100);
        },
        toEnd({ actor, clock, context, close }) {
          clock.advance(59_900);
          expect(context().own.map(({ requestId, shownAt }) => [requestId, shownAt])).toEqual([
            ['r1', 1_000],
            ['r2', 61_000],
            ['r3', null],
          ]);
          expect(actor.getSnapshot().value.showing).toBe('in-turn');
          close();
        },
      },
    ],
  );
});
