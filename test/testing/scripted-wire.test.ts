import { expect, test } from 'vitest';
import { openaiModel } from '../../src/model/openai.ts';
import type { Model, ModelAnswer, ModelOutput, ModelProgress, ModelRequest } from '../../src/model/port.ts';
import type { TaskError } from '../../src/protocol/errors.ts';
import type { HistoryEntry } from '../../src/protocol/history.ts';
import type { Script, ScriptReport, ScriptStep } from '../../src/testing/script.ts';
import { scriptedModel } from '../../src/testing/scripted-model.ts';
import { scriptedWire } from '../../src/testing/scripted-wire.ts';

const never = new AbortController().signal;
const ignore = () => undefined;

const REQUEST: ModelRequest = {
  instructions: 'Be brief.',
  history: [{ type: 'message', role: 'user', content: [{ type: 'text', text: 'Hello 😀' }] }],
  tools: [{ name: 'shell', description: 'Runs a command.', parameters: { type: 'object' } }],
  parallelToolCalls: true,
  effort: 'low',
  outputSchema: { type: 'object' },
  cacheKey: 'session-1',
};

const DEPTHS: Readonly<Record<string, (script: Script) => { model: Model; report: ScriptReport }>> = {
  'on the port': (script) => {
    const model = scriptedModel(script);
    return { model, report: model };
  },
  'on the wire': (script) => {
    const wire = scriptedWire(script);
    return { model: overWire(wire.fetch), report: wire };
  },
  'on the wire of Chat Completions': (script) => {
    const wire = scriptedWire(script);
    // A name of Azure's, because it is told as much as OpenAI is; nothing is sent there.
    return { model: overWire(wire.fetch, 'chat', 'https://scripted.openai.azure.com/v1'), report: wire };
  },
};

function overWire(
  fetch: typeof globalThis.fetch,
  wireApi: 'responses' | 'chat' = 'responses',
  baseURL = 'http://scripted.invalid/v1',
): Model {
  return openaiModel({
    model: 'scripted',
    baseURL,
    wireApi,
    apiKey: 'none',
    env: {},
    fetch,
    maxRetries: 0,
  });
}

/** A conversation: each call is answered with its own arguments, until the model calls nothing. */
async function converse(
  model: Model,
): Promise<{ answers: readonly ModelAnswer[]; progress: readonly ModelProgress[] }> {
  const history: HistoryEntry[] = [...REQUEST.history];
  const answers: ModelAnswer[] = [];
  const progress: ModelProgress[] = [];
  for (;;) {
    const answer = await model.sample(
      { ...REQUEST, history: [...history] },
      (told) => progress.push(withoutRaw(told)),
      never,
    );
    if (answer.status !== 'completed') return { answers: [...answers, answer], progress };
    answers.push({ ...answer, outputs: answer.outputs.map(outputWithoutRaw) });
    const { provider } = model;
    for (const { raw, ...output } of answer.outputs) {
      if (output.type === 'message') history.push({ ...output, role: 'assistant', raw: { provider, item: raw } });
      else if (output.type === 'call') history.push({ ...output, raw: { provider, item: raw } });
    }
    const calls = answer.outputs.filter((output) => output.type === 'call');
    for (const call of calls) history.push({ type: 'output', callId: call.callId, output: `done ${call.arguments}` });
    if (calls.length === 0) return { answers, progress };
  }
}

function withoutRaw(progress: ModelProgress): ModelProgress {
  return progress.type === 'output.completed' ? { ...progress, output: outputWithoutRaw(progress.output) } : progress;
}

function outputWithoutRaw({ raw: _, ...output }: ModelOutput): ModelOutput {
  return output;
}

test('the same script gives the same outputs on the port and on both wires', async () => {
  const script: Script = [
    {
      expect: ({ instructions, tools, parallelToolCalls, effort, outputSchema, cacheKey, history }) =>
        expect({ instructions, tools, parallelToolCalls, effort, outputSchema, cacheKey, history }).toEqual(REQUEST),
      reason: 'The user greets. Ünïcödé 😀.',
      say: ['Hel', 'lo 😀', '!'],
      call: [
        { name: 'shell', arguments: { command: 'ls' } },
        { name: 'shell', arguments: 'no JSON', callId: 'mine' },
      ],
    },
    (request, { index, lastOutputs }) => ({
      say: `${index} ${request.history.length} ${JSON.stringify(lastOutputs)}`,
      call: { name: 'shell', arguments: {} },
      usage: null,
    }),
    (_, { lastOutputs }) => ({ say: ['', Object.keys(lastOutputs).join()], afterMs: 0 }),
  ];
  const played = await Promise.all(
    Object.values(DEPTHS).map(async (at) => {
      const { model, report } = at(script);
      const { answers, progress } = await converse(model);
      report.verify();
      return { answers, progress, requests: report.requests.length };
    }),
  );
  expect(played[1]).toEqual(played[0]);
  // Chat Completions have no items: nothing is finished before the answer is.
  expect(sorted(played[2])).toEqual(sorted(played[0]));
  expect(played[0]?.answers.at(1)).toMatchObject({
    outputs: [{ text: '1 6 {"call_1":"done {\\"command\\":\\"ls\\"}","mine":"done no JSON"}' }, { callId: 'call_2' }],
  });
});

