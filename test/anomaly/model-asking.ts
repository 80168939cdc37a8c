import { createHastyClock } from '../../scripts/faults.ts';
import { type OpenAIModelOptions, openaiModel } from '../../src/model/openai.ts';
import type { Model, ModelAnswer, ModelProgress, ModelRequest } from '../../src/model/port.ts';

/** A request that says hello. */
export const REQUEST: ModelRequest = {
  instructions: null,
  history: [{ type: 'message', role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  tools: [],
  parallelToolCalls: false,
  cacheKey: 'session-1',
};
export const never = new AbortController().signal;
const noJitter = { next: () => 0.5, bytes: (length: number) => new Uint8Array(length) };
const NOW = Date.parse('2026-11-22T12:00:00Z');

export function modelAt(baseURL: string, options: Partial<OpenAIModelOptions>): Model {
  return openaiModel({ model: 'any', baseURL, env: {}, rng: noJitter, fetch: globalThis.fetch, ...options });
}

/** Asks once. The delays before retries take no time, and are given. */
export async function ask(baseURL: string, options: Partial<OpenAIModelOptions>, request = REQUEST) {
  const { clock, gapsMs, onProgress } = createHastyClock();
  let text = '';
  let deltas = 0;
  const listen = (progress: ModelProgress) => {
    onProgress(progress);
    if (progress.type === 'retrying') text = '';
    if (progress.type !== 'output.delta') return;
    text += progress.delta;
    deltas += 1;
  };
  const model = modelAt(baseURL, { clock: { ...clock, now: () => NOW }, ...options });
  const answer = await model.sample(request, listen, never);
  return { delays: gapsMs, ends: wordsOf(answer, text, deltas), answer };
}

function wordsOf(answer: ModelAnswer, text: string, deltas: number): string {
  if (answer.status === 'aborted') return answer.status;
  if (answer.status === 'failed') return answer.error.code + (answer.error.retryable ? '!' : '');
  const said = answer.outputs.map((output) => (output.type === 'message' ? output.text : '')).join('');
  // What was told is what is kept, however it came.
  if (said !== text && text !== '') throw new Error(`Expected what was told to be what was said, got ${text.length}.`);
  if (said.length > 100) return `${said.length} characters in ${deltas} deltas`;
  return said + (answer.status === 'incomplete' ? ', incomplete' : '');
}
