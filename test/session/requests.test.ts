import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type Decision, defineTask, defineTool, type RequestSubject, type SessionRequest } from '../../src/index.ts';
import { next, nextOf, rig } from './rig.ts';

const question = (id: string): RequestSubject => ({ kind: 'question', questions: [{ id, question: `${id}?` }] });

/** Asks everything at once, and gives back what came. */
const asker = defineTask({
  input: z.object({ ids: z.array(z.string()) }),
  work: async ({ ids }, ports) => ({
    answers: await Promise.all(ids.map(async (id) => [id, await ports.ask(question(id))] as const)),
  }),
});

const answered = (value: string): Decision => ({ decision: 'answered', answers: { value } });

async function requestsOf(
  session: ReturnType<typeof rig>['session'],
  count: number,
): Promise<readonly SessionRequest[]> {
  while (session.pending().length < count) await nextOf(session, 'request.opened');
  return session.pending();
}

describe('requests', () => {
  it('are many at a time, answered in any order, and each decision reaches the call that asked', async () => {
    const { session } = rig({ tasks: { asker } });
    session.requests$.subscribe(() => {});
    const task = session.start('asker', { ids: ['first', 'second', 'third'] });
    const open = await requestsOf(session, 3);
    expect(open.map(({ subject }) => subject)).toEqual([question('first'), question('second'), question('third')]);
    for (const { id, subject } of [...open].reverse()) {
      const name = subject.kind === 'question' ? (subject.questions[0]?.id ?? '') : '';
      expect(session.answer(id, answered(name))).toBe('accepted');
    }
    expect(await task.outcome).toMatchObject({
      status: 'completed',
      answers: [
        ['first', answered('first')],
        ['second', answered('second')],
        ['third', answered('third')],
      ],
    });
    expect(session.pending()).toEqual([]);
    await session.close();
  });

  it('end once: a second answer is told so and changes nothing, an unknown id is unknown', async () => {
    const { session, events } = rig({ tasks: { asker } });
    session.requests$.subscribe(() => {});
    const task = session.start('asker', { ids: ['only'] });
    const [request] = await requestsOf(session, 1);
    const id = request?.id ?? '';
    expect(session.answer('req_of_nobody', 'denied')).toBe('unknown-request');
    expect(session.answer(id, answered('yes'))).toBe('accepted');
    expect(session.answer(id, answered('no'))).toBe('already-resolved');
    expect(await task.outcome).toMatchObject({ answers: [['only', answered('yes')]] });
    expect(events.filter(({ type }) => type === 'request.resolved')).toHaveLength(1);
    await session.close();
  });

  it('refuse a decision that does not fit what was asked, and stay open', async () => {
    const { session } = rig({ tasks: { asker } });
    session.requests$.subscribe(() => {});
    const task = session.start('asker', { ids: ['only'] });
    const [request] = await requestsOf(session, 1);
    expect(() => session.answer(request?.id ?? '', 'approved')).toThrow('Expected a decision for a question request');
    expect(session.pending()).toHaveLength(1);
    await task.abort();
    await session.close();
  });

  it('of a sub-session are visible at the root with their path while its events keep flowing, and are answered there', async () => {
    const talker = defineTask({
      input: z.object({}),
      work: async (_input, ports) => {
        const decision = ports.ask(question('deep'));
        for (let count = 0; count < 3; count += 1) {
          await Promise.resolve();
          ports.commit({ type: 'warning.raised', code: 'progress', message: String(count) });
        }
        return { got: await decision };
      },
    });
    const parent = defineTask({
      input: z.object({}),
      work: async (_input, ports) => ({ inner: await ports.delegate({ kind: 'talker', input: {}, as: 'talk' }) }),
    });
    const { session, events } = rig({ tasks: { talker, parent } });
    session.requests$.subscribe(() => {});
    const task = session.start('parent', {});
    await next(session, (event) => event.type === 'warning.raised' && event.message === '2');
    const [request] = session.pending();
    const [child] = session.children();
    expect(request?.path).toEqual([
      { sessionId: session.id, kind: 'root' },
      { sessionId: child?.id, kind: 'talk', taskId: task.id },
    ]);
    expect(child?.pending()).toEqual([request]);
    expect(session.at(request?.path ?? [])).toBe(child);
    expect(session.waitingOn().map(({ path, cause }) => [path.length, cause])).toEqual([
      [1, 'sub-session'],
      [2, 'work'],
    ]);
    expect(session.answer(request?.id ?? '', answered('from the root'))).toBe('accepted');
    expect(await task.outcome).toMatchObject({ inner: { status: 'completed', got: answered('from the root') } });
    expect(events.filter(({ type }) => type === 'request.resolved').map(({ sessionId }) => sessionId)).toEqual([
      child?.id,
    ]);
    expect(session.children()).toEqual([]);
    await session.close();
  });

  it('at depth eight reach the root once, and one answer releases the leaf', async () => {
    const nest = defineTask({
      input: z.object({ below: z.number() }),
      work: async ({ below }, ports): Promise<object> => {
        if (below === 0) return { got: await ports.ask(question('leaf')) };
        const inner = await ports.delegate({ kind: 'nest', input: { below: below - 1 } });
        return inner.status === 'completed' ? inner : { failed: inner };
      },
    });
    const seen: SessionRequest[] = [];
    const { session } = rig({
      tasks: { nest },
      onRequest: (request) => {
        seen.push(request);
        return answered('deep');
      },
    });
    const task = session.start('nest', { below: 8 });
    expect(await task.outcome).toMatchObject({ status: 'completed', got: answered('deep') });
    expect(seen.map(({ path }) => path.map(({ kind }) => kind))).toEqual([['root', ...Array(8).fill('nest')]]);
    await session.close();
  });

  it('that nobody listens to are denied at once, with a warning', async () => {
    const { session, events } = rig({ tasks: { asker } });
    const task = session.start('asker', { ids: ['anyone'] });
    expect(await task.outcome).toMatchObject({
      answers: [['anyone', { decision: 'denied', message: 'Nobody is there to decide it.' }]],
    });
    expect(
      events
        .filter(({ type }) => type === 'warning.raised')
        .map((event) => event.type === 'warning.raised' && event.code),
    ).toEqual(['nobody-listening']);
    await session.close();
  });

  it('expire when nobody decides in time, and say so', async () => {
    const { session, events } = rig({ tasks: { asker }, limits: { requestTimeoutMs: 30 }, onRequest: () => undefined });
    const task = session.start('asker', { ids: ['slow'] });
    expect(await task.outcome).toMatchObject({
      answers: [['slow', { decision: 'denied', message: 'Nobody decided within 30 ms.' }]],
    });
    expect(events.find(({ type }) => type === 'request.resolved')).toMatchObject({ resolution: { how: 'expired' } });
    await session.close();
  });

  it('tell their handler when they have ended without it', async () => {
    const told = Promise.withResolvers<void>();
    const shown = Promise.withResolvers<SessionRequest>();
    const { session } = rig({
      tasks: { asker },
      onRequest: (request, { signal }) => {
        shown.resolve(request);
        return new Promise(() => signal.addEventListener('abort', () => told.resolve()));
      },
    });
    const task = session.start('asker', { ids: ['x'] });
    expect(session.answer((await shown.promise).id, answered('quicker'))).toBe('accepted');
    await told.promise;
    expect(await task.outcome).toMatchObject({ status: 'completed' });
    await session.close();
  });

  it('are denied, with the reason as a warning, when their handler fails or answers nonsense', async () => {
    for (const onRequest of [() => Promise.reject(new Error('broken')), () => 'approved' as const]) {
      const { session, events } = rig({ tasks: { asker }, onRequest });
      const task = session.start('asker', { ids: ['x'] });
      expect(await task.outcome).toMatchObject({
        answers: [['x', { decision: 'denied', message: 'Nobody is there to decide it.' }]],
      });
      expect(events.find(({ type }) => type === 'warning.raised')).toMatchObject({ code: 'request-handler-failed' });
      await session.close();
    }
  });

  it('answered with abort end the asking task', async () => {
    const { session } = rig({ tasks: { asker }, onRequest: () => 'abort' });
    expect(await session.start('asker', { ids: ['x'] }).outcome).toMatchObject({
      status: 'aborted',
      reason: 'interrupted',
    });
    await session.close();
  });

  it('of parallel tool calls release only their own call', async () => {
    const ran: string[] = [];
    const act = defineTool({
      name: 'act',
      description: 'Acts.',
      input: z.object({ name: z.string() }),
      parallel: true,
      check: ({ name }) => ({
        verdict: 'ask',
        key: name,
        subject: { kind: 'command', argv: [name], shown: name, cwd: '/', sandbox: 'read-only', escalated: false },
      }),
      execute: ({ name }) => {
        ran.push(name);
        return name;
      },
    });
    const script = [{ call: ['one', 'two'].map((name) => ({ name: 'act', arguments: { name } })) }, { say: 'Done.' }];
    const { session } = rig({ script, tools: [act] });
    session.requests$.subscribe(() => {});
    const task = session.run('go');
    const open = await requestsOf(session, 2);
    expect(session.answer(open[1]?.id ?? '', 'approved')).toBe('accepted');
    await next(session, (event) => event.type === 'request.resolved');
    expect(session.answer(open[0]?.id ?? '', 'denied')).toBe('accepted');
    expect(await task.outcome).toMatchObject({ status: 'completed', answer: 'Done.' });
    expect(ran).toEqual(['two']);
    expect(session.entries().flatMap((entry) => (entry.type === 'output' ? [entry.output] : []))).toEqual([
      'rejected by user',
      'two',
    ]);
    await session.close();
  });

  it('approved for the session are not asked again for the same thing, anywhere in the tree', async () => {
    let asked = 0;
    const command = (callId: string) => ({
      call: { name: 'shell', arguments: { command: 'touch /dev/null' }, callId },
    });
    const { session } = rig({
      script: [command('a'), command('b'), { say: 'Done.' }],
      approvalPolicy: 'untrusted',
      rollout: 'fast',
      onRequest: () => {
        asked += 1;
        return 'approved-for-session';
      },
    });
    expect(await session.run('twice').outcome).toMatchObject({ status: 'completed' });
    expect(asked).toBe(1);
    await session.close();
  });

  it('are never made under the policy never: the call is refused and the model goes on', async () => {
    const script = [{ call: { name: 'shell', arguments: { command: 'rm -f /not-there' } } }, { say: 'So be it.' }];
    const { session, events } = rig({ script, approvalPolicy: 'never', onRequest: () => 'approved' });
    expect(await session.run('try').outcome).toMatchObject({ status: 'completed', answer: 'So be it.' });
    expect(events.some(({ type }) => type === 'request.opened')).toBe(false);
    expect(session.history().find(({ type }) => type === 'command_execution')).toMatchObject({ status: 'declined' });
    await session.close();
  });
});
