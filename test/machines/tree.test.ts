import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { defineTask, defineTool, type TaskOutcome } from '../../src/index.ts';
import { nothing, open, patient, quick, turns, uncaught } from './open-session.ts';

const QUESTION = { kind: 'question', questions: [{ id: 'q', question: 'Shall I?' }] } as const;
const ANSWERED = { decision: 'answered', answers: { q: 'Yes.' } } as const;

/** A kind that has a sub-session do a task of the kind, and gives its outcome. */
function delegateTo(kind: string) {
  return defineTask({
    input: nothing,
    work: async (_input, ports): Promise<{ inner: TaskOutcome }> => ({
      inner: await ports.delegate({ kind, input: {} }),
    }),
  });
}

/** How a task has ended, or that it does not: a dead session never says. */
function statusOf({ outcome }: { outcome: Promise<TaskOutcome> }): Promise<string> {
  return Promise.race([outcome.then(({ status }) => status), pause(2_000, 'for ever', { ref: false })]);
}

async function subSessionOf(session: ReturnType<typeof open>['session']) {
  return vi.waitUntil(() => session.children()[0]);
}

describe('an abort', () => {
  it('is announced once, however often it is asked for', async () => {
    const { session, types } = open({ tasks: { patient } });
    const task = session.start('patient', {});
    await Promise.all([task.abort(), task.abort(), session.interrupt()]);
    await session.close();
    expect(types.filter((type) => type === '1 task.aborting')).toEqual(['1 task.aborting']);
  });
});

describe('a sub-session', () => {
  it('is not closed by the end of a task that somebody else started in it', async () => {
    const { session, types } = open({
      tasks: { patient, opener: delegateTo('patient'), beside: { ...quick, placement: 'beside' } },
    });
    const task = session.start('opener', {});
    const child = await subSessionOf(session);
    expect((await child.start('beside', {}).outcome).status).toBe('completed');
    await turns();
    expect(types.filter((type) => type.startsWith('2'))).toEqual([
      '2 session.opened',
      '2 task.started',
      '2 task.started',
      '2 task.completed',
    ]);
    expect((await task.abort()).outcome).toBe('aborted');
    await session.close();
  });

  it('that is closed by its own handle ends the delegate with what became of its task', async () => {
    const { session } = open({ tasks: { patient, opener: delegateTo('patient') } });
    const task = session.start('opener', {});
    await (await subSessionOf(session)).close();
    expect(await task.outcome).toMatchObject({ status: 'completed', inner: { status: 'aborted', reason: 'shutdown' } });
    expect(session.children()).toEqual([]);
    await session.close();
  });
});

describe('a request', () => {
  it('whose policy on the way throws is decided all the same, and the process lives', async () => {
    const lost = uncaught();
    const asking = defineTask({
      input: nothing,
      work: async (_input, ports) => ({ decision: await ports.ask(QUESTION) }),
    });
    const opener = defineTask({
      input: nothing,
      work: async (_input, ports) => {
        const consider = () => {
          throw new Error('The policy broke.');
        };
        return { inner: (await ports.delegate({ kind: 'asking', input: {}, consider })).status };
      },
    });
    const { session } = open({ tasks: { asking, opener }, onRequest: () => ANSWERED });
    const task = session.start('opener', {});
    expect(await statusOf(task)).toBe('completed');
    await session.close();
    await turns();
    expect(lost).toEqual([]);
  });

  it('that is decided while its withdrawal is on its way up harms nobody', async () => {
    const lost = uncaught();
    for (let count = 0; count < 12; count += 1) {
      const asked = Promise.withResolvers<void>();
      const decision = Promise.withResolvers<typeof ANSWERED>();
      const leave = Promise.withResolvers<void>();
      const leaving = defineTask({
        input: nothing,
        work: async (_input, ports) => {
          ports.ask(QUESTION).catch(() => {});
          await leave.promise;
          return {};
        },
      });
      const { session } = open({
        tasks: { leaving, middle: delegateTo('leaving'), top: delegateTo('middle') },
        onRequest() {
          asked.resolve();
          return decision.promise;
        },
      });
      const task = session.start('top', {});
      await asked.promise;
      leave.resolve();
      for (let turn = 0; turn < count; turn += 1) await null;
      decision.resolve(ANSWERED);
      expect([count, await statusOf(task)]).toEqual([count, 'completed']);
      await session.close();
    }
    await turns();
    expect(lost).toEqual([]);
  });
});

describe('a call', () => {
  it('whose check throws has its one output, and holds up none of the others', async () => {
    const broken = defineTool({
      name: 'broken',
      description: 'Breaks.',
      input: nothing,
      check() {
        throw new Error('The check broke.');
      },
      execute: () => 'Never.',
    });
    const fine = defineTool({ name: 'fine', description: 'Works.', input: nothing, execute: () => 'Fine.' });
    const { session, model } = open({
      tools: [broken, fine],
      script: [
        {
          call: [
            { name: 'broken', arguments: {} },
            { name: 'fine', arguments: {} },
          ],
        },
        { say: 'Done.' },
      ],
    });
    expect((await session.run('Go.').outcome).status).toBe('completed');
    const outputs = model.requests[1]?.history.filter(({ type }) => type === 'output');
    expect(outputs).toEqual([
      { type: 'output', callId: 'call_1', output: expect.stringContaining('The check broke.') },
      { type: 'output', callId: 'call_2', output: 'Fine.' },
    ]);
    await session.close();
  });
});
