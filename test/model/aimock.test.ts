import { tmpdir } from 'node:os';
import { type FixtureFileResponse, type FixtureMatch, type FixtureOpts, LLMock } from '@copilotkit/aimock';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { createHastyClock } from '../../scripts/faults.ts';
import { createSession, defineTool, type SessionEvent } from '../../src/index.ts';
import { type OpenAIModelOptions, openaiModel } from '../../src/model/openai.ts';

// A model server that others wrote, over HTTP.
let mock: LLMock;

beforeEach(async () => {
  mock = new LLMock({ port: 0 });
  await mock.start();
});
afterEach(() => mock.stop());

const weather = defineTool({
  name: 'weather',
  description: 'Tells the weather of a city.',
  input: z.object({ city: z.string() }),
  parallel: true,
  execute: async ({ city }) => `It rains in ${city}.`,
});

/** A message, as aimock keeps it from either wire. */
const shown = z.object({
  role: z.string(),
  tool_call_id: z.string().optional(),
  tool_calls: z.array(z.object({ id: z.string() })).optional(),
});

const weatherIn = (city: string, id: string) => ({ name: 'weather', arguments: { city }, id });

describe.each(['responses', 'chat', 'auto'] as const)('aimock over %s', (wireApi) => {
  const on = (match: FixtureMatch, response: FixtureFileResponse, options?: FixtureOpts) =>
    mock.on(match, response, options);

  /** A session, all that it tells, and the delays that were asked for before retries, which take no time. */
  function open(options: Partial<OpenAIModelOptions> = {}) {
    const { clock, gapsMs, onProgress } = createHastyClock();
    const model = openaiModel({ model: 'gpt-x', baseURL: `${mock.url}/v1`, env: {}, wireApi, clock, rng, ...options });
    const session = createSession({
      model,
      instructions: 'Be brief.',
      tools: [weather],
      rollout: 'off',
      cwd: tmpdir(),
    });
    const events: SessionEvent[] = [];
    session.events$.subscribe((event) => {
      events.push(event);
      if (event.type === 'stream.retrying') onProgress({ ...event, type: 'retrying' });
    });
    return { session, events, gapsMs };
  }
  const rng = { next: () => 0.5, bytes: (length: number) => new Uint8Array(length) };

  /** What the model said, as it was told piece by piece, of the items that were completed. */
  function toldTexts(events: readonly SessionEvent[]): readonly string[] {
    const messages = events.flatMap((event) =>
      event.type === 'item.completed' && event.item.type === 'agent_message' ? [event.item] : [],
    );
    return messages.map(({ id, text }) => {
      const begin = events.findLastIndex(({ type }) => type === 'stream.retrying');
      const deltas = events.flatMap((event, at) =>
        event.type === 'item.delta' && event.itemId === id && at > begin ? event.delta : [],
      );
      return deltas.join('') === text ? text : `told ${deltas.join('')}, said ${text}`;
    });
  }

  test('calls tools over several steps, beside each other and one after the other', async () => {
    on({ userMessage: 'weather', toolResultContains: 'Oslo' }, { toolCalls: [weatherIn('Rome', 'call_3')] });
    on({ userMessage: 'weather', toolResultContains: 'Rome' }, { content: 'It rains everywhere.' });
    on(
      { userMessage: 'weather', hasToolResult: false },
      { content: 'I look.', toolCalls: [weatherIn('Ghent', 'call_1'), weatherIn('Oslo', 'call_2')] },
    );
    on({ userMessage: 'Thanks' }, { content: 'You are welcome.' });
    const { session, events } = open();
    const outcome = await session.run('How is the weather?').outcome;
    expect(outcome).toMatchObject({ status: 'completed', answer: 'It rains everywhere.' });
    expect(await session.run('Thanks').outcome).toMatchObject({ status: 'completed', answer: 'You are welcome.' });
    expect(
      session.entries().flatMap((entry) => (entry.type === 'output' ? [[entry.callId, entry.output]] : [])),
    ).toEqual([
      ['call_1', 'It rains in Ghent.'],
      ['call_2', 'It rains in Oslo.'],
      ['call_3', 'It rains in Rome.'],
    ]);
    expect(toldTexts(events)).toEqual(['I look.', 'It rains everywhere.', 'You are welcome.']);
    await session.close();
  });

  test('shows the whole conversation in the order that servers want', async () => {
    on({ hasToolResult: false }, { toolCalls: [weatherIn('Ghent', 'call_1')] });
    on({ toolResultContains: 'Ghent' }, { content: 'Rain.' });
    const { session } = open();
    await session.run('How is the weather?').outcome;
    const { messages } = z.object({ messages: z.array(shown) }).parse(mock.getLastRequest()?.body);
    expect(messages.map(({ role, tool_call_id, tool_calls }) => [role, tool_call_id ?? tool_calls?.[0]?.id])).toEqual([
      ['system', undefined],
      ['user', undefined],
      ['assistant', 'call_1'],
      ['tool', 'call_1'],
    ]);
    await session.close();
  });

  test('waits as long as a 429 asks, and tells so', async () => {
    const error = { message: 'Rate limited.', type: 'rate_limit_error', code: 'rate_limit_exceeded' };
    on({ userMessage: 'Hello', sequenceIndex: 0 }, { error, status: 429, retryAfter: 7 });
    on({ userMessage: 'Hello' }, { content: 'Hi.' });
    const { session, events, gapsMs } = open();
    expect(await session.run('Hello').outcome).toMatchObject({ status: 'completed', answer: 'Hi.' });
    expect(gapsMs).toEqual([7000]);
    expect(events.filter(({ type }) => type === 'stream.retrying')).toEqual([
      expect.objectContaining({
        attempt: 1,
        of: 4,
        delayMs: 7000,
        error: expect.objectContaining({ code: 'rate-limited' }),
      }),
    ]);
    await session.close();
  });

  test('begins again after a disconnect, and nothing is there twice', async () => {
    const content = 'A long answer that is cut in its middle.';
    on(
      { userMessage: 'Hello', sequenceIndex: 0 },
      { content },
      { chunkSize: 4, streamingProfile: { ttft: 1, tps: 200 }, disconnectAfterMs: 40 },
    );
    on({ userMessage: 'Hello' }, { content }, { chunkSize: 4 });
    const { session, events, gapsMs } = open();
    expect(await session.run('Hello').outcome).toMatchObject({ status: 'completed', answer: content });
    expect({ gapsMs, texts: toldTexts(events) }).toEqual({ gapsMs: [200], texts: [content] });
    await session.close();
  });

  test('gives up on a server that always fails, and says so', async () => {
    on({ userMessage: 'Hello' }, { content: 'Never.' }, { chaos: { dropRate: 1 } });
    const { session, gapsMs } = open();
    expect(await session.run('Hello').outcome).toMatchObject({ status: 'failed', error: { code: 'model-error' } });
    expect(gapsMs).toEqual([200, 400, 800, 1600]);
    await session.close();
  });

  test('has patience with latency, but not without end', async () => {
    const slow = { latency: 20, chunkSize: 2 };
    on({ userMessage: 'Hello' }, { content: 'Slowly said.' }, slow);
    on({ userMessage: 'Bye' }, { content: 'Much too slowly.' }, { latency: 60_000 });
    const patient = open({ idleTimeoutMs: 10_000 });
    expect(await patient.session.run('Hello').outcome).toMatchObject({ status: 'completed', answer: 'Slowly said.' });
    await patient.session.close();
    const hurried = open({ idleTimeoutMs: 100, maxRetries: 1 });
    expect(await hurried.session.run('Bye').outcome).toMatchObject({ status: 'failed', error: { code: 'stream-cut' } });
    expect(hurried.gapsMs).toEqual([200]);
    await hurried.session.close();
  });

  test('lets go of an answer that nobody wants any more', async () => {
    on(
      { userMessage: 'Hello' },
      { content: 'x'.repeat(1000) },
      { chunkSize: 1, streamingProfile: { ttft: 1, tps: 20 } },
    );
    const { session, events } = open();
    const task = session.run('Hello');
    await new Promise<void>((resolve) => {
      session.events$.subscribe(({ type }) => type === 'item.delta' && resolve());
    });
    expect(await task.abort()).toMatchObject({ outcome: 'aborted' });
    expect(await task.outcome).toMatchObject({ status: 'aborted' });
    expect(events.filter(({ type }) => type === 'stream.retrying')).toEqual([]);
    await session.close();
  });

  test('tells of reasoning, and of tokens', async () => {
    const usage =
      wireApi === 'chat' ? { prompt_tokens: 7, completion_tokens: 3 } : { input_tokens: 7, output_tokens: 3 };
    on({ userMessage: 'Hello' }, { content: 'Hi.', reasoning: 'They greet.', usage });
    const { session } = open();
    expect(await session.run('Hello').outcome).toMatchObject({
      usage: { inputTokens: 7, outputTokens: 3, totalTokens: 10 },
    });
    expect(session.history().map((item) => ('text' in item ? [item.type, item.text] : [item.type]))).toEqual([
      ['user_message', 'Hello'],
      ['reasoning', 'They greet.'],
      ['agent_message', 'Hi.'],
    ]);
    await session.close();
  });
});
