import { describe } from 'vitest';
import type { Decision, Resolution } from '../../src/protocol/requests.ts';
import type { ChartCoverage } from '../../src/testing/index.ts';
import { APPROVED, BELOW, ROOT, stageSession } from '../machines/session-stage.ts';
import { NOTHING_SHOWN, type ShowingEvent, type ShowingModel, type ShowingRules, showingOf } from './showing-model.ts';
import { reducerModel, walkModel } from './walk-model.ts';

type Session = ReturnType<typeof stageSession>;
/** What can happen in a walk, and how often something is asked: all of it at once would be a hundred thousand ways. */
type Scope = Readonly<{ rules: ShowingRules; asks: number; events: readonly ShowingEvent[] }>;

const BELOW_FEW: ShowingRules = { open: 1, perMinute: 1, isRoot: false };
const AT_ROOT: ShowingRules = { open: null, perMinute: null, isRoot: true };
const ASKS = ['a asks x', 'b asks x'] as const;
const DENIALS = [
  ...ASKS,
  'a asks x otherwise',
  'the oldest is denied',
  'the oldest is denied by nobody',
  'the oldest is denied, and all with it',
  'all is denied above',
  'a completes',
  'another ends',
] as const;
const TASKS = [
  ...ASKS,
  'the oldest is withdrawn',
  'the oldest is denied',
  'a stops',
  'a completes',
  'a crashes',
  'b completes',
  'a moment passes',
  'close',
] as const;

const SCOPES: Readonly<Record<string, Scope>> = {
  'in turn': {
    rules: { open: 1, perMinute: 2, isRoot: false },
    asks: 3,
    events: [
      ...ASKS,
      'b asks y',
      'the oldest is approved by a policy',
      'the oldest expires',
      'the newest is withdrawn',
      'a crashes',
      'a moment passes',
      'a minute passes',
    ],
  },
  'once, when it is the same': {
    rules: { open: 1, perMinute: null, isRoot: false },
    asks: 3,
    events: [
      ...ASKS,
      'the oldest is approved',
      'the oldest is approved once',
      'the oldest is withdrawn',
      'the newest is withdrawn',
      'the decision on the oldest is to abort',
      'the oldest expires',
      'a stops',
      'a moment passes',
    ],
  },
  'unless it was denied': { rules: BELOW_FEW, asks: 3, events: DENIALS },
  'unless it was denied, at the root': { rules: AT_ROOT, asks: 3, events: DENIALS },
  'as long as its task runs': { rules: BELOW_FEW, asks: 2, events: TASKS },
  'as long as its task runs, at the root': { rules: AT_ROOT, asks: 2, events: TASKS },
};

/** Walks what a session does with the requests that it asks itself. */
export function walkShowing(coverage: ChartCoverage): void {
  describe.each(Object.entries(SCOPES))('shows what it asks %s', (_, { rules, asks: asksMax, events }) => {
    walkModel<Session, ShowingEvent, ShowingModel>('and says so', {
      chart: coverage,
      model: reducerModel('showing-model', NOTHING_SHOWN, showingOf(rules)),
      cannot(event, { value, asked, count, running, stopping, closing }) {
        if (value === 'over' || !events.includes(event)) return true;
        const [who, verb] = event.split(' ');
        if (verb === 'asks')
          return count >= asksMax || !running.some((task) => task === who && !stopping.includes(task));
        if (verb === 'stops') return stopping.includes('a') || !running.includes('a');
        if (verb === 'completes' || verb === 'crashes') return !running.some((task) => task === who);
        if (event === 'close') return closing;
        return event.includes('est ') && asked.length === 0;
      },
      stage: () => stageAsking(rules),
      actor: ({ actor }) => actor,
      act: {
        'a asks x': (session) => asks(session, 'a', 'x'),
        'a asks x otherwise': (session) => asks(session, 'a', 'x', 'x otherwise'),
        'b asks x': (session) => asks(session, 'b', 'x'),
        'b asks y': (session) => asks(session, 'b', 'y'),
        'the oldest is approved': (session) => ends(session, 0, APPROVED),
        'the oldest is approved once': (session) => ends(session, 0, answered({ decision: 'approved', count: 1 })),
        'the oldest is approved by a policy': (session) => ends(session, 0, answered('approved', 'policy')),
        'the oldest is denied': (session) => ends(session, 0, answered('denied')),
        'the oldest is denied by nobody': (session) => ends(session, 0, answered('denied', 'nobody')),
        'the oldest is denied, and all with it': (session) =>
          ends(session, 0, answered({ decision: 'denied', all: true })),
        'the decision on the oldest is to abort': (session) => ends(session, 0, answered('abort')),
        'the oldest expires': (session) => ends(session, 0, { how: 'expired' }),
        'the oldest is withdrawn': (session) => ends(session, 0, WITHDRAWN),
        'the newest is withdrawn': (session) => ends(session, -1, WITHDRAWN),
        'another ends': ({ actor, clock }) =>
          actor.send({ type: 'request.settled', requestId: 'unknown', resolution: APPROVED, at: clock.now() }),
        'all is denied above': ({ actor, clock }) =>
          actor.send({ type: 'op.deny-all', message: null, at: clock.now() }),
        'a stops': (session) => session.abort('a'),
        'a completes': (session) => completes(session, 'a'),
        'a crashes': (session) => {
          session.task('a').crash('It broke.');
          release(session, 'a');
        },
        'b completes': (session) => completes(session, 'b'),
        'a moment passes': ({ clock }) => clock.advance(0),
        'a minute passes': ({ clock }) => clock.advance(60_000),
        close: (session) => session.close(),
      },
      seen: ({ actor, told }) => ({
        value: actor.getSnapshot().value.showing,
        told: told.filter((line) => /^(asked|shown|count|pass|end r\d)/.test(line)),
      }),
    });
  });
}

const WITHDRAWN: Resolution = { how: 'withdrawn', why: 'aborted' };
const answered = (decision: Decision, by: 'client' | 'policy' | 'nobody' = 'client'): Resolution => ({
  how: 'answered',
  decision,
  by,
});

/** A session with the tasks a and b, which both may ask. */
function stageAsking({ open: requestsOpenMax, perMinute: requestsPerMinuteMax, isRoot }: ShowingRules): Session {
  const session = stageSession({ path: isRoot ? ROOT : BELOW, turns: { requestsOpenMax, requestsPerMinuteMax } });
  session.start('a');
  session.start('b', { placement: 'beside' });
  return session;
}

function asks({ actor, clock, told }: Session, taskId: string, boundTo: string, identity = boundTo): void {
  const requestId = `r${told.filter((line) => line.startsWith('asked')).length + 1}`;
  actor.send({ type: 'request.asked', taskId, requestId, identity, boundTo, at: clock.now() });
}

function ends({ actor, clock, context }: Session, place: number, resolution: Resolution): void {
  const requestId = context().own.at(place)?.requestId ?? '';
  actor.send({ type: 'request.settled', requestId, resolution, at: clock.now() });
}

function completes(session: Session, taskId: string): void {
  session.complete(taskId);
  release(session, taskId);
}

/** One below has closed when its last task ended, before anybody saw the terminal. */
function release(session: Session, taskId: string): void {
  if (session.actor.getSnapshot().status === 'active') session.release(taskId);
}
