import { APIConnectionError, APIError, OpenAI } from 'openai';
import { TIMER_MAX_MS } from '../runtime/clock.ts';
import { makeAttempt } from './attempt.ts';
import { withShortErrors } from './bounded-body.ts';
import { createRequestBudget, type Endpoint, type Refusal } from './endpoint.ts';
import { faultOf, retryAfterMs } from './faults.ts';
import { createImageLoader } from './images.ts';
import { type OpenAIModelOptions, REQUESTS_MAX, readSettings, type Settings } from './openai-settings.ts';
import type { Model } from './port.ts';
import { sampleWithRetries } from './retrying.ts';
import { type Fields, fieldsOf, textOf } from './wire-values.ts';
import { WIRES } from './wires.ts';

export type { OpenAIModelOptions } from './openai-settings.ts';

/**
 * A model of OpenAI, or of any server that speaks as OpenAI does. Makes no connection until it is asked. Throws a
 * `TroupeError` for options that cannot work.
 */
export function openaiModel(options: OpenAIModelOptions): Model {
  const settings = readSettings(options);
  const { clock, rng, maxRetries, idleTimeoutMs, timeoutMs } = settings;
  const endpoint = createEndpoint(settings, options);
  const { where } = endpoint;
  const wire = WIRES[settings.wireApi](endpoint);
  const explain = (thrown: unknown) => {
    const refusal = endpoint.refusal(thrown);
    return refusal === null ? null : faultOf(refusal, where);
  };
  return {
    name: options.model,
    provider: settings.provider,
    contextWindow: options.contextWindow ?? null,
    sample(request, onProgress, signal) {
      const budget = createRequestBudget(Math.max(REQUESTS_MAX, 1 + maxRetries));
      return sampleWithRetries({
        attempt: (tell, stop) => {
          const send = (end: AbortSignal) => wire.send(request, budget, end);
          return makeAttempt({ send, explain, tell, signal: stop, clock, idleTimeoutMs, timeoutMs, where });
        },
        onProgress,
        signal,
        clock,
        rng,
        maxRetries,
        requestsLeft: budget.left,
      });
    },
  };
}

function createEndpoint(settings: Settings, options: OpenAIModelOptions): Endpoint {
  const { baseURL, provider, model, isOpenAI } = settings;
  const client = createClient(settings, options);
  return {
    baseURL,
    where: baseURL.replace(/[?#].*$/, ''),
    provider,
    model,
    isOpenAI,
    loadImages: createImageLoader(options.loadImage),
    post: (api, body, signal) =>
      api === 'chat'
        ? client.chat.completions.create(chatParams(body), { signal }).asResponse()
        : client.responses.create(responsesParams(body), { signal }).asResponse(),
    refusal: (thrown) => refusalOf(thrown, settings),
  };
}

/** The items are what servers sent, or what `responsesBody` makes: no type of the client's covers both. */
function responsesParams(body: Fields): OpenAI.Responses.ResponseCreateParamsStreaming {
  return body as unknown as OpenAI.Responses.ResponseCreateParamsStreaming; // For the reason above.
}

/** The messages carry what servers put beside them: no type of the client's covers that. */
function chatParams(body: Fields): OpenAI.Chat.ChatCompletionCreateParamsStreaming {
  return body as unknown as OpenAI.Chat.ChatCompletionCreateParamsStreaming; // For the reason above.
}

/** What the client's error says about the server; null when none was reached. */
function refusalOf(thrown: unknown, { secrets, clock }: Settings): Refusal | null {
  if (!(thrown instanceof APIError) || thrown instanceof APIConnectionError || thrown.status === undefined) return null;
  const { status, headers } = thrown;
  const words = textOf(fieldsOf(thrown.error).message) ?? thrown.message.replace(/^\d{3} /, '');
  return {
    status,
    code: textOf(thrown.code),
    type: textOf(thrown.type),
    param: textOf(thrown.param),
    message: secrets.reduce((text, secret) => text.replaceAll(secret, '[the API key]'), words),
    retryAfterMs: headers === undefined ? null : retryAfterMs(headers, clock.now()),
  };
}

/** The client with its own retries, timeouts and logs switched off, and told what it would look up in the environment. */
function createClient(settings: Settings, { fetch, env = process.env }: OpenAIModelOptions): OpenAI {
  const { apiKey, baseURL, headers, query, isOpenAIHost } = settings;
  return new OpenAI({
    apiKey,
    baseURL,
    adminAPIKey: null,
    organization: (isOpenAIHost && env.OPENAI_ORG_ID) || null,
    project: (isOpenAIHost && env.OPENAI_PROJECT_ID) || null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: TIMER_MAX_MS,
    logLevel: 'off',
    defaultHeaders: headers,
    ...(query === undefined ? {} : { defaultQuery: query }),
    fetch: withShortErrors(fetch ?? globalThis.fetch),
  });
}
