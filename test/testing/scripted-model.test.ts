import { describe, expect, test } from 'vitest';
import type { ModelProgress, ModelRequest } from '../../src/model/port.ts';
import { SCRIPTED_USAGE } from '../../src/testing/script.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { createSteppedClock } from '../model/stepped-clock.ts';

const never = new AbortController().signal;
const ignore = () => undefined;

function request(text: string, more: Partial<ModelRequest> = {}): ModelRequest {
  return {
    instructions: null,
    history: [{ type: 'message', role: 'user', content: [{ type: 'text', text }] }],
    tools: [],
    parallelToolCalls: false,
    cacheKey: 'session-1',
    ...more,
  };
}

const withOutputs = (outputs: Readonly<Record<string, string>>, cacheKey = 'session-1') =>
  request('', {
    cacheKey,
    history: Object.entries(outputs).map(([callId, output]) => ({ type: 'output', callId, output })),
  });

describe('a scripted model', () => {
  test('says what the script says, after the caller has gone on', async () => {
    const model = scriptedModel([
      { reason: 'Hm.', say: ['Hel', 'lo'], call: { name: 'shell', arguments: { command: 'ls' } } },
    ]);
    const told: ModelProgress[] = [];
    const answer = model.sample(request('Hello'), (progress) => told.push(progress), never);
    expect(told).toEqual([]);
    const reasoning = { type: 'reasoning', text: 'Hm.' };
    const message = { type: 'message', text: 'Hello' };
    const call = { type: 'call', callId: 'call_1', name: 'shell', arguments: '{"command":"ls"}' };
    expect(await answer).toEqual({ status: 'completed', outputs: [reasoning, message, call], usage: SCRIPTED_USAGE });
    expect(told).toEqual([
      { type: 'output.started', index: 0, output: 'reasoning' },
      { type: 'output.delta', index: 0, delta: 'Hm.' },
      { type: 'output.completed', index: 0, output: reasoning },
      { type: 'output.started', index: 1, output: 'message' },
      { type: 'output.delta', index: 1, delta: 'Hel' },
      { type: 'output.delta', index: 1, delta: 'lo' },
      { type: 'output.completed', index: 1, output: message },
      { type: 'output.started', index: 2, output: 'call' },
      { type: 'output.completed', index: 2, output: call },
    ]);
    model.verify();
  });

  test('fails and is cut short as the script says', async () => {
    const model = scriptedModel([
      { fail: { code: 'rate-limited', retryable: true } },
      { say: 'Half', incomplete: 'max_output_tokens' },
    ]);
    expect(await model.sample(request('1'), ignore, never)).toEqual({
      status: 'failed',
      error: { code: 'rate-limited', message: 'The script says that this fails.', retryable: true },
      usage: null,
    });
    expect(await model.sample(request('2'), ignore, never)).toEqual({
      status: 'incomplete',
      reason: 'max_output_tokens',
      outputs: [{ type: 'message', text: 'Half' }],
      usage: SCRIPTED_USAGE,
    });
  });

  test('branches on what the calls of the last answer came to', async () => {
    const model = scriptedModel([
      {
        call: [
          { name: 'shell', arguments: {}, callId: 'a' },
          { name: 'shell', arguments: {}, callId: 'b' },
        ],
      },
      (_, { index, lastOutputs }) => ({ say: `${index}: ${JSON.stringify(lastOutputs)}` }),
      (_, { lastOutputs }) => ({ say: JSON.stringify(lastOutputs) }),
    ]);
    await model.sample(request('1'), ignore, never);
    const said = await model.sample(withOutputs({ old: '0', a: '1', b: '2' }), ignore, never);
    const other = await model.sample(withOutputs({ old: '0' }, 'session-2'), ignore, never);
    expect([said, other]).toMatchObject([
      { outputs: [{ text: '1: {"a":"1","b":"2"}' }] },
      { outputs: [{ text: '{"old":"0"}' }] },
    ]);
  });

  test('has a lane for each session that it is asked by', async () => {
    const model = scriptedModel({
      lanes: {
        root: [{ call: { name: 'spawn_agent', arguments: {} } }, { say: 'Done.' }],
        child: [{ call: { name: 'shell', arguments: {} } }],
      },
      pick: ({ instructions }) => instructions ?? 'root',
    });
    const answers = [
      await model.sample(request('1'), ignore, never),
      await model.sample(request('2', { instructions: 'child' }), ignore, never),
      await model.sample(request('3'), ignore, never),
    ];
    expect(answers).toMatchObject([
      { outputs: [{ callId: 'call_root_1' }] },
      { outputs: [{ callId: 'call_child_1' }] },
      { outputs: [{ text: 'Done.' }] },
    ]);
    model.verify();
  });

  test('waits for a promise, and then on the clock', async () => {
    const clock = createSteppedClock();
    const gate = Promise.withResolvers<void>();
    const model = scriptedModel([{ waitFor: gate.promise, afterMs: 50, say: 'Now.' }], { clock });
    const told: ModelProgress[] = [];
    const answer = model.sample(request('1'), (progress) => told.push(progress), never);
    expect(clock.pending()).toEqual([]);
    gate.resolve();
    await clock.whenPending(50);
    expect(told).toEqual([]);
    clock.advance(50);
    expect(await answer).toMatchObject({ status: 'completed', outputs: [{ text: 'Now.' }] });
  });

  test.each([
    { what: 'hangs', step: { say: 'Half', hang: true as const } },
    { what: 'waits for a promise', step: { waitFor: new Promise(() => {}) } },
    { what: 'waits on the clock', step: { afterMs: 50 } },
    { what: 'has not decided', step: () => new Promise<never>(() => {}) },
  ])('ends aborted while it $what', async ({ step }) => {
    const clock = createSteppedClock();
    const stop = new AbortController();
    const answer = scriptedModel([step], { clock }).sample(request('1'), ignore, stop.signal);
    stop.abort();
    expect(await answer).toEqual({ status: 'aborted' });
    expect(clock.pending()).toEqual([]);
  });

  test('tells what was said before it hangs, unfinished', async () => {
    const stop = new AbortController();
    const told: ModelProgress[] = [];
    const onProgress = (progress: ModelProgress) => {
      told.push(progress);
      if (progress.type === 'output.delta') stop.abort();
    };
    await scriptedModel([{ say: 'Half', hang: true }]).sample(request('1'), onProgress, stop.signal);
    expect(told).toEqual([
      { type: 'output.started', index: 0, output: 'message' },
      { type: 'output.delta', index: 0, delta: 'Half' },
    ]);
  });

  test('consumes no step for a request that was aborted before', async () => {
    const model = scriptedModel([{ say: 'Hi' }]);
    expect(await model.sample(request('1'), ignore, AbortSignal.abort())).toEqual({ status: 'aborted' });
    expect({ requests: model.requests, remaining: model.remaining() }).toEqual({ requests: [], remaining: 1 });
  });
});

