import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { SessionEvent } from '../../src/index.ts';
import { next, nextOf, rig } from '../session/rig.ts';

function directory(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-user-shell-')));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

const commands = (events: readonly SessionEvent[]) =>
  events.flatMap((event) =>
    (event.type === 'item.started' || event.type === 'item.completed') && event.item.type === 'command_execution'
      ? [event.item]
      : [],
  );
const saidIn = (session: ReturnType<typeof rig>['session']) =>
  session
    .entries()
    .flatMap((entry) => (entry.type === 'message' && entry.role === 'user' ? entry.content : []))
    .map((part) => (part.type === 'text' ? part.text : ''));

it('runs a command of the user, unasked and with all that the user may do, and tells the model', async () => {
  const cwd = directory();
  writeFileSync(join(cwd, 'note'), 'All is well.\n');
  const { session, events, model } = rig({
    cwd,
    script: [{ say: 'I see.' }],
    sandbox: 'read-only',
    approvalPolicy: 'untrusted',
  });
  const outcome = await session.shell('cat note; echo x > made; test -e made && exit 3').outcome;
  const [started, completed] = commands(events);
  expect([outcome, started?.status, completed]).toEqual([
    expect.objectContaining({ status: 'completed', exitCode: 3, output: 'All is well.\n' }),
    'in_progress',
    expect.objectContaining({ status: 'failed', exitCode: 3, output: 'All is well.\n', cwd }),
  ]);
  await session.run('and now?').outcome;
  expect(model.requests[0]?.history).toEqual([
    {
      type: 'message',
      role: 'user',
      content: [
        {
          type: 'text',
          text: expect.stringMatching(
            /^<user_shell_command>\n<command>\ncat note; .*\n<\/command>\n<result>\nExit code: 3\nWall time: \d+\.\d seconds\nOutput:\nAll is well\.\n\n<\/result>\n<\/user_shell_command>$/,
          ),
        },
      ],
    },
    { type: 'message', role: 'user', content: [{ type: 'text', text: 'and now?' }] },
  ]);
  await session.close();
});

it('runs beside a task, which it does not replace, and whose next request has it', async () => {
  const gate = Promise.withResolvers<void>();
  const { session, model, events } = rig({
    cwd: directory(),
    script: [{ waitFor: gate.promise, call: { name: 'update_plan', arguments: { plan: [] } } }, { say: 'done' }],
  });
  const task = session.run('go');
  await nextOf(session, 'step.started');
  const outcome = await session.shell('echo hello').outcome;
  gate.resolve();
  expect([outcome.status, (await task.outcome).status]).toEqual(['completed', 'completed']);
  const types = model.requests[1]?.history.map(({ type }) => type);
  expect([types, saidIn(session)[1]?.includes('hello'), events.filter(({ type }) => type === 'task.aborted')]).toEqual([
    ['message', 'message', 'call', 'output'],
    true,
    [],
  ]);
  await session.close();
});

it('is told to the model after the outputs of calls that ran meanwhile', async () => {
  const { session, model } = rig({
    cwd: directory(),
    script: [{ call: { name: 'hold', arguments: {} } }, { say: 'done' }],
    tools: [
      {
        name: 'hold',
        description: 'Runs a command of the user meanwhile.',
        parameters: { type: 'object' },
        parallel: false,
        parse: async () => ({ ok: true, input: {} }),
        present: (_, { callId }) => ({
          type: 'tool_call',
          callId,
          name: 'hold',
          arguments: {},
          output: '',
          status: 'in_progress',
        }),
        check: async () => ({ verdict: 'allow' }),
        async execute() {
          await session.shell('echo hello').outcome;
          return { output: 'held', success: true };
        },
      },
    ],
  });
  await session.run('go').outcome;
  expect(session.entries().map(({ type }) => type)).toEqual(['message', 'call', 'message', 'output', 'message']);
  expect(model.requests[1]?.history.map(({ type }) => type)).toEqual(['message', 'call', 'output', 'message']);
  await session.close();
});

it('keeps what a stopped command has written, and tells the model that it was stopped', async () => {
  const { session, events } = rig({ cwd: directory() });
  const task = session.shell('echo begun; sleep 600');
  await next(session, (event) => event.type === 'item.delta' && event.delta.includes('begun'));
  const receipt = await task.abort();
  const [, completed] = commands(events);
  expect([receipt.outcome, receipt.unsettled, completed]).toEqual([
    'aborted',
    0,
    expect.objectContaining({ status: 'aborted', partial: true, output: 'begun\n' }),
  ]);
  expect(saidIn(session)[0]).toMatch(/begun\naborted by user after \d+\.\d s\n<\/result>/);
  await session.close();
});

it('says in words why a command could not begin', async () => {
  const { session } = rig({ cwd: '/nonexistent' });
  const outcome = await session.shell('true').outcome;
  expect([outcome, saidIn(session)[0]?.includes('/nonexistent')]).toEqual([
    expect.objectContaining({ status: 'completed', exitCode: null, output: expect.stringContaining('/nonexistent') }),
    true,
  ]);
  expect(() => session.shell(' ')).toThrow('Invalid input for "user-shell"');
  await session.close();
});

it('cuts a long output once, in the middle, and says how long it was', async () => {
  const { session } = rig({ cwd: directory() });
  const outcome = await session.shell('seq 1 100000').outcome;
  const [told = ''] = saidIn(session);
  expect([
    outcome.status,
    told.match(/Total output: 588895 bytes/g)?.length,
    told.includes('\n1\n2\n'),
    told.includes('\n100000\n'),
  ]).toEqual(['completed', 1, true, true]);
  expect(told.length).toBeLessThan(12_000);
  await session.close();
});
