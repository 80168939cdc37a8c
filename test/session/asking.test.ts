import { describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { type Decision, defineTask, type RequestSubject, type SessionRequest } from '../../src/index.ts';
import { RESOLVED_MAX } from '../../src/limits.ts';
import { announceAsked, announceCount, announceDue, misfit, passDenial } from '../../src/session/asking.ts';
import { turns } from '../rollout/open-log.ts';
import { bookBehind } from './book-of.ts';
import { command } from './request-flood.ts';
import { nextOf, rig } from './rig.ts';

const question: RequestSubject = { kind: 'question', questions: [{ id: 'q', question: 'Shall I?' }] };
const SUBJECTS: Readonly<Record<string, RequestSubject>> = {
  command: command('ls'),
  patch: { kind: 'patch', changes: [], outsideWorkspace: [] },
  permissions: { kind: 'permissions', permissions: {} },
  question,
};

/** Asks for one thing, and gives back what came. */
const asker = defineTask({
  input: z.object({ what: z.string(), isLate: z.boolean().optional(), reason: z.string().optional() }),
  async work({ what, isLate, reason }, ports) {
    const options = { ...(isLate && { signal: AbortSignal.abort() }), ...(reason && { reason }) };
    try {
      return { got: await ports.ask(SUBJECTS[what] ?? question, options) };
    } catch (error) {
      return { got: String(error) };
    }
  },
});
const parent = defineTask({
  input: z.object({}),
  work: async (_input, ports) => ports.delegate({ kind: 'asker', input: { what: 'command' } }),
});
const tasks = { asker, parent };

describe('what is asked', () => {
  it.each(['command', 'patch', 'permissions'])(
    'is refused under the policy that asks nobody, if it is a %s',
    async (what) => {
      const { session, events } = rig({ tasks, approvalPolicy: 'never' });
      const message = 'The approval policy is "never": nothing is asked.';
      expect(await session.start('asker', { what }).outcome).toMatchObject({ got: { decision: 'denied', message } });
      expect(events.filter(({ type }) => type === 'request.opened')).toEqual([]);
      await session.close();
    },
  );

  it('is asked all the same under it, if it is a question', async () => {
    const decision: Decision = { decision: 'answered', answers: { q: 'Yes.' } };
    const { session } = rig({ tasks, approvalPolicy: 'never', onRequest: () => decision });
    expect(await session.start('asker', { what: 'question' }).outcome).toMatchObject({ got: decision });
    await session.close();
  });

  it('says why, if what asks has said so', async () => {
    const seen: (string | undefined)[] = [];
    const onRequest = ({ reason }: SessionRequest): Decision => {
      seen.push(reason);
      return 'denied';
    };
    const { session } = rig({ tasks, onRequest });
    await session.start('asker', { what: 'command', reason: 'To look around.' }).outcome;
    await session.start('asker', { what: 'patch' }).outcome;
    expect(seen).toEqual(['To look around.', undefined]);
    await session.close();
  });

  it('is withdrawn before it is asked when what asks has been told to stop', async () => {
    const { session, events } = rig({ tasks });
    const { outcome } = session.start('asker', { what: 'command', isLate: true });
    expect(await outcome).toMatchObject({
      got: 'TroupeError: The request was withdrawn: the task was aborted.',
    });
    expect(events.filter(({ type }) => type === 'request.opened')).toEqual([]);
    await session.close();
  });
});

describe('who decides for the caller', () => {
  const warnings = (events: ReturnType<typeof rig>['events']) =>
    events.flatMap((event) => (event.type === 'warning.raised' ? [[event.path.length, event.message]] : []));

  it.each([
    ['no decision', 7, 'It is no decision.'],
    [
      'a decision for something else',
      { decision: 'answered', answers: {} },
      'Expected a decision for a command request (approved, approved-for-session, approved-with-rule, denied, abort), got "answered".',
    ],
    [
      'an approval of none',
      { decision: 'approved', count: 0 },
      'Expected count to be how often it is approved, 1 or more, got 0.',
    ],
  ])('denies by %s, and is told why', async (_, decision, why) => {
    const onRequest = () => decision as Decision; // As a caller without types may say it.
    const { session, events } = rig({ tasks, onRequest });
    const message = 'Nobody is there to decide it.';
    expect(await session.start('asker', { what: 'command' }).outcome).toMatchObject({
      got: { decision: 'denied', message },
    });
    expect(warnings(events)).toEqual([[1, `onRequest failed, so the request was denied: ${why}`]]);
    await session.close();
  });

  it('of a sub-session is told at the root, which has none of its tasks', async () => {
    const { session, events } = rig({ tasks, onRequest: () => Promise.reject(new Error('offline')) });
    await session.start('parent', {}).outcome;
    expect(warnings(events)).toEqual([[1, 'onRequest failed, so the request was denied: offline']]);
    await session.close();
  });

  it('may fail once the request has ended, and may ask how often it is asked, which is once', async () => {
    const asked = Promise.withResolvers<() => number>();
    const late = Promise.withResolvers<Decision>();
    const { session, events } = rig({
      tasks,
      onRequest(_request, { count = () => 0 }) {
        asked.resolve(count);
        return late.promise;
      },
    });
    const task = session.start('asker', { what: 'command' });
    const count = await asked.promise;
    const whileOpen = count();
    await task.abort();
    late.reject(new Error('too late'));
    await session.close();
    expect([whileOpen, count(), warnings(events)]).toEqual([1, 1, []]);
  });
});

describe('what has ended meanwhile', () => {
  it('is not announced any more, and neither counted nor shown', async () => {
    const { session, events } = rig();
    const book = bookBehind(session);
    const heard = vi.fn();
    book.channel.announcements$.subscribe(heard);
    announceAsked(book, 'req_gone', null);
    announceDue(book, 'req_gone', 2);
    announceCount(book, 'req_gone', 2);
    passDenial(book, 'task_gone', null, 0);
    await session.close();
    expect([heard.mock.calls, events.filter(({ type }) => type.startsWith('request.'))]).toEqual([[], []]);
  });

  it('is remembered for ten thousand requests, and then the oldest is forgotten', async () => {
    const { session } = rig({ tasks });
    const open = nextOf(session, 'request.opened');
    session.requests$.subscribe(() => {});
    const { outcome } = session.start('asker', { what: 'command' });
    await open;
    const [request] = session.pending();
    const earlier = Array.from({ length: RESOLVED_MAX }, (_, at) => [`req_${at}`, 'withdrawn'] as const);
    bookBehind(session).world.resolved = new Map(earlier);
    expect(session.answer('req_0', 'denied')).toBe('withdrawn');
    session.answer(request?.id ?? '', 'approved');
    await outcome;
    expect(['req_0', 'req_1', request?.id ?? ''].map((id) => session.answer(id, 'denied'))).toEqual([
      'unknown-request',
      'withdrawn',
      'already-resolved',
    ]);
    await session.close();
  });
});

describe('a denial of everything', () => {
  it('of a task goes to the sub-sessions that it has opened, and to no others', async () => {
    const { session } = rig({ tasks });
    session.requests$.subscribe(() => {});
    const task = session.start('parent', {});
    while (session.pending().length === 0) await nextOf(session, 'request.opened');
    const book = bookBehind(session);
    passDenial(book, 'task_gone', 'Enough.', 0);
    await turns();
    const afterOthers = session.pending().length;
    passDenial(book, task.id, 'Enough.', 0);
    const got = { decision: 'denied', message: 'Enough.' };
    expect([afterOthers, await task.outcome]).toMatchObject([1, { status: 'completed', got }]);
    await session.close();
  });
});

it('says of a count that fits nothing what would fit', () => {
  const counted = (count: number) => misfit(command('ls'), { decision: 'approved', count });
  expect([counted(2), counted(0), counted(1.5)]).toEqual([
    null,
    'Expected count to be how often it is approved, 1 or more, got 0.',
    'Expected count to be how often it is approved, 1 or more, got 1.5.',
  ]);
});
