import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask, type SessionEvent } from '../../src/index.ts';
import { ITERATOR_EVENTS_MAX } from '../../src/limits.ts';
import { createAgentWaits } from '../../src/session/agent-waits.ts';
import { exhausted } from '../../src/session/budget.ts';
import { createCallLedger } from '../../src/session/call-ledger.ts';
import { cutConversation } from '../../src/session/conversation.ts';
import { createEventQueue } from '../../src/session/event-queue.ts';
import { createSlots, giveUpTurn, takeSlot, turnOf } from '../../src/session/slots.ts';
import { windowOf } from '../../src/session/window.ts';
import { step } from '../channel/events.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';
import { bookBehind } from './book-of.ts';
import { rig } from './rig.ts';

describe('a budget', () => {
  it('is used up by tokens, money or time, as far as it has a limit', () => {
    const used = { tokens: 10, usd: 0.5, wallMs: 1_000 };
    expect([
      exhausted({ wallMs: 1_000 }, used),
      exhausted({ wallMs: 1_001 }, used),
      exhausted({ usd: 0.5 }, used),
      exhausted({ tokens: 10 }, used),
      exhausted({}, used),
    ]).toEqual([
      'The budget of 1000 ms is used up (1000 ms). Raise `budget`, or go on in another session.',
      null,
      'The budget of $0.5 is used up ($0.5000). Raise `budget`, or go on in another session.',
      'The budget of 10 tokens is used up (10). Raise `budget`, or go on in another session.',
      null,
    ]);
  });
});

describe('the calls of a task', () => {
  it('are settled once, each with its output in its form, and are gone then', () => {
    const outputs: unknown[] = [];
    const ledger = createCallLedger(
      (_item, output) => void outputs.push(output),
      () => 'i1',
    );
    const add = (callId: string, more: object) =>
      ledger.add({ callId, name: 'x', arguments: '{}', ...more } as Parameters<typeof ledger.add>[0]); // What is read of it.
    add('c1', { custom: true });
    add('c2', {});
    const item = {
      type: 'tool_call',
      callId: 'c1',
      name: 'x',
      arguments: {},
      output: '',
      status: 'completed',
    } as const;
    const settle = (callId: string, output: string) => ledger.settle(callId, { output, item, partial: false });
    settle('c2', 'two');
    settle('c2', 'again');
    settle('c1', 'one');
    settle('c9', 'nobody');
    expect(outputs).toEqual([
      { type: 'output', callId: 'c1', output: 'one', custom: true },
      { type: 'output', callId: 'c2', output: 'two' },
    ]);
    expect(() => ledger.get('c1')).toThrow('Expected an open call, got "c1", which has its output already.');
  });
});

describe('the turn of an agent', () => {
  it('does not come when it is stopped before it asks, and what was kept for one that ends is for the next', async () => {
    const slots = createSlots();
    const signal = new AbortController().signal;
    expect(await turnOf(slots, 1, 't1', AbortSignal.abort())).toBe(false);
    expect(await turnOf(slots, 1, 't1', signal)).toBe(true);
    const second = turnOf(slots, 1, 't2', signal);
    giveUpTurn(slots, 1, 't1');
    giveUpTurn(slots, 1, 't1');
    expect([await second, takeSlot(slots, 1, 't2'), takeSlot(slots, 1, 't3')]).toEqual([true, true, false]);
  });

  it('is not waited for by whom was stopped before', async () => {
    const waits = createAgentWaits(createSteppedClock());
    expect(await waits.wait(null, 1_000, AbortSignal.abort())).toBe('stopped');
  });
});

describe('events on their way to one reader', () => {
  const read = async (events: AsyncIterableIterator<SessionEvent>, count: number) => {
    const all: (readonly [string, number | null])[] = [];
    for (let at = 0; at < count; at += 1) {
      const { value, done } = await events.next();
      all.push(done === true ? ['done', null] : [value.type, value.seq]);
    }
    return all;
  };

  it('are told that some are missing when it falls behind, the transient ones among them', async () => {
    const queue = createEventQueue();
    const events = queue.iterator(() => {});
    const transient = { ...step(0), seq: null, type: 'item.delta', itemId: 'i', delta: 'x' } as const;
    queue.push(transient);
    for (let seq = 1; seq <= ITERATOR_EVENTS_MAX + 1; seq += 1) queue.push(step(seq));
    expect(await events.next()).toMatchObject({ value: { type: 'stream.lagged', from: 0, to: 1, dropped: 2 } });
    expect(await read(events, 1)).toEqual([['step.started', 2]]);
  });

  it('end once, and what comes later is nothing', async () => {
    const left: string[] = [];
    const queue = createEventQueue();
    const events = queue.iterator(() => void left.push('left'));
    queue.push(step(1));
    queue.end();
    queue.push(step(2));
    expect(await read(events, 3)).toEqual([
      ['step.started', 1],
      ['done', null],
      ['done', null],
    ]);
    await events.return?.();
    expect([left, events[Symbol.asyncIterator]() === events]).toEqual([['left'], true]);
  });
});