function sorted<T extends { progress: readonly ModelProgress[] }>(played: T | undefined) {
  const isEnd = ({ type }: ModelProgress) => type === 'output.completed';
  const progress = played?.progress ?? [];
  return { ...played, progress: [...progress.filter((told) => !isEnd(told)), ...progress.filter(isEnd)] };
}

const faults: readonly Partial<TaskError>[] = [
  {},
  { code: 'model-error', retryable: true },
  { code: 'unauthorized' },
  { code: 'rate-limited' },
  { code: 'rate-limited', retryable: true },
  { code: 'context-window-exceeded' },
  { code: 'model-refused' },
  { code: 'stream-cut', retryable: true },
  { code: 'model-unreachable', retryable: true },
];

// Not the last of them in mid-stream: who cannot be reached says nothing.
const failing: readonly ScriptStep[] = [
  ...faults.map((fail) => ({ fail })),
  ...faults.slice(0, -1).map((fail) => ({ fail, say: 'Half' })),
];

test.each(failing)('fails alike at all depths: %o', async (step) => {
  const outcomes = await Promise.all(
    Object.values(DEPTHS).map(async (at) => {
      const { answers, progress } = await converse(at([step]).model);
      return {
        progress,
        answers: answers.map((answer) => answer.status === 'failed' && { ...answer.error, message: '' }),
      };
    }),
  );
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[2]).toEqual(outcomes[0]);
});

test.each(Object.keys(DEPTHS))('%s an answer is cut short with its reason', async (depth) => {
  const { model } = DEPTHS[depth]?.([{ say: 'Half', incomplete: 'max_output_tokens' }]) ?? {};
  const answer = await model?.sample(REQUEST, ignore, never);
  expect(answer).toMatchObject({
    status: 'incomplete',
    reason: 'max_output_tokens',
    outputs: [{ type: 'message', text: 'Half' }],
  });
});

test.each(Object.keys(DEPTHS))('%s a hanging answer ends when it is aborted', async (depth) => {
  const { model, report } = DEPTHS[depth]?.([{ say: 'Half', hang: true }]) ?? {};
  const stop = new AbortController();
  const told: string[] = [];
  const onProgress = (progress: ModelProgress) => {
    told.push(progress.type);
    if (progress.type === 'output.delta') stop.abort();
  };
  expect(await model?.sample(REQUEST, onProgress, stop.signal)).toEqual({ status: 'aborted' });
  expect(told).toEqual(['output.started', 'output.delta']);
  report?.verify();
});

test.each(Object.keys(DEPTHS))('%s a request without a step is a complaint', async (depth) => {
  const { model, report } = DEPTHS[depth]?.([]) ?? {};
  expect(await model?.sample(REQUEST, ignore, never)).toMatchObject({
    status: 'failed',
    error: {
      code: 'model-error',
      message: expect.stringContaining('The script has no step for request 1'),
      retryable: false,
    },
  });
  expect(report?.complaints).toEqual([expect.stringContaining('The script has no step for request 1')]);
  expect(() => report?.verify()).toThrow('The script has no step');
});

test('the stream of a hanging answer breaks when its request is aborted', async () => {
  const stop = new AbortController();
  const body = JSON.stringify({ stream: true });
  const { fetch } = scriptedWire([{ hang: true }]);
  const response = await fetch('http://scripted.invalid/v1/responses', { method: 'POST', body, signal: stop.signal });
  const whole = response.text();
  stop.abort(new Error('Enough.'));
  await expect(whole).rejects.toThrow('Enough.');
});

test('each retry asks for a step of its own', async () => {
  const wire = scriptedWire([
    { say: 'Half', fail: { code: 'stream-cut' } },
    { fail: { retryable: true } },
    { say: 'Whole' },
  ]);
  const clock = {
    now: () => 0,
    setTimeout: (fn: () => void, ms: number) => ms < 1000 && queueMicrotask(fn),
    clearTimeout: ignore,
  };
  const model = openaiModel({
    model: 'scripted',
    baseURL: 'http://scripted.invalid/v1',
    env: {},
    fetch: wire.fetch,
    clock,
  });
  expect(await model.sample(REQUEST, ignore, never)).toMatchObject({
    status: 'completed',
    outputs: [{ text: 'Whole' }],
  });
  expect(wire.requests.length).toBe(3);
  wire.verify();
});

test('a request that a server would not know is refused, and a complaint', async () => {
  const wire = scriptedWire([]);
  const answers = await Promise.all([
    wire.fetch('http://scripted.invalid/v1/models'),
    wire.fetch('http://scripted.invalid/v1/responses', { method: 'POST', body: '{}' }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([404, 404]);
  expect(wire.complaints).toEqual([
    'Expected a POST to …/responses or …/chat/completions, got GET http://scripted.invalid/v1/models.',
    'Expected a JSON body that asks for a stream.',
  ]);
});
