import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { createSession, defineTask, defineTool, TroupeError } from '../../src/index.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { nextOf, rig } from '../session/rig.ts';

const forever = defineTask({
  input: z.object({}),
  work: (_input, _ports, signal) =>
    new Promise<object>((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
});

/** Group 68: what is refused before any effect, and which key the message names. */
const invalidOptions: readonly [name: string, options: unknown, expected: string][] = [
  ['no model', {}, 'model: Expected a model'],
  ['a model of the wrong type', { model: 'gpt' }, 'model: Expected a model'],
  ['an unknown key', { model: scriptedModel([]), modell: 1 }, 'Unrecognized key: "modell"'],
  ['NaN', { model: scriptedModel([]), limits: { graceMs: Number.NaN } }, 'limits.graceMs:'],
  ['a negative time', { model: scriptedModel([]), limits: { killMs: -1 } }, 'limits.killMs:'],
  [
    'a time beyond what timers take',
    { model: scriptedModel([]), limits: { commitMs: 2 ** 31 } },
    'limits.commitMs: Expected at most 2147483647 ms',
  ],
  ['an unknown limit', { model: scriptedModel([]), limits: { grace: 1 } }, 'limits: Unrecognized key: "grace"'],
  ['a sandbox that is none', { model: scriptedModel([]), sandbox: 'none' }, 'sandbox:'],
  ['a policy that is none', { model: scriptedModel([]), approvalPolicy: 'yolo' }, 'approvalPolicy:'],
  [
    'a handler that is no function',
    { model: scriptedModel([]), onRequest: 'approved' },
    'onRequest: Expected a function',
  ],
  ['a kind with a bad name', { model: scriptedModel([]), tasks: { 'Bad Name': forever } }, 'tasks.Bad Name:'],
  ['options that are no object', 'model', 'options:'],
  ['null', null, 'options:'],
];

const invalidInputs: readonly [name: string, input: unknown, expected: string][] = [
  ['an empty input', '', 'nothing but blanks'],
  ['blanks', ' \n\t ', 'nothing but blanks'],
  ['100 MB', 'x'.repeat(100 * 1024 * 1024), 'Expected at most 16777216 characters'],
  ['no parts', [], 'at least one part'],
  ['a number', 7, 'Invalid input for "regular"'],
  ['an unknown part', [{ type: 'video', url: 'x' }], 'Invalid input for "regular"'],
];

describe('misuse of the API', () => {
  for (const [name, options, expected] of invalidOptions) {
    it(`${name} in the options is refused before any effect, naming the key`, () => {
      const attempt = () => createSession(options as never);
      expect(attempt).toThrow(TroupeError);
      expect(attempt).toThrow(expected);
    });
  }

  it('a cycle in the input of a task is refused', async () => {
    const any = defineTask({ input: z.object({ x: z.unknown() }), work: async () => ({}) });
    const { session } = rig({ tasks: { any } });
    const cyclic: { x?: unknown } = {};
    cyclic.x = cyclic;
    expect(() => session.start('any', { x: cyclic })).toThrow('to be JSON');
    await session.close();
  });

  it('keys that pollute prototypes do nothing', async () => {
    const any = defineTask({ input: z.record(z.string(), z.unknown()), work: async (input) => ({ input }) });
    const { session } = rig({ tasks: { any } });
    await session.start(
      'any',
      JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}'),
    ).outcome;
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    await session.close();
  });

  for (const [name, input, expected] of invalidInputs) {
    it(`${name} as what the user says is refused before anything starts`, async () => {
      const { session, events } = rig();
      expect(() => session.run(input as never)).toThrow(expected);
      await session.close();
      expect(events.map(({ type }) => type)).toEqual(['session.opened', 'session.closed']);
    });
  }

  it('control characters as what the user says are kept as they are', async () => {
    const { session, model } = rig({ script: [{ say: 'ok' }] });
    await session.run('\u0000\u0007\u001b[31m').outcome;
    expect(model.requests[0]?.history).toEqual([
      { type: 'message', role: 'user', content: [{ type: 'text', text: '\u0000\u0007\u001b[31m' }] },
    ]);
    await session.close();
  });

  it('an unknown kind is refused, naming those that there are', async () => {
    const { session } = rig({ tasks: { forever } });
    expect(() => session.start('toString' as never, {} as never)).toThrow(
      /^Expected one of the kinds regular, [a-z, -]+, forever, got "toString"/,
    );
    await session.close();
  });

  it('aborts of what has ended, twice and at its start, are answered', async () => {
    const { session } = rig({ tasks: { forever } });
    const task = session.start('forever', {});
    const [first, second] = await Promise.all([task.abort(), task.abort()]);
    expect([first.outcome, second.outcome]).toEqual(['aborted', 'aborted']);
    expect((await task.abort()).outcome).toBe('not-running');
    const never = session.start('forever', {}, { signal: AbortSignal.abort() });
    expect((await never.outcome).status).toBe('aborted');
    await session.close();
  });

  it('a close during an abort waits for it, and everything ends once', async () => {
    const { session, events } = rig({ tasks: { forever } });
    const task = session.start('forever', {});
    const [receipt] = await Promise.all([task.abort(), session.close(), session.close()]);
    expect(receipt.reason).toBe('interrupted');
    expect(events.filter(({ type }) => type === 'task.aborted')).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'session.closed')).toHaveLength(1);
    expect((await task.abort()).outcome).toBe('not-running');
  });

  it('answers for another session, after an abort and after the close change nothing', async () => {
    const asks = defineTask({
      input: z.object({}),
      work: async (_input, ports) => ({
        got: await ports.ask({ kind: 'question', questions: [{ id: 'q', question: '?' }] }),
      }),
    });
    const one = rig({ tasks: { asks } });
    const other = rig({ tasks: { asks } });
    one.session.requests$.subscribe(() => {});
    const task = one.session.start('asks', {});
    await nextOf(one.session, 'request.opened');
    const id = one.session.pending()[0]?.id ?? '';
    expect(other.session.answer(id, 'denied')).toBe('unknown-request');
    await task.abort();
    expect(one.session.answer(id, 'denied')).toBe('withdrawn');
    await Promise.all([one.session.close(), other.session.close()]);
    expect(one.session.answer(id, 'denied')).toBe('withdrawn');
    expect(other.session.answer(id, 'denied')).toBe('unknown-request');
  });

  it('a subscriber that unsubscribes inside its callback, and one that never reads, disturb nobody', async () => {
    const { session, events } = rig({ script: [{ say: 'Hi.' }] });
    let calls = 0;
    const following = session.events$.subscribe(() => {
      calls += 1;
      following.unsubscribe();
    });
    const task = session.run('greet');
    const unread = task[Symbol.asyncIterator]();
    await task.outcome;
    expect(calls).toBe(1);
    expect(events.at(-1)?.type).toBe('task.completed');
    await unread.return?.();
    await session.close();
  });

  it('an iterator that falls behind is told what it missed, and slows nobody', async () => {
    const flood = defineTask({
      input: z.object({}),
      work: async (_input, ports) => {
        for (let count = 0; count < 25_000; count += 1)
          ports.emit({ type: 'item.delta', itemId: 'x', delta: String(count) });
        return {};
      },
    });
    const { session } = rig({ tasks: { flood }, rollout: 'off' });
    const task = session.start('flood', {});
    const iterator = task[Symbol.asyncIterator]();
    await task.outcome;
    const first = await iterator.next();
    expect(first.value).toMatchObject({ type: 'stream.lagged', seq: null });
    let last = first.value;
    for (let step = await iterator.next(); !step.done; step = await iterator.next()) last = step.value;
    expect(last?.type).toBe('task.completed');
    await session.close();
  });

  it('a sub-session that is too deep, or one too many, is a clear error of the work that asked', async () => {
    const spread = defineTask({
      input: z.object({}),
      work: async (_input, ports) => {
        const first = ports.delegate({ kind: 'forever', input: {} });
        const second = await ports.delegate({ kind: 'forever', input: {} }).catch((error: Error) => error.message);
        void first;
        return { second };
      },
    });
    const { session } = rig({ tasks: { spread, forever }, limits: { agentsMax: 1 } });
    expect(await session.start('spread', {}).outcome).toMatchObject({
      status: 'completed',
      second: 'Expected at most 1 sub-sessions at once, got one more. Wait for one to end, or raise limits.agentsMax.',
    });
    await session.close();
  });

  it('an answer of a sub-session after its parent has ended has no effect', async () => {
    const late = Promise.withResolvers<void>();
    const child = defineTask({
      input: z.object({}),
      work: async (_input, ports) => {
        await late.promise;
        ports.commit({ type: 'warning.raised', code: 'late', message: 'late' });
        return {};
      },
    });
    const parent = defineTask({
      input: z.object({}),
      work: async (_input, ports) => ports.delegate({ kind: 'child', input: {} }),
    });
    const { session, events } = rig({ tasks: { child, parent } });
    await session.start('parent', {}).abort();
    const seen = events.length;
    late.resolve();
    await session.close();
    expect(events.slice(seen).map(({ type }) => type)).toEqual(['session.closed']);
  });

  it('jumps of the system clock neither lose nor double a terminal', async () => {
    let offset = 0;
    const clock = {
      now: () => Date.now() + offset,
      setTimeout: (fn: () => void, ms: number) => setTimeout(fn, ms),
      clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
    };
    for (const jump of [3_600_000, -3_600_000]) {
      const { session, events, log } = rig({ tasks: { forever }, world: { clock } });
      expect(log).toBeDefined();
      const task = session.start('forever', {});
      offset += jump;
      expect((await task.abort()).outcome).toBe('aborted');
      expect(events.filter(({ type }) => type === 'task.aborted')).toHaveLength(1);
      await session.close();
    }
  });
});

