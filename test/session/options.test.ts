import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask, type HistoryEntry } from '../../src/index.ts';
import { SCRIPTED_USAGE } from '../../src/testing/script.ts';
import { rig } from './rig.ts';

const directories: string[] = [];
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true });
});

async function project(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'troupe-options-'));
  directories.push(directory);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(directory, path, '..'), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return directory;
}

const textOf = (entry: HistoryEntry | undefined) =>
  entry?.type === 'message' && entry.role !== 'assistant' && entry.content[0]?.type === 'text'
    ? entry.content[0].text
    : '';

describe('instructions of the project', () => {
  it('are shown from the root of the work tree down, before everything else, and are not part of the history', async () => {
    const root = await project({ '.git/HEAD': '', 'AGENTS.md': 'Outer.', 'a/AGENTS.md': 'Inner.', 'a/b/x': '' });
    const { session, model } = rig({
      script: [{ say: 'ok' }],
      cwd: join(root, 'a/b'),
      projectInstructions: 'AGENTS.md',
    });
    await session.run('go').outcome;
    const shown = textOf(model.requests[0]?.history[0]);
    expect(shown).toBe(
      `<project_instructions>\n<file path="${root}/AGENTS.md">\nOuter.\n</file>\n<file path="${root}/a/AGENTS.md">\nInner.\n</file>\n</project_instructions>`,
    );
    expect(model.requests[0]?.history).toHaveLength(2);
    expect(JSON.stringify(session.entries())).not.toContain('Outer.');
    await session.close();
  });

  it('are cut at 32 KiB, left out when they are switched off, and nothing above the work tree is read', async () => {
    const root = await project({
      'AGENTS.md': 'Not ours.',
      'repo/.git/HEAD': '',
      'repo/AGENTS.md': 'x'.repeat(40_000),
    });
    const cwd = join(root, 'repo');
    const on = rig({ script: [{ say: 'ok' }], cwd, projectInstructions: 'AGENTS.md' });
    await on.session.run('go').outcome;
    const shown = textOf(on.model.requests[0]?.history[0]);
    expect(shown).not.toContain('Not ours.');
    expect(shown.match(/x{100,}/)?.[0]).toHaveLength(32 * 1024);
    expect(shown).toContain('[cut]');
    const off = rig({ script: [{ say: 'ok' }], cwd });
    await off.session.run('go').outcome;
    expect(off.model.requests[0]?.history).toHaveLength(1);
    await Promise.all([on.session.close(), off.session.close()]);
  });
});

describe('a budget', () => {
  it('of tokens stops what runs once it is used up, and keeps what was said', async () => {
    const script = [{ say: 'One.', call: { name: 'shell', arguments: { command: 'echo never' } } }, { say: 'Two.' }];
    const { session } = rig({ script, budget: { tokens: SCRIPTED_USAGE.totalTokens } });
    const outcome = await session.run('go').outcome;
    expect(outcome).toMatchObject({ status: 'aborted', reason: 'budget' });
    expect(session.history().map(({ type }) => type)).toEqual([
      'user_message',
      'agent_message',
      'tool_call',
      'interruption',
    ]);
    expect(await session.run('more').outcome).toMatchObject({ status: 'failed', error: { code: 'budget-exceeded' } });
    await session.close();
  });

  it('of money counts what the tree costs, sub-sessions included', async () => {
    const outer = defineTask({
      input: z.object({}),
      work: async (_input, ports) => ({ inner: (await ports.delegate({ input: 'below' })).status }),
    });
    const prices = { scripted: { input: 1_000_000, output: 0 } };
    const { session } = rig({
      script: [{ say: 'Deep.' }],
      tasks: { outer },
      prices,
      budget: { usd: SCRIPTED_USAGE.inputTokens },
    });
    expect(await session.start('outer', {}).outcome).toMatchObject({ status: 'aborted', reason: 'budget' });
    await session.close();
  });

  it('of sub-sessions refuses one too many, and says what to do', async () => {
    const twice = defineTask({
      input: z.object({}),
      work: async (_input, ports) => {
        await ports.delegate({ input: 'first' });
        return { second: await ports.delegate({ input: 'second' }).catch((error: Error) => error.message) };
      },
    });
    const { session } = rig({ script: [{ say: 'ok' }], tasks: { twice }, budget: { spawns: 1 } });
    expect(await session.start('twice', {}).outcome).toMatchObject({
      second: 'Expected at most 1 sub-sessions in all, got one more. Raise budget.spawns.',
    });
    await session.close();
  });
});

