import { describe, expect, it, onTestFinished } from 'vitest';
import { lock } from '../../src/here/log-lock.ts';
import { commandRun, directory, homeWith, opened, type Said } from './command-run.ts';

const task = (at: number, taskId: string, more: object = {}): Said => ({
  ...{ at, type: 'task.started', taskId, kind: 'regular', placement: 'foreground' },
  ...more,
});
const started = (at: number, item: object): Said => ({ at, type: 'item.started', taskId: 'regular/1', item });

/** Who looks has the session open. */
async function isOpen(location: string) {
  onTestFinished(await lock(location));
}

describe('troupe why', () => {
  it('names each thing that a task waits for, and for how long', async () => {
    const now = Date.now();
    const request = {
      ...{ id: 'r', taskId: 'regular/1', callId: 'asked', time: new Date(now - 125 * 60_000).toISOString() },
      subject: { kind: 'command', argv: ['rm', 'x'], cwd: '/', shown: 'rm x' },
    };
    const other = { ...request, id: 's', callId: 'patch', subject: { kind: 'patch' } };
    const { home, location } = homeWith({
      parent: [
        opened(now - 3 * 3_600_000),
        task(now - 300_000, 'regular/1'),
        started(now, { id: 'i', type: 'command_execution', command: 'rm x', callId: 'asked' }),
        started(now, { id: 'j', type: 'command_execution', command: 'sleep 600', callId: 'sleeps' }),
        started(now, { id: 'k', type: 'tool_call', callId: 'looks' }),
        started(now, { id: 'l', type: 'agent_message' }),
        { at: now, type: 'request.opened', taskId: 'regular/1', request },
        { at: now, type: 'request.opened', taskId: 'regular/1', request: other },
        { at: now, type: 'child.opened', taskId: 'regular/1', childId: 'child', kind: 'agent' },
        { at: now, type: 'child.opened', taskId: 'regular/1', childId: 'closed', kind: 'agent' },
        { at: now, type: 'child.opened', taskId: 'regular/1', childId: 'lost', kind: 'agent' },
      ],
      child: [opened(now), task(now, 'regular/2')],
      closed: [opened(now), { at: now, type: 'session.closed' }],
    });
    await isOpen(location('parent'));
    const { code, stdout } = await commandRun(home, ['why', 'parent']);
    expect([code, stdout.replace(/\b0\.\d s/g, '0 s').split('\n')]).toEqual([
      0,
      [
        `session parent is open in process ${process.pid}`,
        'the task regular (regular/1) runs, for 5 min',
        '  a decision: whether rm x may run, for 2 h 5 min',
        '  a decision: a request (patch), for 2 h 5 min',
        '  the sub-session child, for 0 s',
        '    the task regular (regular/2) runs, for 0 s',
        '      the model m, for 0 s',
        '  the sub-session lost, of which there is no log, for 0 s',
        '  the command sleep 600, for 0 s',
        '  the call looks (tool_call), for 0 s',
        '',
      ],
    ]);
  });

  it('tells the same as JSON, and that an open session without a task waits for nothing', async () => {
    const { home, location } = homeWith({ idle: [opened()] });
    await isOpen(location('idle'));
    expect(await commandRun(home, ['why', 'idle', '--json'])).toEqual({
      code: 0,
      stdout: `${JSON.stringify({ sessionId: 'idle', openedBy: process.pid, end: null, causes: [] })}\n`,
      stderr: '',
    });
    expect((await commandRun(home, ['why'])).stdout).toBe(
      `session idle is open in process ${process.pid}\nit waits for nothing\n`,
    );
  });

  it('tells how the last task of a session has ended that nobody has open, not what ran beside it', async () => {
    const end = { at: 0, taskId: 'regular/1', usage: {} };
    const beside = task(0, 'user-shell/1', { kind: 'user-shell', placement: 'beside' });
    const { home } = homeWith({
      failed: [opened(), task(0, 'regular/1'), { ...end, type: 'task.failed', error: { message: 'no model' } }],
      completed: [
        ...[opened(), task(0, 'regular/1'), beside, { ...end, type: 'task.completed' }],
        { ...end, type: 'task.aborted', taskId: 'user-shell/1', reason: 'interrupted' },
      ],
      open: [opened(), task(0, 'regular/1')],
      empty: [opened()],
    });
    const told = async (id: string) => (await commandRun(home, ['why', id])).stdout.split('\n').slice(1, -1);
    expect({
      failed: await told('failed'),
      completed: await told('completed'),
      open: await told('open'),
      empty: await told('empty'),
    }).toEqual({
      failed: ['its last task failed at 1970-01-01T00:00:00.000Z: no model'],
      completed: ['its last task completed at 1970-01-01T00:00:00.000Z'],
      open: [
        'its task regular (regular/1) has no end: the program was killed, or its machine went down',
        'a resume closes it',
      ],
      empty: ['no task of it has ended'],
    });
  });

  it('says that there is no session, and fails', async () => {
    const none = { code: 1, stdout: '', stderr: 'troupe: Expected a session, there is none.\n' };
    expect([await commandRun(directory(), ['why']), await commandRun(directory(), ['why', 'last'])]).toEqual([
      none,
      none,
    ]);
  });
});
