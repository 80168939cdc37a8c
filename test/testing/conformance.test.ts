import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defineTask, type TaskPorts } from '../../src/index.ts';
import { conformance, type KindSubject } from '../../src/testing/index.ts';

const input = z.object({});
const QUESTION = { kind: 'question', questions: [{ id: 'q', question: 'Shall I?' }] } as const;
const item = (status: 'in_progress' | 'completed') =>
  ({ type: 'tool_call', id: 'lint-1', callId: 'c', tool: 'lint', arguments: {}, status }) as never; // What people are shown matters to nobody here.

type Work = (ports: TaskPorts, signal: AbortSignal) => Promise<object>;
const kindOf = (work: Work, onAbort: () => void = () => {}) =>
  defineTask({ input, work: (_input, ports, signal) => work(ports, signal), onAbort });

const asked = async (ports: TaskPorts) => {
  await ports.ask(QUESTION).catch(() => {});
};

describe('a kind that keeps every promise', () => {
  /** Asks, has a sub-session work, and shows both. */
  const kind = kindOf(async (ports, signal) => {
    ports.commit({ type: 'item.started', item: item('in_progress') });
    const decision = await ports.ask(QUESTION);
    const outcome = await ports.delegate({ input: 'Look at it.' });
    signal.throwIfAborted();
    ports.commit({ type: 'item.completed', item: item('completed') });
    return { decision, inner: outcome.status };
  });
  for (const { name, run } of conformance({ kind, input: {}, name: 'lint' })) it(name, run);
});

/** What of the checks does not hold, and what is said of it; how long it took is left out. */
async function failuresOf(kind: KindSubject['kind']) {
  const failures: Record<string, string[]> = {};
  for (const { name, run } of conformance({ kind, input: {}, name: 'lint', withinMs: 1_000 }))
    await run().catch((error: Error) => {
      failures[name] = error.message.replaceAll(/\d+ ms([,)])/g, '… ms$1').split('\n');
    });
  return failures;
}

describe('a kind with a planted bug is told of in words to read, and of nothing else: one that', () => {
  const STOP = 'stops in time when it is aborted, at every moment';
  const KILLED = [
    'The kind "lint" must stop by itself within its grace of 250 ms when it is aborted.',
    '  What happened: aborted at its start (task.started), it had to be killed (aborting … ms, settling … ms, killing … ms, cleanup … ms); then it had still not returned.',
    '  Told before:   task.started, request.opened, task.aborting, request.resolved, item.completed, warning.raised, task.aborted',
    '  What to do:    Hand `signal` on to whatever takes time, and return or throw as soon as it is aborted.',
  ];

  it.each<[string, KindSubject['kind'], Record<string, string[]>]>([
    [
      'commits something new after an abort',
      kindOf(async (ports, signal) => {
        await asked(ports);
        if (signal.aborted) ports.commit({ type: 'item.started', item: item('in_progress') });
        return {};
      }),
      {
        'begins nothing once it is aborted': [
          'The kind "lint" must begin nothing once it is aborted.',
          '  What happened: aborted at its start (task.started), it said item.started after task.aborting.',
          '  Told before:   task.started, request.opened, task.aborting, request.resolved, item.started, item.completed, item.completed, task.aborted',
          '  What to do:    After an abort finish what is open, and begin no item, step, request or sub-session: look at `signal.aborted` first.',
        ],
      },
    ],
    [
      'never ends once it is aborted',
      kindOf(async (ports, signal) => {
        await asked(ports);
        return signal.aborted ? new Promise(() => {}) : {};
      }),
      { [STOP]: KILLED },
    ],
    [
      'swallows the abort, and returns late',
      kindOf(async (ports, signal) => {
        await asked(ports);
        if (signal.aborted) await new Promise((resolve) => setTimeout(resolve, 700));
        return {};
      }),
      { [STOP]: KILLED },
    ],
    [
      'goes on with its ports when it has ended',
      kindOf(async (ports) => {
        await asked(ports);
        const goOn = (times: number) => {
          ports.emit({ type: 'item.delta', itemId: 'i', delta: 'Late.' });
          if (times > 0) setImmediate(goOn, times - 1);
        };
        goOn(100);
        return {};
      }),
      {
        'uses nothing once it has ended': [
          'The kind "lint" must use none of its ports once its task has ended.',
          '  What happened: it called emit after its end.',
          '  What to do:    Wait for all that it has begun before it returns, and stop all of that when `signal` is aborted.',
        ],
      },
    ],
    [
      'asks, and waits for no answer',
      kindOf(async (ports) => {
        ports.ask(QUESTION).catch(() => {});
        return {};
      }),
      {
        'leaves nothing open behind': [
          'The kind "lint" must leave nothing open behind.',
          '  What happened: it ended while a request of its own was open, which was withdrawn.',
          '  Told before:   task.started, request.opened, request.resolved, task.completed',
          '  What to do:    Wait for what `ask` and `delegate` give.',
        ],
      },
    ],
    [
      'throws in its abort hook',
      kindOf(
        async (ports) => {
          await asked(ports);
          return {};
        },
        () => {
          throw new Error('There was nothing to take back.');
        },
      ),
      {
        'has an abort hook that does not fail': [
          'The kind "lint" must have an abort hook that does not fail.',
          '  What happened: aborted at its start (task.started): The abort hook of "lint" failed: There was nothing to take back.',
          '  What to do:    Let `onAbort` cope with whatever state the work was in, also with one in which nothing had begun.',
        ],
      },
    ],
    [
      'gives what is no JSON',
      kindOf(async () => ({ found: new Map([['a', 1]]) })),
      {
        'gives what JSON can hold': [
          'The kind "lint" must give what JSON can hold: its data is written to the log.',
          '  What happened: what it returned is not the same after JSON.parse(JSON.stringify(…)).',
          '  What to do:    Return plain objects, arrays, texts, finite numbers, booleans and null; no Map, Date, function or circle.',
        ],
      },
    ],
  ])('%s', async (_, kind, failures) => {
    expect(await failuresOf(kind)).toEqual(failures);
  });

  it('never ends', async () => {
    const kind = kindOf((_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', reject)));
    const [ends] = conformance({ kind, input: {}, name: 'lint', withinMs: 100 });
    await expect(ends?.run()).rejects.toThrow(
      [
        'The kind "lint" must end by itself.',
        '  What happened: it had not ended after 100 ms.',
        '  Told before:   task.started',
        '  What to do:    See what it waits for; give `withinMs` when it needs longer.',
      ].join('\n'),
    );
  });
});

it('says what it expects when it is given something else', () => {
  expect(() => conformance({ task: 1 } as never)).toThrow(
    'conformance: expected { kind, input }, { tool, input } or { policy }, got ["task"].',
  );
});
