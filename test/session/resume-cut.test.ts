import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask, defineTool, resumeSession, type SessionEvent, type SessionOptions } from '../../src/index.ts';
import { type MemoryLogStore, memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import { splitLines } from '../../src/rollout/record.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { verifyLogsAfterwards } from '../legal-logs.ts';
import { next, nextOf, rig } from './rig.ts';

const helper = defineTask({
  input: z.string(),
  work: async (input, ports) => {
    await ports.delegate({ input: 'done before' });
    return { status: (await ports.delegate({ input })).status };
  },
});

/** Runs until it is told to stop; what it has done is counted. */
function lasting() {
  let ran = 0;
  const tool = defineTool({
    name: 'last',
    description: 'Lasts.',
    input: z.object({ asks: z.boolean().optional() }),
    parallel: true,
    execute: async ({ asks }, { signal, ask }) => {
      ran += 1;
      if (asks) await ask({ kind: 'question', questions: [{ id: 'q', question: 'Is it so?' }] });
      return new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('stopped')));
    },
  });
  return { tool, ran: () => ran };
}

const optionsOf = (log: MemoryLogStore, options: Partial<SessionOptions>): SessionOptions => ({
  model: scriptedModel([]),
  projectInstructions: false,
  checkpoints: 'off',
  world: { logStore: log },
  ...options,
});

/** The logs as they were when the program ended, the log of one session cut after so many records. */
function leftOf(log: MemoryLogStore, sessionId?: string, records?: number): MemoryLogStore {
  const left = memoryLogStore();
  verifyLogsAfterwards(left);
  for (const id of log.sessions()) {
    const bytes = log.bytes(id);
    const lines = splitLines(bytes).lines.slice(0, id === sessionId ? records : undefined);
    left.put(id, Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
  }
  return left;
}

/** What a session holds, its new ids and times left out. */
const heldBy = (session: Awaited<ReturnType<typeof resumeSession>>) => ({
  entries: session.entries(),
  items: session.history().map(({ id: _, ...item }) => item),
  usage: session.usage,
  waiting: session.waitingOn(),
  pending: session.pending(),
});

describe('a resume that is itself cut off', () => {
  it('after any record of what it closes comes to the same as one that was not', async () => {
    const { tool, ran } = lasting();
    const { session: first, log } = rig({
      script: [
        { call: { name: 'update_plan', arguments: { plan: [{ step: 'a', status: 'pending' }] } } },
        {
          reason: 'Hm.',
          say: 'All at once.',
          call: [
            { name: 'last', arguments: {} },
            { name: 'last', arguments: { asks: true } },
            { name: 'update_plan', arguments: { plan: [] } },
          ],
        },
      ],
      tools: [tool],
      onRequest: () => undefined,
    });
    const task = first.run('begin');
    await nextOf(first, 'request.opened');
    await expect.poll(ran).toBe(2);
    first.steer('and more');
    await expect.poll(() => log.read(first.id).some(({ type }) => type === 'input.queued')).toBe(true);
    const crashed = leftOf(log);
    const before = crashed.read(first.id).length;
    const ranBefore = ran();

    const once = leftOf(crashed);
    const whole = await resumeSession(first.id, optionsOf(once, { tools: [tool] }));
    const expected = heldBy(whole);
    const after = once.read(first.id).length;
    expect(after - before).toBeGreaterThan(5);

    for (let records = before; records <= after; records += 1) {
      const cut = leftOf(once, first.id, records);
      const again = await resumeSession(first.id, optionsOf(cut, { tools: [tool] }));
      expect({ records, ...heldBy(again) }).toEqual({ records, ...expected });
      cut.letGo(first.id);
      const size = cut.bytes(first.id).length;
      const third = await resumeSession(first.id, optionsOf(cut, { tools: [tool] }));
      expect({ records, ...heldBy(third), size: cut.bytes(first.id).length }).toEqual({ records, ...expected, size });
    }
    expect(ran()).toBe(ranBefore);
    await task.abort();
    await first.close();
  });

  it('tells who listens first what was closed, in its order, and what comes then after it', async () => {
    const { session: first, log } = rig({ script: [{ say: 'I begin.', hang: true }] });
    const task = first.run('begin');
    await nextOf(first, 'item.delta');
    await expect.poll(() => log.read(first.id).some(({ type }) => type === 'item.started')).toBe(true);
    const left = leftOf(log);
    const before = left.read(first.id).length;
    const again = await resumeSession(first.id, optionsOf(left, { model: scriptedModel([{ say: 'on' }]) }));
    const told: SessionEvent[] = [];
    again.events$.subscribe((event) => {
      // Who is told that it was resumed goes on at once.
      if (event.type === 'session.resumed') void again.run('go on');
      told.push(event);
    });
    const late: SessionEvent[] = [];
    again.events$.subscribe((event) => void late.push(event));
    await next(again, (event) => event.type === 'task.completed');
    await again.close();
    const committed = told.filter(({ seq }) => seq !== null);
    expect(committed.map(({ seq, epoch, type }) => [seq, epoch, type])).toEqual(
      left
        .read(first.id)
        .slice(before)
        .map(({ seq, epoch, type }) => [seq, epoch, type]),
    );
    expect(committed.map(({ type }) => type).slice(0, 5)).toEqual([
      'session.resumed',
      'item.completed',
      'item.completed',
      'task.aborted',
      'task.started',
    ]);
    expect(late.some(({ type }) => type === 'session.resumed')).toBe(false);
    await task.abort();
    await first.close();
  });

  it('counts once what sub-sessions have used, those that had ended and those that had not', async () => {
    const { session: first, log } = rig({
      script: {
        lanes: {
          quick: [{ say: 'quick' }],
          slow: [{ call: { name: 'update_plan', arguments: { plan: [] } } }, { hang: true }],
        },
        pick: ({ history }) => (JSON.stringify(history).includes('done before') ? 'quick' : 'slow'),
      },
      tasks: { helper },
    });
    const task = first.start('helper', 'never ends');
    await next(first, (event) => event.type === 'step.started' && event.step === 2);
    await expect.poll(() => log.sessions().length).toBe(3);
    const [slow = ''] = first.children().map(({ id }) => id);
    await expect.poll(() => log.read(slow).filter(({ type }) => type === 'step.started').length).toBe(2);
    const left = leftOf(log);
    const used = first.usage;
    expect(used.totalTokens).toBe(220);
    for (let times = 0; times < 2; times += 1) {
      const again = await resumeSession(first.id, optionsOf(left, { tasks: { helper } } as object));
      expect(again.usage).toEqual(used);
      expect(
        left
          .read(slow)
          .map(({ type }) => type)
          .slice(-2),
      ).toEqual(['task.aborted', 'session.closed']);
      left.letGo(first.id);
    }
    await task.abort();
    await first.close();
  });
});