/** What a model may send by mistake or malice, and what the call comes to. */
const badCalls: readonly [
  name: string,
  call: { name: string; arguments: object | string; callId?: string }[],
  outputs: (string | RegExp)[],
][] = [
  ['an unknown tool', [{ name: 'nope', arguments: {} }], [/^Unknown tool "nope"\. The tools are: /]],
  ['a tool named like a prototype', [{ name: '__proto__', arguments: {} }], [/^Unknown tool "__proto__"/]],
  [
    'arguments that are not JSON',
    [{ name: 'echo', arguments: '{"text": ' }],
    [/^Expected the arguments of echo to be JSON/],
  ],
  ['arguments of the wrong schema', [{ name: 'echo', arguments: { text: 7 } }], [/^Invalid arguments for echo: /]],
  ['arguments that are an array', [{ name: 'echo', arguments: '["x"]' }], [/^Invalid arguments for echo: /]],
  ['arguments that are null', [{ name: 'echo', arguments: 'null' }], [/^Invalid arguments for echo: /]],
  [
    'arguments of 2 MB',
    [{ name: 'echo', arguments: { text: 'x'.repeat(2 * 1024 * 1024) } }],
    [/^Expected arguments of at most 1048576 characters/],
  ],
  [
    'one call id twice',
    [
      { name: 'echo', arguments: { text: 'a' }, callId: 'same' },
      { name: 'echo', arguments: { text: 'b' }, callId: 'same' },
    ],
    ['a', /^The call id "same" was used before/],
  ],
  ['an empty call id', [{ name: 'echo', arguments: { text: 'a' }, callId: '' }], ['a']],
  ['a tool that throws', [{ name: 'throws', arguments: {} }], ['The tool failed: broken']],
];

describe('a model that calls badly', () => {
  for (const [name, call, outputs] of badCalls) {
    it(`(${name}) is told so, each call has one output, and the task goes on`, async () => {
      const echo = defineTool({
        name: 'echo',
        description: 'Echoes.',
        input: z.object({ text: z.string() }),
        execute: ({ text }) => text,
      });
      const throws = defineTool({
        name: 'throws',
        description: 'Throws.',
        input: z.object({}),
        execute: () => {
          throw new Error('broken');
        },
      });
      const { session } = rig({ script: [{ call }, { say: 'Well.' }], tools: [echo, throws] });
      expect(await session.run('go').outcome).toMatchObject({ status: 'completed', answer: 'Well.' });
      const told = session.entries().flatMap((entry) => (entry.type === 'output' ? [entry.output] : []));
      expect(told).toEqual(
        outputs.map((output) => (typeof output === 'string' ? output : expect.stringMatching(output))),
      );
      const ids = session.entries().flatMap((entry) => (entry.type === 'call' ? [entry.callId] : []));
      expect(new Set(ids).size).toBe(ids.length);
      await session.close();
    });
  }
});
