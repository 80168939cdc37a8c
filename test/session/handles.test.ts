import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask } from '../../src/index.ts';
import { nextOf, rig } from './rig.ts';

const hanging = defineTask({
  input: z.object({}),
  work: (_input, _ports, signal) =>
    new Promise<object>((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
});
const failing = defineTask({ input: z.object({}), work: () => Promise.reject(new Error('broken')) });
const tasks = { hanging, failing };

describe('a handle of a session', () => {
  it('has no place of a log where there is none, and nobody at the end of an empty path', async () => {
    const { session } = rig({ rollout: 'off' });
    expect([session.logLocation, session.at([]), session.at('nobody'), session.at(session.path)]).toEqual([
      null,
      null,
      null,
      session,
    ]);
    await session.close();
  });
});

describe('a handle of a task', () => {
  const thrown = (work: Promise<unknown>) => work.then(() => null, String);

  it('throws what it came to, in words, for who wants that', async () => {
    const { session } = rig({ tasks });
    const failed = await thrown(session.start('failing', {}).orThrow());
    const task = session.start('hanging', {});
    const refused = await thrown(session.start('hanging', {}, { whenBusy: 'reject' }).orThrow());
    await task.abort();
    const aborted = await thrown(task.orThrow());
    await session.close();
    const late = await thrown(session.start('failing', {}).orThrow());
    expect([failed, aborted, refused, late]).toEqual([
      'TaskFailed: The failing task failed (internal): broken',
      'TaskFailed: The hanging task was aborted (interrupted).',
      "TaskFailed: The hanging task failed (busy): Another task runs, and this one was started with whenBusy: 'reject'.",
      'TaskFailed: The failing task failed (closed): The session is closed. Start the task in another session, or resume this one.',
    ]);
  });

  it('is stopped at once by a signal that has been aborted before', async () => {
    const { session } = rig({ tasks });
    const { outcome } = session.start('hanging', {}, { signal: AbortSignal.abort() });
    expect(await outcome).toMatchObject({ status: 'aborted', reason: 'interrupted' });
    await session.close();
  });
});

describe('a session as a tool', () => {
  const OPTIONS = { name: 'other', description: 'Another.' };

  it('is stopped at once for a caller that was stopped before, and says when there is nothing to say', async () => {
    const { session } = rig({ script: [{ hang: true }] });
    const tool = session.asTool(OPTIONS);
    expect(await tool.call({ message: 'a' }, { signal: AbortSignal.abort() })).toMatchObject({ status: 'interrupted' });
    await session.close();
  });

  it('leaves its questions to who answers for it already', async () => {
    const call = {
      name: 'shell',
      arguments: { command: 'ls /root', with_escalated_permissions: true, justification: 'j' },
    };
    const below = rig({ script: [{ call }, { say: 'no, then' }], onRequest: () => 'denied' });
    const above = rig({
      script: [{ call: { name: 'other', arguments: { message: 'look' } } }, { say: 'done' }],
      tools: [below.session.asTool(OPTIONS)],
      onRequest: () => 'approved',
    });
    const opened = nextOf(below.session, 'request.opened');
    await above.session.run('go').outcome;
    await opened;
    expect(above.types().filter((type) => type.startsWith('request.'))).toEqual([]);
    await Promise.all([above.session.close(), below.session.close()]);
  });
});