describe('what a session keeps', () => {
  it('is no task to take back when there is none', async () => {
    const { session } = rig();
    const book = bookBehind(session);
    const why = (tasks: number) => {
      const cut = cutConversation(book, 't1', tasks);
      return cut.ok ? null : cut.why.split(':')[0];
    };
    expect([why(1), why(2)]).toEqual([
      'Expected a task to take back of the conversation, there are 0',
      'Expected 2 tasks to take back of the conversation, there are 0',
    ]);
    await session.close();
  });

  it('has the window of the model that a task is for, as far as that is known', async () => {
    const { session } = rig();
    const book = bookBehind(session);
    const window = windowOf(book, 'other');
    const before = window.lastModel;
    window.measured(7);
    expect([before, window.size, window.isFull, window.tokens(), window.lastModel]).toEqual([
      'other',
      null,
      false,
      7,
      'other',
    ]);
    await session.close();
  });
});

describe('the input of a start', () => {
  const work = async () => ({});
  const start = async (input: unknown, given: unknown = {}) => {
    const { session } = rig({ tasks: { kind: defineTask({ input: input as z.ZodType<object>, work }) } }); // A schema of another library.
    try {
      return (await session.start('kind', given as object).outcome).status;
    } catch (error) {
      return String(error);
    } finally {
      await session.close();
    }
  };
  const schema = (validate: () => unknown) => ({ '~standard': { version: 1, vendor: 'x', validate } });

  it('is validated at once, with the place of what is wrong, whatever the library calls it', async () => {
    const path = ['a', { key: 'b' }, 0];
    expect([
      await start(schema(() => ({ issues: [{ message: 'no', path }, { message: 'at all' }] }))),
      await start(schema(async () => ({ value: {} }))),
      await start(schema(() => ({ value: undefined }))),
      await start(schema(() => ({ value: { big: 1n } }))),
    ]).toEqual([
      'TroupeError: Invalid input for "kind": a.b.0: no; at all.',
      'TroupeError: The input schema of "kind" validates asynchronously; a start is synchronous. Validate in the work instead.',
      'completed',
      'TroupeError: Expected the input for "kind" to be JSON (it is logged), got something with a cycle or a BigInt in it.',
    ]);
  });
});

describe('a logger', () => {
  it('is told how a task ends and of warnings, without what was said, and may fail', async () => {
    const lines: unknown[] = [];
    const level = (name: string) => (fields: { code?: string; reason?: string; kind?: string }, message: string) => {
      lines.push([name, message, fields.kind, fields.code ?? fields.reason]);
      throw new Error('the logger is broken');
    };
    const logger = { debug: () => {}, info: level('info'), warn: level('warn'), error: level('error') };
    const failing = defineTask({
      input: z.object({}),
      async work(_input, ports) {
        ports.commit({ type: 'warning.raised', code: 'odd', message: 'secret' });
        throw new Error('secret');
      },
    });
    const hanging = defineTask({
      input: z.object({}),
      work: (_input, _ports, signal) =>
        new Promise<object>((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
    });
    const { session } = rig({ tasks: { failing, hanging }, logger });
    await session.start('failing', {}).outcome;
    const task = session.start('hanging', {});
    await task.abort();
    await session.close();
    expect(lines).toEqual([
      ['info', 'session.opened', undefined, undefined],
      ['info', 'task.started', 'failing', undefined],
      ['warn', 'warning.raised', undefined, 'odd'],
      ['error', 'task.failed', 'failing', 'internal'],
      ['info', 'task.started', 'hanging', undefined],
      ['info', 'task.aborted', 'hanging', 'interrupted'],
      ['info', 'session.closed', undefined, undefined],
    ]);
  });
});
