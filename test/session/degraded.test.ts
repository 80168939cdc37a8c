import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { createSession, defineTool } from '../../src/index.ts';
import { type LogFault, memoryLogStore } from '../../src/rollout/memory-log-store.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { rig } from './rig.ts';

function rigWith(fault: LogFault) {
  let ran = 0;
  const act = defineTool({
    name: 'act',
    description: 'Acts.',
    input: z.object({}),
    execute: () => {
      ran += 1;
      return 'done';
    },
  });
  const script = [{ call: { name: 'act', arguments: {} } }, { say: 'So be it.' }];
  const world = { logStore: memoryLogStore({ fault }) };
  const staged = rig({ script, tools: [act], world, limits: { commitMs: 20 } });
  return { ...staged, ran: () => ran };
}

describe('a session whose log', () => {
  for (const [name, fault] of [
    ['cannot be made', (operation) => (operation === 'create' ? new Error('ENOSPC: no space left on device') : null)],
    ['cannot be written', (operation) => (operation === 'append' ? new Error('EIO: i/o error') : null)],
    ['cannot be synced', (operation) => (operation === 'sync' ? new Error('EIO: i/o error') : null)],
    ['hangs', (operation) => (operation === 'sync' ? new Promise(() => {}) : null)],
  ] as const satisfies readonly (readonly [string, LogFault])[]) {
    it(`${name} runs no tool, says that it is degraded, and shows the terminal as not durable`, async () => {
      const { session, events, ran } = rigWith(fault);
      expect(await session.run('act').outcome).toMatchObject({ status: 'completed', answer: 'So be it.' });
      expect(ran()).toBe(0);
      expect(session.entries().find(({ type }) => type === 'output')).toMatchObject({
        output: expect.stringContaining('its start could not be written to the log'),
      });
      expect(events.filter(({ type }) => type === 'session.degraded')).toHaveLength(1);
      expect(events.find(({ type }) => type === 'task.completed')).toMatchObject({ durable: false });
      await session.close();
    });
  }

  it('works runs the tool, and says nothing of the kind', async () => {
    const { session, events, ran } = rigWith(() => null);
    await session.run('act').outcome;
    expect([ran(), events.some(({ type }) => type === 'session.degraded')]).toEqual([1, false]);
    await session.close();
  });

  it('hangs puts its requests in front of people all the same, as not durable, and takes their decisions', async () => {
    const asks = defineTool({
      name: 'asks',
      description: 'Asks.',
      input: z.object({}),
      check: () => ({
        verdict: 'ask',
        key: 'k',
        subject: { kind: 'question', questions: [{ id: 'q', question: 'So?' }] },
      }),
      execute: () => 'done',
    });
    const shown: boolean[] = [];
    const { session, events } = rig({
      script: [{ call: { name: 'asks', arguments: {} } }, { say: 'So be it.' }],
      tools: [asks],
      world: {
        logStore: memoryLogStore({ fault: (operation) => (operation === 'sync' ? new Promise(() => {}) : null) }),
      },
      limits: { commitMs: 20 },
      onRequest: () => {
        shown.push(events.some(({ type }) => type === 'request.opened'));
        return { decision: 'denied', message: 'no' };
      },
    });
    expect(await session.run('ask').outcome).toMatchObject({ status: 'completed', answer: 'So be it.' });
    const told = events.filter(({ type }) => type === 'request.opened' || type === 'task.completed');
    expect([shown, told.map(({ type, ...rest }) => [type, 'durable' in rest])]).toEqual([
      [true],
      [
        ['request.opened', true],
        ['task.completed', true],
      ],
    ]);
    expect(session.entries().find(({ type }) => type === 'output')).toMatchObject({ output: 'rejected: no' });
    await session.close();
  });

  it('was taken away runs no tool from then on', async () => {
    const home = mkdtempSync(join(tmpdir(), 'troupe-taken-'));
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    let ran = 0;
    const act = defineTool({
      name: 'act',
      description: 'Acts.',
      input: z.object({}),
      execute: () => {
        ran += 1;
        return 'done';
      },
    });
    const call = { call: { name: 'act', arguments: {} } };
    const session = createSession({
      model: scriptedModel([call, { say: 'one' }, call, { say: 'two' }]),
      tools: [act],
      home,
      projectInstructions: false,
      checkpoints: 'off',
    });
    const reasons: string[] = [];
    session.events$.subscribe((event) => void (event.type === 'session.degraded' && reasons.push(event.reason)));
    await session.run('one').outcome;
    rmSync(session.logLocation ?? '');
    expect(await session.run('two').outcome).toMatchObject({ status: 'completed', answer: 'two' });
    expect([ran, reasons]).toEqual([1, [expect.stringContaining('somebody has removed it')]]);
    await session.close();
  });
});
