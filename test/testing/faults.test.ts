import { describe, expect, it } from 'vitest';
import type { ModelProgress, ModelRequest } from '../../src/model/port.ts';
import type { ProcessSpec } from '../../src/process/port.ts';
import { createFaults, FAULT_WAYS, faultsOf, type WorldFault } from '../../src/testing/faults.ts';
import { world } from '../../src/testing/world.ts';

const REQUEST: ModelRequest = { instructions: null, history: [], tools: [], parallelToolCalls: false, cacheKey: 'one' };
const NEVER = new AbortController().signal;
const spec: ProcessSpec = {
  argv: ['bash', '-c', 'ls'],
  cwd: '/work',
  env: {},
  timeoutMs: 5_000,
  graceMs: 100,
  keepBytes: 1_000,
  outputMaxBytes: 10_000,
};

/** What became of a promise in a world that rests: its value, its error, or null when it waits. */
async function came(simulated: ReturnType<typeof world>, promise: Promise<unknown>): Promise<unknown> {
  let end: unknown = null;
  promise.then(
    (value) => {
      end = value ?? 'done';
    },
    (error: Error) => {
      end = error.message;
    },
  );
  await simulated.run();
  return end;
}

describe('what goes wrong in a simulated world', () => {
  it('is the n-th operation of its sort and no other, and each is counted', () => {
    const fault: WorldFault = { port: 'files', operation: 'read', n: 2, how: 'EIO' };
    const desk = createFaults([fault]);
    const began = [desk.begin('files', 'read'), desk.begin('files', 'write'), desk.begin('files', 'read')];
    expect([began, desk.begin('files', 'read')]).toEqual([[null, null, 'EIO'], null]);
    expect(desk.operations()).toEqual([
      { port: 'files', operation: 'read', n: 1 },
      { port: 'files', operation: 'write', n: 1 },
      { port: 'files', operation: 'read', n: 2 },
      { port: 'files', operation: 'read', n: 3 },
    ]);
    expect(desk.met()).toEqual([fault]);
  });

  it('is a file that fails as a disk does, before the deed or after it', async () => {
    for (const how of ['ENOSPC', 'late'] as const) {
      const simulated = world(1, { faults: [{ port: 'files', operation: 'write', n: 1, how }] });
      const end = await came(simulated, simulated.files.write('/work/a', Buffer.from('a')));
      expect([end, simulated.files.tree()]).toEqual(
        how === 'late'
          ? ["EIO: i/o error, write '/work/a'", { '/work/a': 'a' }]
          : ["ENOSPC: no space left on device, write '/work/a'", { '/work': '<directory>' }],
      );
    }
  });

  it('hangs until all is healed, and then goes on; nothing goes wrong any more', async () => {
    const faults: WorldFault[] = [1, 2].map((n) => ({ port: 'files', operation: 'kind', n, how: 'hangs' }));
    const simulated = world(1, { faults });
    const kind = simulated.files.kind('/work');
    expect(await came(simulated, kind)).toBe(null);
    expect(simulated.waiting()).toEqual(['for ever: a look at the kind of /work']);
    simulated.heal();
    expect(await simulated.settled(kind)).toBe('directory');
    expect(await simulated.settled(simulated.files.kind('/work'))).toBe('directory');
    expect(simulated.met()).toHaveLength(1);
  });

  it('is a power cut, after which the world stands still; of what was being appended half may be there', async () => {
    for (const how of ['power-cut', 'torn'] as const) {
      const simulated = world(1, { faults: [{ port: 'logs', operation: 'append', n: 1, how }] });
      const session = simulated.open({ model: simulated.model([{ say: 'Hi.' }]) });
      expect(await came(simulated, session.run('Hello.').outcome)).toBe(null);
      const [waits, bytes] = [simulated.clock.timers, simulated.logStore.bytes(session.id)];
      await simulated.run();
      expect([simulated.isCut, simulated.clock.timers]).toEqual([true, waits]);
      expect(Buffer.from(bytes).toString()).toMatch(how === 'torn' ? /^\{"v":1.*[^\n]$/s : /^$/);
    }
  });

  it('is a disk that has room for half of what is appended', async () => {
    const simulated = world(1, { faults: [{ port: 'logs', operation: 'append', n: 1, how: 'short' }] });
    const session = simulated.open({ model: simulated.model([{ say: 'Hi.' }]) });
    expect(await simulated.settled(session.run('Hello.').outcome)).toMatchObject({ status: 'completed' });
    expect(Buffer.from(simulated.logStore.bytes(session.id)).toString()).toMatch(/^\{"v":1.*[^\n]$/s);
    const told = simulated.trace().flatMap((entry) => (entry.type === 'event' ? [entry.event] : []));
    expect(told.filter(({ type }) => /degraded|task.completed/.test(type))).toMatchObject([
      { type: 'task.completed', durable: false },
      { type: 'session.degraded', reason: expect.stringContaining('ENOSPC: no space left on device') },
    ]);
  });

  it('is a log that fails although it was written', async () => {
    const simulated = world(1, { faults: [{ port: 'logs', operation: 'append', n: 1, how: 'late' }] });
    const session = simulated.open({ model: simulated.model([{ say: 'Hi.' }]) });
    await simulated.settled(session.run('Hello.').outcome);
    expect(simulated.log(session.id)[0]).toMatchObject({ seq: 0, type: 'session.opened' });
    expect(simulated.trace()).toContainEqual(
      expect.objectContaining({ event: expect.objectContaining({ type: 'session.degraded' }) }),
    );
  });

  it.each([
    ['EAGAIN', { status: 'not-started', exitCode: 126, error: 'spawn EAGAIN: resource temporarily unavailable' }],
    ['is-killed', { status: 'signalled', exitCode: 137, signal: 'SIGKILL', output: { text: 'a\n' } }],
    ['never-exits', { status: 'timed-out', exitCode: 124, output: { text: 'a\nb\n' }, killed: { graceful: true } }],
    ['endless-output', { status: 'timed-out', output: { text: 'a\nb\nagain\na\nb\nagain\na\nb\n' } }],
    ['cut-character', { status: 'exited', exitCode: 0, output: { text: 'a\nb\n\uFFFD' } }],
    ['exits-in-grace', { status: 'timed-out', killed: { graceful: true, survivors: 0 } }],
    ['ignores-term', { status: 'timed-out', killed: { graceful: false, killed: 1, survivors: 0 } }],
    ['ignores-kill', { status: 'timed-out', killed: { graceful: false, survivors: 1 } }],
    ['holds-output', { status: 'exited', exitCode: 0, output: { text: 'a\nb\n' } }],
  ] as const)('is a command of which it is said: %s', async (how, end) => {
    const simulated = world(1, { faults: [{ port: 'processes', operation: 'spawn', n: 1, how }] });
    simulated.command('ls', { output: ['a\n', 'b\n'] });
    expect(await simulated.settled(simulated.proc.spawn(spec).ended)).toMatchObject(end);
  });

  it.each([
    ['sample', 1, 'rate-limited', 'failed', ''],
    ['sample', 1, 'retries', 'completed', 'retrying Hel lo'],
    ['tell', 3, 'is-cut', 'failed', 'Hel'],
    ['tell', 3, 'retries', 'completed', 'Hel retrying Hel lo'],
  ] as const)('is a model whose %s number %i goes wrong: %s', async (operation, n, how, status, words) => {
    const faults = [{ port: 'model', operation, n, how } as WorldFault]; // The table above has no others.
    const simulated = world(1, { faults });
    const told: ModelProgress[] = [];
    const model = simulated.model([{ say: ['Hel', 'lo'] }]);
    const answer = await simulated.settled(model.sample(REQUEST, (progress) => told.push(progress), NEVER));
    const said = told.flatMap((one) => {
      if (one.type === 'output.delta') return [one.delta];
      return one.type === 'retrying' ? ['retrying'] : [];
    });
    expect([answer.status, said.join(' ')]).toEqual([status, words]);
  });

  it('is a socket that refuses, breaks, ends too early, or carries something else', async () => {
    const ask = async (fault: WorldFault) => {
      const simulated = world(1, { faults: [fault] });
      const { fetch } = simulated.wire([{ say: 'Hi.' }]);
      const body = JSON.stringify({ model: 'any', stream: true, input: [] });
      const asked = fetch('http://scripted.invalid/v1/responses', { method: 'POST', body });
      const read = asked.then(async (response) => `${response.status} ${(await response.text()).length}`);
      return came(simulated, read);
    };
    const whole = await ask({ port: 'sockets', operation: 'connect', n: 99, how: '500' });
    expect(whole).toMatch(/^200 \d{3,}$/);
    expect(await ask({ port: 'sockets', operation: 'connect', n: 1, how: 'ECONNREFUSED' })).toBe('fetch failed');
    expect(await ask({ port: 'sockets', operation: 'connect', n: 1, how: '503' })).toMatch(/^503 /);
    expect(await ask({ port: 'sockets', operation: 'receive', n: 2, how: 'ECONNRESET' })).toBe('fetch failed');
    expect(await ask({ port: 'sockets', operation: 'receive', n: 2, how: 'ends' })).toBe('200 48');
    expect(await ask({ port: 'sockets', operation: 'receive', n: 1, how: 'hangs' })).toBe(null);
  });

  it('has a way for each operation of each port', () => {
    expect(faultsOf({ port: 'logs', operation: 'append', n: 3 }).map(({ n, how }) => `${n} ${how}`)).toEqual(
      FAULT_WAYS.logs.append.map((how) => `3 ${how}`),
    );
    const ways = Object.values(FAULT_WAYS).flatMap((port) => Object.values(port).map((of) => of.length));
    expect([ways.length, Math.min(...ways)]).toEqual([19, 5]);
  });
});
