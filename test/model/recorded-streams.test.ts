import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { StreamEnd } from '../../src/model/answer-stream.ts';
import { unreadableFault } from '../../src/model/faults.ts';
import { openaiModel } from '../../src/model/openai.ts';
import type { ModelAnswer, ModelProgress } from '../../src/model/port.ts';
import { createResponsesStream } from '../../src/model/responses-stream.ts';
import { fieldsOf, listOf } from '../../src/model/wire-values.ts';
import { EVENT_STREAM, type Reply, sse, startModelServer } from './model-server.ts';

const RECORDINGS = '../shared/fixtures/responses-sse';
const files = existsSync(RECORDINGS) ? globSync('**/*.chunks.txt', { cwd: RECORDINGS }).sort() : [];
const SPOILT = 'openai/parallel-tool-call-wrapper.1.chunks.txt';
const QUOTA = 'openai/openai-error.1.chunks.txt';
/** Its deltas say less than its items: it was shortened by hand. The items count. */
const SHORTENED = 'openai/openai-shell-container.1.chunks.txt';

/** The lines of a recording, one list for each response in it: some hold a whole conversation. */
function responsesIn(file: string): readonly (readonly string[])[] {
  const lines = readFileSync(`${RECORDINGS}/${file}`, 'utf8').split('\n');
  const responses: string[][] = [[]];
  for (const line of lines.filter((text) => text.trim() !== '')) {
    if (line.includes('"type":"response.created"') && responses.at(-1)?.length) responses.push([]);
    responses.at(-1)?.push(line);
  }
  return responses;
}

function replay(lines: readonly string[]): { end: StreamEnd; progress: readonly ModelProgress[] } {
  const stream = createResponsesStream({ callIdPrefix: 'call_', where: 'a recording' });
  const progress = lines.flatMap((line) => {
    const event = parse(line);
    if (event === null) stream.fail(unreadableFault('an event that is no JSON', 'a recording'));
    return stream.push(event);
  });
  return { end: stream.close(), progress };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

type Said = { text: string; calls: readonly unknown[]; totalTokens: number };

/** What the recording's own final response says. */
function finalOf(lines: readonly string[]): Said {
  const { response } = fieldsOf(parse(lines.findLast((line) => line.includes('"response.completed"')) ?? ''));
  const items = listOf(fieldsOf(response).output).map(fieldsOf);
  const texts = items
    .filter((item) => item.type === 'message')
    .flatMap((item) => listOf(item.content).map((part) => fieldsOf(part).text));
  const calls = items.filter((item) => item.type === 'function_call');
  return {
    text: texts.join(''),
    calls: calls.map((item) => [item.call_id, item.name, item.arguments]),
    totalTokens: Number(fieldsOf(fieldsOf(response).usage).total_tokens),
  };
}

function saidBy(answer: StreamEnd | ModelAnswer): Said {
  if (answer.status !== 'completed') throw new Error(`Expected a completed answer, got ${JSON.stringify(answer)}.`);
  return {
    text: answer.outputs.map((output) => (output.type === 'message' ? output.text : '')).join(''),
    calls: answer.outputs.flatMap((output) =>
      output.type === 'call' ? [[output.callId, output.name, output.arguments]] : [],
    ),
    totalTokens: answer.usage?.totalTokens ?? 0,
  };
}

describe.skipIf(files.length === 0)('recorded streams (skipped where ../shared/fixtures is absent)', () => {
  const whole = files.filter((file) => file !== SPOILT && file !== QUOTA);

  test('there are some', () => {
    expect(whole.length).toBeGreaterThan(20);
  });

  test.each(whole)('reads from %s what its final response says', (file) => {
    for (const lines of responsesIn(file)) {
      const { end, progress } = replay(lines);
      expect(saidBy(end)).toEqual(finalOf(lines));
      if (file !== SHORTENED) expect(toldTexts(progress)).toEqual(completedTexts(progress));
    }
  });

  test.each(whole)('reads %s without its deltas, and without all but its end', (file) => {
    for (const lines of responsesIn(file)) {
      expect(saidBy(replay(lines.filter((line) => !line.includes('.delta"'))).end)).toEqual(finalOf(lines));
      expect(saidBy(replay(lines.slice(-1)).end)).toEqual(finalOf(lines));
    }
  });

  test.each(whole)('does not take %s for an answer when its end is missing', (file) => {
    for (const lines of responsesIn(file)) {
      expect(replay(lines.slice(0, -1)).end).toMatchObject({
        status: 'fault',
        fault: { error: { code: 'stream-cut', retryable: true } },
      });
    }
  });

  test('reports a recording whose JSON is broken', () => {
    const [lines = []] = responsesIn(SPOILT);
    expect(replay(lines).end).toMatchObject({
      status: 'fault',
      fault: { error: { code: 'model-error', retryable: true } },
    });
  });

  test('reports a used-up quota, which no retry mends', () => {
    const [lines = []] = responsesIn(QUOTA);
    expect(replay(lines).end).toMatchObject({
      status: 'fault',
      fault: { error: { code: 'rate-limited', retryable: false }, retriesMax: 0 },
    });
  });

  const served = [
    'open-responses/lmstudio-tool-call.1.chunks.txt',
    'openai/github-copilot-id-rotation.1.chunks.txt',
    'azure/azure-text.1.chunks.txt',
  ];
  test.each(served)('reads %s from a server the same whole and byte by byte', async (file) => {
    const [lines = []] = responsesIn(file);
    const bytes = Buffer.from(sse(lines));
    const atOnce: Reply = (response) => response.writeHead(200, EVENT_STREAM).end(bytes);
    const bytewise: Reply = async (response) => {
      response.writeHead(200, EVENT_STREAM);
      response.socket?.setNoDelay(true);
      for (const byte of bytes)
        if (!response.write(Buffer.of(byte))) await new Promise((go) => response.once('drain', go));
      response.end();
    };
    for (const reply of [atOnce, bytewise]) {
      const server = await startModelServer(reply);
      const model = openaiModel({ model: 'any', baseURL: server.baseURL, apiKey: 'none' });
      const progress: ModelProgress[] = [];
      const request = { instructions: null, history: [], tools: [], parallelToolCalls: false, cacheKey: 'session-1' };
      const answer = await model.sample(request, (told) => progress.push(told), new AbortController().signal);
      expect(saidBy(answer)).toEqual(finalOf(lines));
      expect(progress).toEqual(replay(lines).progress);
    }
  });
});

/** The deltas of each message and reasoning that was completed, put together. */
function toldTexts(progress: readonly ModelProgress[]): readonly string[] {
  return finishedTexts(progress).map(({ index }) =>
    progress.map((told) => (told.type === 'output.delta' && told.index === index ? told.delta : '')).join(''),
  );
}

function completedTexts(progress: readonly ModelProgress[]): readonly string[] {
  return finishedTexts(progress).map(({ text }) => text);
}

function finishedTexts(progress: readonly ModelProgress[]): readonly { index: number; text: string }[] {
  return progress.flatMap((told) =>
    told.type === 'output.completed' && told.output.type !== 'call'
      ? [{ index: told.index, text: told.output.text }]
      : [],
  );
}