describe('a schema for the answer', () => {
  const outputSchema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };

  it('lets an answer through that fits', async () => {
    const { session, model } = rig({ script: [{ say: '{"n": 1}' }] });
    expect(await session.run('count', { context: { outputSchema } }).outcome).toMatchObject({ answer: '{"n": 1}' });
    expect(model.requests[0]?.outputSchema).toEqual(outputSchema);
    await session.close();
  });

  it('gives the model one chance to mend an answer that does not fit', async () => {
    const { session } = rig({ script: [{ say: 'One.' }, { say: '{"n": 1}' }] });
    expect(await session.run('count', { context: { outputSchema } }).outcome).toMatchObject({
      status: 'completed',
      answer: '{"n": 1}',
    });
    await session.close();
  });

  it('fails the task when the second answer does not fit either, saying why', async () => {
    const { session, model } = rig({ script: [{ say: 'One.' }, { say: '{"n": "one"}' }] });
    const outcome = await session.run('count', { context: { outputSchema } }).outcome;
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'invalid-output', retryable: true } });
    expect(outcome.status === 'failed' && outcome.error.message).toContain('n: ');
    expect(model.requests).toHaveLength(2);
    await session.close();
  });
});

describe('beforeToolCall', () => {
  it('lets, changes and refuses calls before anything of them happens', async () => {
    const seen: unknown[] = [];
    const script = [
      {
        call: ['let', 'change', 'refuse'].map((step) => ({
          name: 'update_plan',
          arguments: { plan: [{ step, status: 'pending' }] },
        })),
      },
      { say: 'ok' },
    ];
    const { session } = rig({
      script,
      beforeToolCall: ({ input }) => {
        seen.push(input);
        const [{ step } = { step: '' }] = (input as { plan: { step: string }[] }).plan;
        if (step === 'change')
          return { verdict: 'change', input: { plan: [{ step: 'changed', status: 'completed' }] } };
        return step === 'refuse' ? { verdict: 'refuse', message: 'Not that one.' } : undefined;
      },
    });
    await session.run('plan').outcome;
    expect(seen).toHaveLength(3);
    const plans = session.history().flatMap((item) => (item.type === 'todo_list' ? [item.plan] : []));
    expect(plans).toEqual([[{ step: 'let', status: 'pending' }], [{ step: 'changed', status: 'completed' }]]);
    expect(session.entries().at(-2)).toMatchObject({ type: 'output', output: 'Not that one.' });
    await session.close();
  });
});

describe('a logger', () => {
  it('is told what happens, and never what was said', async () => {
    const lines: unknown[] = [];
    const log = (level: string) => (fields: object, message: string) => lines.push({ level, message, ...fields });
    const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
    const { session } = rig({ script: [{ say: 'Secret answer.' }], logger });
    await session.run('Secret question.').outcome;
    await session.close();
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'info', message: 'task.completed', kind: 'regular', path: 'root' }),
    );
    expect(JSON.stringify(lines)).not.toContain('Secret');
  });

  it('that throws stops nothing', async () => {
    const fail = () => {
      throw new Error('disk full');
    };
    const { session } = rig({ script: [{ say: 'ok' }], logger: { debug: fail, info: fail, warn: fail, error: fail } });
    expect(await session.run('go').outcome).toMatchObject({ status: 'completed' });
    await session.close();
  });
});
