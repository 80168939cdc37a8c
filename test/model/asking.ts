import { type OpenAIModelOptions, openaiModel } from '../../src/model/openai.ts';
import type { Model, ModelAnswer, ModelRequest } from '../../src/model/port.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { ModelServer } from './model-server.ts';

/** A request that asks for everything. */
export const REQUEST: ModelRequest = {
  instructions: 'Be brief.',
  history: [{ type: 'message', role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  tools: [{ name: 'shell', description: 'Runs a command.', parameters: { type: 'object' } }],
  parallelToolCalls: true,
  effort: 'low',
  outputSchema: { type: 'object' },
  cacheKey: 'session-1',
};
const never = new AbortController().signal;
const ignore = () => undefined;

/** A clock on which delays of less than a minute take no time. */
const hasty: Clock = {
  now: () => 0,
  setTimeout: (fn, ms) => (ms < 60_000 ? setImmediate(fn) : null),
  clearTimeout: (timer) => timer !== null && clearImmediate(timer as NodeJS.Immediate), // What setTimeout above gives.
};

export function modelAt(server: ModelServer, options: Partial<OpenAIModelOptions> = {}): Model {
  return openaiModel({ model: 'any', baseURL: server.baseURL, env: {}, clock: hasty, ...options });
}

export const ask = (model: Model, request = REQUEST): Promise<ModelAnswer> => model.sample(request, ignore, never);

export function textOf(answer: ModelAnswer): string {
  if (answer.status !== 'completed') return answer.status === 'failed' ? answer.error.code : answer.status;
  return answer.outputs.map((output) => (output.type === 'call' ? output.name : output.text)).join();
}

export const paths = (server: ModelServer) => server.heads.map(({ url }) => url.replace('/v1/', ''));
