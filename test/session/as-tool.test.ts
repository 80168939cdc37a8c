import { expect, it } from 'vitest';
import type { SessionRequest } from '../../src/index.ts';
import { nextOf, rig } from './rig.ts';

const OPTIONS = { name: 'librarian', description: 'Knows books.' };
const toLibrarian = (message: string) => ({ name: 'librarian', arguments: { message } });

it('answers another session with what its own task came to', async () => {
  const below = rig({ script: [{ say: 'Moby-Dick' }] });
  const above = rig({
    script: [{ call: toLibrarian('a whale?') }, { say: 'done' }],
    tools: [below.session.asTool(OPTIONS)],
  });
  await above.session.run('go').orThrow();
  const output = { type: 'output', callId: 'call_1', output: 'Moby-Dick' };
  expect(above.session.entries()).toContainEqual(output);
  expect(below.types()).toContain('task.completed');
  await Promise.all([above.session.close(), below.session.close()]);
});

it('answers any loop, with an object and with its JSON, and in words when the input is wrong', async () => {
  const { session } = rig({ script: [{ say: 'one' }, { say: 'two' }] });
  const tool = session.asTool(OPTIONS);
  expect(await tool.call({ message: 'a' })).toEqual({ status: 'completed', text: 'one' });
  expect(await tool.call('{"message":"b"}')).toEqual({ status: 'completed', text: 'two' });
  expect([await tool.call('{"mess'), await tool.call({ message: ' ' })]).toEqual([
    { status: 'failed', text: expect.stringMatching(/^Invalid call of librarian: /) },
    { status: 'failed', text: expect.stringContaining('message: expected some words') },
  ]);
  await session.close();
});

it('answers a call that fails, that is stopped by its caller, that takes too long, and one after the close', async () => {
  const { session } = rig({
    script: [{ fail: { code: 'model-error', message: 'No.' } }, { hang: true }, { hang: true }],
  });
  const failed = await session.asTool(OPTIONS).call({ message: 'a' });
  const controller = new AbortController();
  const interrupting = session.asTool(OPTIONS).call({ message: 'b' }, { signal: controller.signal });
  await nextOf(session, 'step.started');
  controller.abort();
  const interrupted = await interrupting;
  const expired = await session.asTool({ ...OPTIONS, timeoutMs: 30 }).call({ message: 'c' });
  await session.close();
  const late = await session.asTool(OPTIONS).call({ message: 'd' });
  expect([failed, interrupted, expired, late]).toEqual([
    { status: 'failed', text: 'It failed (model-error): No.' },
    { status: 'interrupted', text: expect.stringContaining('It was stopped (interrupted)') },
    { status: 'expired', text: expect.stringContaining('It took too long') },
    { status: 'failed', text: expect.stringContaining('The session is closed') },
  ]);
});

it('has calls that come at once wait for each other', async () => {
  const { session, types } = rig({ script: [{ say: 'one' }, { say: 'two' }] });
  const tool = session.asTool(OPTIONS);
  const answers = await Promise.all(['a', 'b'].map((message) => tool.call({ message })));
  expect([answers.map(({ text }) => text), types().filter((type) => type.startsWith('task.'))]).toEqual([
    ['one', 'two'],
    ['task.started', 'task.completed', 'task.started', 'task.completed'],
  ]);
  await session.close();
});

it('is aborted with the session whose tool it is', async () => {
  const below = rig({ script: [{ hang: true }] });
  const above = rig({ script: [{ call: toLibrarian('a whale?') }], tools: [below.session.asTool(OPTIONS)] });
  const task = above.session.run('go');
  await nextOf(below.session, 'step.started');
  await task.abort();
  expect(below.types().at(-1)).toBe('task.aborted');
  await Promise.all([above.session.close(), below.session.close()]);
});

it('asks where its caller asks, and goes on with the decision', async () => {
  const below = rig({
    script: [
      {
        call: {
          name: 'shell',
          arguments: { command: 'rm -rf build', with_escalated_permissions: true, justification: 'to clean up' },
        },
      },
      { say: 'then not' },
    ],
  });
  const seen: SessionRequest[] = [];
  const above = rig({
    script: [{ call: toLibrarian('clean up') }, { say: 'done' }],
    tools: [below.session.asTool(OPTIONS)],
    onRequest(request) {
      seen.push(request);
      return { decision: 'denied', message: 'not today' };
    },
  });
  await above.session.run('go').orThrow();
  expect(seen.map(({ sessionId, callId, subject }) => [sessionId, callId, subject.kind])).toEqual([
    [above.session.id, 'call_1', 'command'],
  ]);
  expect(below.session.entries()).toContainEqual(
    expect.objectContaining({ type: 'output', output: expect.stringContaining('not today') }),
  );
  await Promise.all([above.session.close(), below.session.close()]);
});
