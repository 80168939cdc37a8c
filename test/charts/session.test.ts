import { describe } from 'vitest';
import { sessionMachine } from '../../machines/session.machine.ts';
import { chartCoverage } from '../../src/testing/index.ts';
import { APPROVED, requestOf, stageSession } from '../machines/session-stage.ts';
import { type AttentionEvent, type AttentionModel, NOTHING_ASKED, nextAttention } from './attention-model.ts';
import { NEW_SESSION, nextSession, type SessionEvent, type SessionModel } from './session-model.ts';
import { coversAll, heardBy, reducerModel, walkModel } from './walk-model.ts';
import { walkShowing } from './walk-showing.ts';

type Session = ReturnType<typeof stageSession>;
const nextId = ({ told }: Session) => `t${told.filter((line) => line.startsWith('answer t')).length + 1}`;
const foreground = ({ context }: Session) => context().foreground?.taskId ?? '';
const beside = ({ context }: Session) => context().beside[0]?.taskId ?? '';

/** How many starts there are in a walk. */
const STARTS_MAX = 2;

/** How many requests are opened in a walk, and how long those that expire are open. */
const REQUESTS_MAX = 2;
const EXPIRES_MS = 1_000_000;
const asked = ({ context }: Session) => context().requests.map(({ id }) => id);
const opened = new WeakMap<Session, number>();
function open(session: Session, more: { expiresMs?: number } = {}): void {
  const count = (opened.get(session) ?? 0) + 1;
  opened.set(session, count);
  session.actor.send({ type: 'request.opened', request: requestOf(`r${count}`, more) });
}
const settle = ({ actor, clock }: Session, requestId: string | undefined) =>
  actor.send({ type: 'request.settled', requestId: requestId ?? '', resolution: APPROVED, at: clock.now() });

describe('the chart of a session', () => {
  const coverage = chartCoverage(sessionMachine);

  walkModel<Session, SessionEvent, SessionModel>('what runs', {
    chart: coverage,
    model: reducerModel('session-model', NEW_SESSION, nextSession),
    cannot(event, { value, task, beside: others, queue, inputs, unseen, started }) {
      if (value === 'closed') return true;
      if (event.startsWith('start'))
        return (
          started >= STARTS_MAX ||
          (event.includes('owned') && task === null) ||
          (event === 'start in a crowd' && value !== 'idle')
        );
      if (event.startsWith('the task') || event.endsWith('the task')) return task === null;
      if (event.startsWith('the one beside')) return others.length === 0;
      if (event.endsWith('terminal is seen'))
        return unseen.length === 0 || (event.includes('last') && unseen.length === 1);
      if (event === 'its turn comes') return value !== 'admitting';
      if (event === 'abort the next') return queue.length === 0;
      if (event === 'steer') return inputs.length > 0 || task === 'said-i' || unseen.includes('said-i');
      return event === 'inputs are taken' && inputs.length === 0;
    },
    stage: stageSession,
    actor: ({ actor }) => actor,
    act: {
      start: (session) => session.start(nextId(session)),
      'start in its place': (session) => session.start(nextId(session), { whenBusy: 'replace' }),
      'start unless busy': (session) => session.start(nextId(session), { whenBusy: 'reject' }),
      'start beside': (session) => session.start(nextId(session), { placement: 'beside' }),
      'start beside, owned': (session) =>
        session.start(nextId(session), { placement: 'beside', owner: foreground(session) }),
      'start in a crowd': (session) => session.crowd(nextId(session)),
      steer: (session) => session.steer('i'),
      'inputs are taken': ({ actor }) => actor.send({ type: 'inputs.taken', inputIds: ['i'] }),
      'its turn comes': (session) => session.grant(),
      'the task completes': (session) => session.complete(foreground(session)),
      'the task is aborted': (session) => session.aborted(foreground(session)),
      'the task crashes': (session) => session.task(foreground(session)).crash('It broke.'),
      'the one beside completes': (session) => session.complete(beside(session)),
      'the one beside crashes': (session) => session.task(beside(session)).crash('It broke.'),
      'the first terminal is seen': (session) => session.release(session.context().unreleased[0] ?? ''),
      'the last terminal is seen': (session) => session.release(session.context().unreleased.at(-1) ?? ''),
      interrupt: (session) => session.interrupt(),
      'abort the task': (session) => session.abort(foreground(session)),
      'abort the next': (session) => session.abort(session.context().queue[0]?.taskId ?? ''),
      'cancel the task': (session) => session.actor.send({ type: 'op.cancel', taskId: foreground(session) }),
      kill: ({ actor, clock }) => actor.send({ type: 'op.kill', at: clock.now() }),
      'the task acknowledges': (session) =>
        session
          .task(foreground(session))
          .say({ type: 'task.acknowledged', taskId: foreground(session), at: session.clock.now() }),
      close: (session) => session.close(),
    },
    seen: (session) => ({
      value: String(session.activity()),
      told: [
        ...session.told,
        ...session.above.filter(({ type }) => type === 'session.acknowledged').map(({ type }) => `above ${type}`),
        ...session.tasks.all.flatMap(({ input, heard }) => heardBy(input.taskId, heard)),
      ],
    }),
  });

  walkModel<Session, AttentionEvent, AttentionModel>('what it is asked for', {
    chart: coverage,
    model: reducerModel('attention-model', NOTHING_ASKED, nextAttention),
    cannot(event, { open, opened }) {
      if (event.endsWith('is opened')) return opened >= REQUESTS_MAX;
      return event !== 'another is settled' && event !== 'time passes' && open.length === 0;
    },
    stage: stageSession,
    actor: ({ actor }) => actor,
    act: {
      'one is opened': (session) => open(session),
      'one that expires is opened': (session) => open(session, { expiresMs: EXPIRES_MS }),
      'the first is settled': (session) => settle(session, asked(session).at(0)),
      'the last is closed below': ({ actor, context }) =>
        actor.send({ type: 'request.closed', requestId: context().requests.at(-1)?.id ?? '' }),
      'another is settled': (session) => settle(session, 'unknown'),
      'the first is counted': ({ actor, context }) =>
        actor.send({ type: 'request.counted', requestId: context().requests[0]?.id ?? '', count: 2 }),
      'a decision comes': (session) =>
        session.actor.send({
          type: 'op.answer',
          requestId: asked(session).at(0) ?? '',
          decision: 'approved',
          by: 'client',
        }),
      'time passes': ({ clock }) => clock.advance(2 * EXPIRES_MS),
    },
    seen: (session) => ({
      value: String(session.attention()),
      told: session.told.map((line) => line.replace(/ at \d+$/, '')),
    }),
  });

  walkShowing(coverage);

  coversAll(coverage);
});
