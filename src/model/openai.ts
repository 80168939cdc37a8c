import type { OpenAI } from 'openai';
import { TIMER_MAX_MS } from '../runtime/clock.ts';
import { makeAttempt } from './attempt.ts';
import { type Api, type Body, createRequestBudget, type Endpoint, RefusedError, refusalIn } from './endpoint.ts';
import { faultOf } from './faults.ts';
import { takesPieces } from './http-fetch.ts';
import { createImageLoader } from './images.ts';
import { type OpenAIModelOptions, REQUESTS_MAX, readSettings, type Settings } from './openai-settings.ts';
import type { Model } from './port.ts';
import { readRefusal } from './refusal-body.ts';
import { sampleWithRetries } from './retrying.ts';
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
    const refusal = refusalIn(thrown);
    return refusal === null ? null : faultOf(refusal, where);
  };
  const { contextWindow = null } = options;
  const windowOf = (model: string) => {
    if (typeof contextWindow !== 'object' || contextWindow === null)
      return model === options.model ? contextWindow : null;
    return Object.hasOwn(contextWindow, model) ? (contextWindow[model] ?? null) : null;
  };
  return {
    name: options.model,
    provider: settings.provider,
    contextWindow: windowOf(options.model),
    contextWindowOf: windowOf,
    sample(request, onProgress, signal) {
      const budget = createRequestBudget(Math.max(REQUESTS_MAX, 1 + maxRetries));
      const send = (end: AbortSignal) => wire.send(request, budget, end);
      return sampleWithRetries({
        attempt: (tell) => makeAttempt({ send, explain, tell, signal, clock, idleTimeoutMs, timeoutMs, where }),
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
  const { baseURL, provider, model, isOpenAI, clock, secrets } = settings;
  const { fetch: transport = globalThis.fetch } = options;
  const heads = createHeads(settings, options);
  return {
    baseURL,
    where: baseURL.replace(/[?#].*$/, ''),
    provider,
    model,
    isOpenAI,
    loadImages: createImageLoader(options.loadImage),
    async post(api, body, signal) {
      const { url, headers } = heads.known(api) ?? (await heads.make(api));
      signal.throwIfAborted();
      const response = await transport(url, {
        method: 'POST',
        headers,
        body: sendable(body, transport),
        signal,
        // Nobody but the server that was named gets what was said to it.
        redirect: 'manual',
      });
      if (response.ok) return response;
      throw new RefusedError(await readRefusal(response, { signal, secrets, nowMs: clock.now() }));
    },
  };
}

function sendable(body: Body, transport: typeof fetch): NonNullable<RequestInit['body']> {
  if (typeof body === 'string') return body;
  return takesPieces(transport) ? (body as unknown as NonNullable<RequestInit['body']>) : Buffer.concat(body); // Ours takes more than a `fetch` does.
}

/** Where a request goes, and all that is said with it but its body. */
type Head = Readonly<{ url: string; headers: Readonly<Record<string, string>> }>;

const PATHS: Readonly<Record<Api, string>> = { responses: '/responses', chat: '/chat/completions' };

/**
 * The heads of requests, as the client makes them: with its address, its way to name the key, its own headers and those
 * of the caller. Each is made once, because none of that changes; the client is loaded when the first is wanted.
 */
function createHeads(settings: Settings, options: OpenAIModelOptions) {
  const heads = new Map<Api, Head>();
  return {
    known: (api: Api) => heads.get(api),
    async make(api: Api): Promise<Head> {
      const client = await createClient(settings, options);
      const { url, req } = await client.buildRequest({ method: 'post', path: PATHS[api], body: {}, stream: true });
      const head = { url, headers: Object.freeze(Object.fromEntries(req.headers)) };
      heads.set(api, head);
      return head;
    },
  };
}

/** The client, told what it would look up in the environment. Its own retries, timeouts and logs are of no use here. */
async function createClient(settings: Settings, { env = process.env }: OpenAIModelOptions): Promise<OpenAI> {
  const { apiKey, baseURL, headers, query, isOpenAIHost } = settings;
  const { OpenAI } = await import('openai');
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
  });
}
