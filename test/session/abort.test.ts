import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask, defineTool, type Receipt, type SessionEvent } from '../../src/index.ts';
import { processesWith } from '../process/survivors.ts';
import { next, nextOf, rig } from './rig.ts';

const REPEATS = 40;
const open = { sandbox: 'danger-full-access', rollout: 'fast' } as const;

function isTerminal({ type }: SessionEvent): boolean {
  return type === 'task.completed' || type === 'task.failed' || type === 'task.aborted';
}

/** What does not depend on the clock. */
function shape({ phases, ...receipt }: Receipt) {
  return { ...receipt, phases: phases.map(({ phase }) => phase) };
}

const NOTHING = {
  outcome: 'aborted',
  reason: 'interrupted',
  sessions: [],
  processes: { killed: 0, survivors: 0 },
  unsettled: 0,
  requests: { withdrawn: [] },
  queued: { kept: 0, dropped: 0 },
  partial: { text: '', outputs: 0 },
};

const GENTLE = ['aborting', 'settling', 'cleanup'];

describe('abort', () => {
  it('of a stream that hangs keeps the text that was told, marks it partial, and leaves a marker for the model', async () => {
    const { session, events, model } = rig({
      script: [{ say: ['Half a ', 'sentence'], hang: true }, { say: 'Again.' }],
      ...open,
    });
    const task = session.run('write');
    await next(session, (event) => event.type === 'item.delta' && event.delta === 'sentence');
    const receipt = await task.abort();
    expect(shape(receipt)).toEqual({ ...NOTHING, phases: GENTLE, partial: { text: 'Half a sentence', outputs: 0 } });
    expect(events.filter(isTerminal).map(({ type }) => type)).toEqual(['task.aborted']);
    const message = session.history().find((item) => item.type === 'agent_message');
    expect(message).toEqual({ id: message?.id, type: 'agent_message', text: 'Half a sentence', partial: true });
    await session.run('go on').outcome;
    expect(model.requests.at(-1)?.history.map((entry) => entry.type === 'message' && entry.role)).toEqual([
      'user',
      'assistant',
      'user',
      'user',
    ]);
    expect(JSON.stringify(model.requests.at(-1)?.history)).toContain('<turn_aborted>');
    await session.close();
  });

  for (const [name, command] of [
    ['sleep', 'echo begun; sleep 600'],
    ['a command that ignores TERM', "trap '' TERM; echo begun; sleep 600 & sleep 600"],
  ] as const) {
    it(`of ${name} leaves no process, keeps its output, and gives the call its one output`, async () => {
      const script = [{ call: { name: 'shell', arguments: { command, timeout_ms: 900_000 } } }];
      const mark = randomUUID();
      const { session, events } = rig({ script, ...open, env: { PATH: process.env.PATH, LC_TEST: mark } });
      const task = session.run('run it');
      await next(session, (event) => event.type === 'item.delta' && event.delta.includes('begun'));
      const receipt = await task.abort();
      expect({ ...shape(receipt), phases: null }).toEqual({
        ...NOTHING,
        phases: null,
        processes: { killed: receipt.processes.killed, survivors: 0 },
        partial: { text: '', outputs: 1 },
      });
      expect(receipt.processes.killed).toBeGreaterThan(0);
      expect(events.filter(isTerminal).map(({ type }) => type)).toEqual(['task.aborted']);
      const outputs = session.entries().filter((entry) => entry.type === 'output');
      expect(outputs).toHaveLength(1);
      expect(outputs[0]?.type === 'output' && outputs[0].output).toContain('begun');
      await session.close();
      expect(await processesWith(`LC_TEST=${mark}`)).toEqual([]);
    });
  }

  it('of an open request withdraws it as aborted, never as denied, and runs nothing', async () => {
    const script = [{ call: { name: 'shell', arguments: { command: 'touch /should-not-be' } } }];
    const { session, events } = rig({
      script,
      approvalPolicy: 'untrusted',
      rollout: 'fast',
      onRequest: () => new Promise(() => {}),
    });
    const task = session.run('ask');
    await nextOf(session, 'request.opened');
    const [request] = session.pending();
    const receipt = await task.abort();
    expect(shape(receipt)).toEqual({
      ...NOTHING,
      phases: GENTLE,
      requests: { withdrawn: [request?.id] },
      partial: { text: '', outputs: 1 },
    });
    expect(session.pending()).toEqual([]);
    expect(events.filter(({ type }) => type === 'request.resolved')).toEqual([
      expect.objectContaining({ requestId: request?.id, resolution: { how: 'withdrawn', why: 'aborted' } }),
    ]);
    expect(session.answer(request?.id ?? '', 'approved')).toBe('withdrawn');
    await session.close();
  });

  it('of work that ignores everything revokes its ports: nothing it does later has an effect', async () => {
    const late = Promise.withResolvers<string>();
    const go = Promise.withResolvers<void>();
    const deaf = defineTask({
      input: z.object({}),
      work: async (_input, ports) => {
        await go.promise;
        try {
          ports.commit({ type: 'warning.raised', code: 'late', message: 'I am still here.' });
          late.resolve('had an effect');
        } catch (error) {
          late.resolve(error instanceof Error ? error.message : 'threw');
        }
        return {};
      },
    });
    const { session, events } = rig({ tasks: { deaf }, rollout: 'fast' });
    const task = session.start('deaf', {});
    const receipt = await task.abort();
    expect(shape(receipt)).toEqual({
      ...NOTHING,
      phases: ['aborting', 'settling', 'killing', 'cleanup'],
      unsettled: 1,
    });
    const seen = events.length;
    go.resolve();
    expect(await late.promise).toContain('has ended: its ports have no effect any more');
    expect(events.slice(seen)).toEqual([]);
    await session.close();
  });

  it('is idempotent: the second caller gets the first receipt, and what has ended answers not-running', async () => {
    const { session } = rig({ script: [{ hang: true }], ...open });
    const task = session.run('wait');
    await nextOf(session, 'step.started');
    const [first, second] = await Promise.all([task.abort(), task.abort()]);
    expect(second).toEqual(first);
    expect((await task.abort()).outcome).toBe('not-running');
    expect((await session.interrupt()).outcome).toBe('not-running');
    await session.close();
  });

  it('is the same however often it is done', async () => {
    for (let round = 0; round < REPEATS; round += 1) {
      const script = [{ say: 'On it.', call: { name: 'wait', arguments: {} } }];
      const wait = defineTool({
        name: 'wait',
        description: 'Waits to be aborted.',
        input: z.object({}),
        execute: (_input, { signal }) =>
          new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
      });
      const { session, events } = rig({ script, tools: [wait], rollout: 'off' });
      const task = session.run('go');
      for (let turns = 0; turns < round % 20; turns += 1) await Promise.resolve();
      const receipt = await task.abort();
      await pause(0);
      expect(receipt.outcome).toBe('aborted');
      expect(receipt.unsettled).toBe(0);
      expect(events.filter(isTerminal)).toHaveLength(1);
      const calls = session.entries().filter(({ type }) => type === 'call').length;
      expect(session.entries().filter(({ type }) => type === 'output')).toHaveLength(calls);
      await session.close();
    }
  });

  it('reaches nine sessions at once: with a deaf leaf at depth 8 each logs its own terminal, the parents after their children', async () => {
    const nest = defineTask({
      input: z.object({ below: z.number() }),
      work: async ({ below }, ports): Promise<object> => {
        if (below === 0) return new Promise(() => {});
        return { inner: await ports.delegate({ kind: 'nest', input: { below: below - 1 } }) };
      },
    });
    const { session, events, log } = rig({ tasks: { nest }, rollout: 'durable' });
    const task = session.start('nest', { below: 8 });
    await next(session, (event) => event.type === 'task.started' && event.path.length === 9);
    const receipt = await task.abort();
    expect(receipt.sessions.map((path) => path.length).sort()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect(receipt.unsettled).toBe(1);
    const terminals = events.filter(isTerminal);
    expect(terminals.map(({ path }) => path.length)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(terminals.map((event) => event.type === 'task.aborted' && event.reason)).toEqual([
      ...Array(8).fill('parent-aborted'),
      'interrupted',
    ]);
    for (const { sessionId } of terminals) {
      expect(log.read(sessionId).filter(({ type }) => type === 'task.aborted')).toHaveLength(1);
    }
    await session.close();
  });
});
