import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask, defineTool, type SessionEvent } from '../../src/index.ts';
import { next, nextOf, rig } from './rig.ts';

const taskEvents = (events: readonly SessionEvent[]) =>
  events.filter(({ type }) => type.startsWith('task.')).map(({ type, taskId }) => [type, taskId]);

/** Waits until it is aborted. */
const waiting = defineTask({
  input: z.object({}),
  work: (_input, _ports, signal) =>
    new Promise<object>((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
});

describe('a session', () => {
  it('tells a task in order: started, what is said and done, one terminal; and logs the same under the same numbers', async () => {
    const { session, events, log } = rig({ script: [{ say: ['Hel', 'lo.'] }] });
    const outcome = await session.run('greet').outcome;
    expect(outcome).toMatchObject({ status: 'completed', answer: 'Hello.' });
    const committed = events.filter(({ seq }) => seq !== null);
    expect(committed.map(({ seq }) => seq)).toEqual(committed.map((_event, index) => index));
    expect(committed.map(({ type }) => type)).toEqual([
      'session.opened',
      'task.started',
      'item.completed',
      'step.started',
      'item.started',
      'usage.updated',
      'item.completed',
      'step.completed',
      'task.completed',
    ]);
    expect(log.read(session.id).map(({ seq, type }) => [seq, type])).toEqual(
      committed.map(({ seq, type }) => [seq, type]),
    );
    const deltas = events.flatMap((event) => (event.type === 'item.delta' ? [event.delta] : []));
    expect(deltas.join('')).toBe('Hello.');
    await session.close();
  });

  it('shows a terminal only when its record is in the log', async () => {
    const gate = Promise.withResolvers<void>();
    const { session, events, log } = rig({ script: [{ say: 'Hi.' }] });
    session.events$.subscribe(({ type }) => {
      if (type === 'task.completed') gate.resolve();
    });
    session.run('greet');
    await gate.promise;
    expect(events.at(-1)?.type).toBe('task.completed');
    expect(log.read(session.id).at(-1)?.type).toBe('task.completed');
    await session.close();
  });

  it('replaces a regular task by the next one: the old terminal precedes the new start', async () => {
    const { session, events } = rig({ script: [{ hang: true }, { say: 'Second.' }] });
    const first = session.run('one');
    await nextOf(session, 'step.started');
    const second = session.run('two');
    expect(second.disposition).toEqual({ disposition: 'queued', taskId: second.id });
    expect(await first.outcome).toMatchObject({ status: 'aborted', reason: 'replaced' });
    expect(await second.outcome).toMatchObject({ status: 'completed', answer: 'Second.' });
    expect(taskEvents(events)).toEqual([
      ['task.started', first.id],
      ['task.aborting', first.id],
      ['task.aborted', first.id],
      ['task.started', second.id],
      ['task.completed', second.id],
    ]);
    await session.close();
  });

  it('queues and refuses as it is told', async () => {
    const { session, events } = rig({ script: [{ say: 'Done.' }], tasks: { waiting } });
    const first = session.start('waiting', {});
    const refused = session.run('now?', { whenBusy: 'reject' });
    const queued = session.run('later', { whenBusy: 'queue' });
    expect(refused.disposition).toEqual({ disposition: 'rejected', reason: 'busy' });
    expect(await refused.outcome).toMatchObject({ status: 'failed', error: { code: 'busy' } });
    expect(queued.disposition).toEqual({ disposition: 'queued', taskId: queued.id });
    await first.abort();
    expect(await queued.outcome).toMatchObject({ status: 'completed' });
    expect(taskEvents(events).map(([type]) => type)).toEqual([
      'task.started',
      'task.aborting',
      'task.aborted',
      'task.started',
      'task.completed',
    ]);
    await session.close();
  });

  it('answers a thousand starts at once: each starts once and ends once, the last one completes', async () => {
    const { session, events } = rig({ script: Array.from({ length: 1_000 }, () => ({ say: 'x' })), rollout: 'off' });
    const tasks = Array.from({ length: 1_000 }, (_, index) => session.run(`start ${index}`));
    const outcomes = await Promise.all(tasks.map((task) => task.outcome));
    expect(outcomes.filter(({ status }) => status === 'aborted')).toHaveLength(999);
    const started = events.filter(({ type }) => type === 'task.started').map(({ taskId }) => taskId);
    expect(started).toEqual(tasks.map(({ id }) => id));
    await session.close();
  });

  it('lets a task beside run on its own, without replacing anything, and aborts it on interrupt', async () => {
    const beside = { ...waiting, placement: 'beside' as const };
    const { session } = rig({ script: [{ say: 'Done.' }], tasks: { beside, waiting } });
    const background = session.start('beside', {});
    const foreground = session.run('work');
    expect(background.disposition.disposition).toBe('started');
    expect(await foreground.outcome).toMatchObject({ status: 'completed' });
    const [receipt, outcome] = await Promise.all([session.interrupt(), background.outcome]);
    expect(receipt.outcome).toBe('aborted');
    expect(outcome).toMatchObject({ status: 'aborted', reason: 'interrupted' });
    await session.close();
  });

  it('steers the running task at its next step, in order', async () => {
    const step = Promise.withResolvers<void>();
    const { session, model, events } = rig({
      script: [{ call: { name: 'shell', arguments: { command: 'echo one' } }, waitFor: step.promise }, { say: 'Two.' }],
      rollout: 'fast',
    });
    const task = session.run('begin');
    await nextOf(session, 'step.started');
    expect(session.steer('also this')).toEqual({ disposition: 'steered', taskId: task.id });
    expect(task.steer('and that')).toEqual({ disposition: 'steered', taskId: task.id });
    step.resolve();
    expect(await task.outcome).toMatchObject({ status: 'completed', answer: 'Two.' });
    expect(events.filter(({ type }) => type === 'input.queued')).toHaveLength(2);
    const said = model.requests[1]?.history.flatMap((entry) =>
      entry.type === 'message' && entry.role === 'user' ? entry.content : [],
    );
    expect(said).toEqual(['begin', 'also this', 'and that'].map((text) => ({ type: 'text', text })));
    expect(task.steer('too late')).toEqual({ disposition: 'rejected', reason: 'not-running' });
    await session.close();
  });

  it('starts a task for what is steered while nothing runs, and keeps what an abort left over for the next one', async () => {
    const { session, model } = rig({ script: [{ say: 'One.' }, { hang: true }, { say: 'Three.' }] });
    expect(session.steer('hello').disposition).toBe('started');
    await nextOf(session, 'task.completed');
    const hanging = session.run('hang');
    await nextOf(session, 'step.started');
    session.steer('meanwhile');
    const receipt = await hanging.abort();
    expect(receipt.queued).toEqual({ kept: 1, dropped: 0 });
    await session.run('next').outcome;
    const said = model.requests
      .at(-1)
      ?.history.flatMap((entry) => (entry.type === 'message' && entry.role === 'user' ? entry.content : []));
    expect(said?.slice(-2)).toEqual(['next', 'meanwhile'].map((text) => ({ type: 'text', text })));
    await session.close();
  });

  it('finishes the step that runs when it is cancelled, and completes', async () => {
    const step = Promise.withResolvers<void>();
    const { session, model } = rig({
      script: [
        { call: { name: 'shell', arguments: { command: 'echo done' } }, waitFor: step.promise },
        { say: 'Never.' },
      ],
      rollout: 'fast',
    });
    const task = session.run('work');
    await nextOf(session, 'step.started');
    task.cancel();
    step.resolve();
    expect(await task.outcome).toMatchObject({ status: 'completed', answer: null });
    expect(model.requests).toHaveLength(1);
    await session.close();
  });

  it('says what it waits for: the model, a tool, nothing', async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const hold = defineTool({
      name: 'hold',
      description: 'Holds.',
      input: z.object({}),
      execute: async () => {
        entered.resolve();
        await release.promise;
        return 'ok';
      },
    });
    const asked = Promise.withResolvers<void>();
    const { session } = rig({
      script: [{ call: { name: 'hold', arguments: {}, callId: 'h1' }, waitFor: asked.promise }, { say: 'ok' }],
      tools: [hold],
    });
    expect(session.waitingOn()).toEqual([]);
    const task = session.run('go');
    const links = () => session.waitingOn().map(({ cause, what, taskId }) => [cause, what, taskId]);
    expect(links()).toEqual([['model', 'the model scripted', task.id]]);
    asked.resolve();
    await entered.promise;
    expect(links()).toEqual([['tool', 'the tool call h1', task.id]]);
    release.resolve();
    await task.outcome;
    expect(session.waitingOn()).toEqual([]);
    await session.close();
  });

  it('fails a task whose work throws, and lives on', async () => {
    const broken = defineTask({
      input: z.object({}),
      work: async () => {
        throw new Error('out of order');
      },
    });
    const { session } = rig({ script: [{ say: 'Fine.' }], tasks: { broken } });
    expect(await session.start('broken', {}).outcome).toMatchObject({
      status: 'failed',
      error: { code: 'internal', message: 'out of order', retryable: false },
    });
    await expect(session.start('broken', {}).orThrow()).rejects.toThrow(
      'The broken task failed (internal): out of order',
    );
    expect((await session.run('still there?').orThrow()).answer).toBe('Fine.');
    await session.close();
  });

  it('gives the task to the caller of an async function: a task is not thenable', async () => {
    const { session } = rig({ script: [{ say: 'Hi.' }] });
    const start = async () => session.run('greet');
    const task = await start();
    expect(task.id).toMatch(/^regular\//);
    expect((await task.orThrow()).answer).toBe('Hi.');
    await session.close();
  });

  it('iterates from task.started to the terminal, also when the loop begins late, and breaking it aborts nothing', async () => {
    const { session } = rig({ script: [{ say: 'Hi.' }, { say: 'Ho.' }] });
    const first = session.run('one');
    await first.outcome;
    const types: string[] = [];
    for await (const { type } of first) types.push(type);
    expect([types[0], types.at(-1)]).toEqual(['task.started', 'task.completed']);
    const second = session.run('two');
    for await (const _event of second) break;
    expect(await second.outcome).toMatchObject({ status: 'completed', answer: 'Ho.' });
    await session.close();
  });

  it('ends a late loop over a task that told more than is kept', async () => {
    const chatty = defineTask({
      input: z.object({}),
      work: async (_input, ports) => {
        for (let count = 0; count < 10_100; count += 1) {
          ports.commit({ type: 'warning.raised', code: 'x', message: String(count) });
        }
        return {};
      },
    });
    const { session } = rig({ tasks: { chatty }, rollout: 'off' });
    const task = session.start('chatty', {});
    await task.outcome;
    let last = '';
    for await (const { type } of task) last = type;
    expect(last).toBe('task.completed');
    await session.close();
  });

  it('closes in one go: what runs is aborted, what is queued dropped, what comes later refused', async () => {
    const { session, events, log } = rig({ tasks: { waiting } });
    const running = session.start('waiting', {});
    const queued = session.start('waiting', {});
    await Promise.all([session.close(), session.close()]);
    expect(await running.outcome).toMatchObject({ status: 'aborted', reason: 'shutdown' });
    expect(await queued.outcome).toMatchObject({ status: 'aborted', reason: 'shutdown' });
    expect(session.run('late').disposition).toEqual({ disposition: 'rejected', reason: 'closed' });
    expect(session.steer('late')).toEqual({ disposition: 'rejected', reason: 'closed' });
    expect((await session.interrupt()).outcome).toBe('not-running');
    expect(events.at(-1)?.type).toBe('session.closed');
    expect(log.read(session.id).at(-1)?.type).toBe('session.closed');
    expect(log.isOpen(session.id)).toBe(false);
  });

  it('closes by itself at the end of its scope', async () => {
    const { session, log } = rig({ script: [{ say: 'Hi.' }] });
    {
      await using scoped = session;
      await scoped.run('greet').outcome;
    }
    expect(log.read(session.id).at(-1)?.type).toBe('session.closed');
  });

  it('aborts a task by the signal of its caller, as a time-out when that is what it was', async () => {
    const { session } = rig({ tasks: { waiting } });
    const controller = new AbortController();
    const first = session.start('waiting', {}, { signal: controller.signal });
    controller.abort();
    expect(await first.outcome).toMatchObject({ status: 'aborted', reason: 'interrupted' });
    const second = session.start('waiting', {}, { signal: AbortSignal.timeout(5) });
    expect(await second.outcome).toMatchObject({ status: 'aborted', reason: 'timeout' });
    const gone = session.start('waiting', {}, { signal: AbortSignal.abort() });
    expect(await gone.outcome).toMatchObject({ status: 'aborted', reason: 'interrupted' });
    await session.close();
  });

  it('counts what its sub-sessions use as its own', async () => {
    const outer = defineTask({
      input: z.object({}),
      work: async (_input, ports) => ({ inner: await ports.delegate({ input: 'below' }) }),
    });
    const { session } = rig({ script: [{ say: 'Deep.' }], tasks: { outer } });
    const outcome = await session.start('outer', {}).outcome;
    expect(outcome).toMatchObject({ status: 'completed', inner: { status: 'completed', answer: 'Deep.' } });
    expect(outcome.usage).toEqual(session.usage);
    expect(session.usage.totalTokens).toBeGreaterThan(0);
    expect(session.entries()).toEqual([]);
    await session.close();
  });

  it('gives a sub-session no more rights than it has, and refuses one that is too deep', async () => {
    const contexts: unknown[] = [];
    const deeper = defineTask({
      input: z.object({}),
      work: async (_input, ports): Promise<object> => {
        contexts.push([ports.workspace.sandbox, ports.workspace.approvalPolicy]);
        return ports.delegate({
          kind: 'deeper',
          input: {},
          context: { sandbox: 'danger-full-access', approvalPolicy: 'on-request' },
        });
      },
    });
    const { session } = rig({
      tasks: { deeper },
      sandbox: 'read-only',
      approvalPolicy: 'untrusted',
      limits: { depthMax: 1 },
    });
    const outcome = await session.start('deeper', {}).outcome;
    expect(contexts).toEqual([
      ['read-only', 'untrusted'],
      ['read-only', 'untrusted'],
    ]);
    expect(outcome).toMatchObject({ status: 'completed' });
    expect(JSON.stringify(outcome)).toContain('depth-exceeded');
    await session.close();
  });

  it('detaches a subscriber that throws, says so, and goes on for the others', async () => {
    const { session, events } = rig({ script: [{ say: 'Hi.' }] });
    let calls = 0;
    session.events$.subscribe(() => {
      calls += 1;
      throw new Error('not today');
    });
    await session.run('greet').outcome;
    expect(calls).toBe(1);
    expect(events.filter(({ type }) => type === 'warning.raised')).toMatchObject([{ code: 'subscriber-failed' }]);
    expect(events.some(({ type }) => type === 'task.completed')).toBe(true);
    await session.close();
  });

  it('takes a start from within an event, and reorders nothing for others', async () => {
    const { session, events } = rig({ script: [{ say: 'One.' }, { say: 'Two.' }] });
    const second = next(
      session,
      (event) => event.type === 'task.completed' && started !== null && event.taskId === started,
    );
    let started: string | null = null;
    session.events$.subscribe(({ type }) => {
      if (type === 'task.completed' && started === null) started = session.run('again').id;
    });
    session.run('first');
    await second;
    const committed = events.filter(({ seq }) => seq !== null).map(({ seq }) => seq);
    expect(committed).toEqual(committed.map((_seq, index) => index));
    await session.close();
  });
});