describe('the complaints of a scripted model', () => {
  test('name a request that the script does not know', async () => {
    const model = scriptedModel([]);
    const answer = await model.sample(request('Hello'), ignore, never);
    const message =
      'The script has no step for request 1: its history of 1 ends in {"type":"message","role":"user","content":[{"type":"text","text":"Hello"}]}.';
    expect(answer).toEqual({
      status: 'failed',
      error: { code: 'model-error', message, retryable: false },
      usage: null,
    });
    expect(model.complaints).toEqual([message]);
    expect(() => model.verify()).toThrow(`The script was not played as written:\n${message}`);
  });

  test('name a lane that there is not', async () => {
    const model = scriptedModel({ lanes: { root: [] }, pick: () => 'elsewhere' });
    await model.sample(request('', { history: [] }), ignore, never);
    expect(model.complaints).toEqual([
      "The script has no step for request 1 in lane 'elsewhere': its history is empty.",
    ]);
  });

  test('name steps that nobody asked for', () => {
    expect(() => scriptedModel([{ say: '1' }, { say: '2' }]).verify()).toThrow('2 of the 2 steps were not asked for.');
  });

  test.each([
    { what: 'an expectation', step: { expect: () => expect(1).toBe(2) } },
    { what: 'a function', step: () => Promise.reject(new Error('expected 1 to be 2')) },
    { what: 'a promise', step: () => ({ waitFor: Promise.reject(new Error('expected 1 to be 2')) }) },
  ])('name $what that did not hold', async ({ step }) => {
    const model = scriptedModel([step]);
    expect(await model.sample(request('1'), ignore, never)).toMatchObject({
      status: 'failed',
      error: { retryable: false },
    });
    expect(model.complaints).toEqual([
      expect.stringContaining('The script expected something else of request 1: expected 1 to be 2'),
    ]);
  });

  test('name a listener that throws', async () => {
    const model = scriptedModel([{ say: 'Hi' }]);
    const listener = () => {
      throw new Error('Not listening.');
    };
    expect(await model.sample(request('1'), listener, never)).toMatchObject({
      status: 'failed',
      error: { code: 'internal' },
    });
    expect(() => model.verify()).toThrow('Not listening.');
  });
});
