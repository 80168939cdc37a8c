import { APIConnectionError, APIError, OpenAI } from 'openai';
import { messageOf, TroupeError } from '../protocol/errors.ts';
import { type Clock, systemClock, TIMER_MAX_MS } from '../runtime/clock.ts';
import { type Rng, systemRng } from '../runtime/ids.ts';
import type { AnswerStream } from './answer-stream.ts';
import { makeAttempt } from './attempt.ts';
import { type Fault, faultOf, retryAfterMs } from './faults.ts';
import type { Model, ModelRequest } from './port.ts';
import { DISPENSABLE_FIELDS, localImages, responsesBody } from './responses-input.ts';
import { createResponsesStream } from './responses-stream.ts';
import { sampleWithRetries } from './retrying.ts';
import { fieldsOf, textOf } from './wire-values.ts';

/** Where OpenAI itself answers. */
export const OPENAI_BASE_URL = 'https://api.openai.com/v1';
/** How long a server may be silent, as in Codex. */
export const IDLE_TIMEOUT_MS = 300_000;
/** How long one attempt may take. */
export const ATTEMPT_TIMEOUT_MS = 3_600_000;
/** Retries of one request, as in Codex. */
export const RETRIES_MAX = 4;

export type OpenAIModelOptions = Readonly<{
  model: string;
  /** Else OPENAI_API_KEY of `env`. Servers that are not OpenAI's may need none. */
  apiKey?: string | undefined;
  /** Else OPENAI_BASE_URL of `env`, else OpenAI's own. */
  baseURL?: string | undefined;
  /** Which of OpenAI's interfaces the server is spoken to in. */
  wireApi?: WireApi;
  /** Tokens that fit; unknown when absent. */
  contextWindow?: number;
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>>;
  /** The transport. Must honour `signal`, and let go of the connection when the body is cancelled. */
  fetch?: typeof globalThis.fetch;
  /** How long one attempt may take, in ms. */
  timeoutMs?: number;
  /** How long the server may be silent, in ms. */
  idleTimeoutMs?: number;
  maxRetries?: number;
  clock?: Clock;
  rng?: Rng;
  env?: Readonly<Record<string, string | undefined>>;
  /** A data URL of a local image. Without it the model is told that the image could not be read. */
  loadImage?: (path: string) => Promise<string>;
}>;

/**
 * A model of OpenAI, or of any server that speaks as OpenAI does. Makes no connection until it is asked. Throws a
 * `TroupeError` for options that cannot work.
 */
export function openaiModel(options: OpenAIModelOptions): Model {
  const settings = readSettings(options);
  const { clock, rng, maxRetries, idleTimeoutMs, timeoutMs, baseURL: where } = settings;
  const wire = WIRES[settings.wireApi](settings);
  return {
    name: options.model,
    provider: settings.provider,
    contextWindow: options.contextWindow ?? null,
    sample: (request, onProgress, signal) =>
      sampleWithRetries({
        attempt: (tell, stop) => {
          const send = (end: AbortSignal) => wire.send(request, end);
          const stream = wire.createStream(request);
          const explain = (thrown: unknown) => explainFailure(thrown, settings);
          return makeAttempt({ send, explain, stream, tell, signal: stop, clock, idleTimeoutMs, timeoutMs, where });
        },
        onProgress,
        signal,
        clock,
        rng,
        maxRetries,
      }),
  };
}

/** One of the interfaces: how a request is sent, and how its answer is read. */
type Wire = Readonly<{
  send(request: ModelRequest, signal: AbortSignal): Promise<Response>;
  createStream(request: ModelRequest): AnswerStream;
}>;

export type WireApi = keyof typeof WIRES;

const WIRES = { responses: createResponsesWire } satisfies Record<string, (settings: Settings) => Wire>;

function createResponsesWire(settings: Settings): Wire {
  const { client, provider, isOpenAI, model, loadImage } = settings;
  const refused = new Set<string>();
  return {
    async send(request, signal) {
      const images = await loadImages(request, loadImage);
      for (;;) {
        const body = responsesBody(request, { provider, model: request.model ?? model, isOpenAI, images }, refused);
        try {
          // The items are what servers sent, or what `responsesBody` makes: no type of the client's covers both.
          const params = body as unknown as OpenAI.Responses.ResponseCreateParamsStreaming;
          return await client.responses.create(params, { signal }).asResponse();
        } catch (thrown) {
          const field = refusedField(thrown);
          if (field === null || !(field in body)) throw thrown;
          refused.add(field);
        }
      }
    },
    createStream: (request) =>
      createResponsesStream({ callIdPrefix: `call_${request.history.length}_`, where: settings.baseURL }),
  };
}

/** A dispensable field that the server says it does not know; it is left out from then on. */
function refusedField(thrown: unknown): string | null {
  if (!(thrown instanceof APIError) || (thrown.status !== 400 && thrown.status !== 422)) return null;
  const param = textOf(thrown.param)?.split('.')[0];
  const named = DISPENSABLE_FIELDS.find((field) => field === param);
  if (named !== undefined) return named;
  if (!/unknown|unsupported|unrecogni[sz]ed|unexpected|not supported|not permitted|extra/i.test(thrown.message))
    return null;
  return DISPENSABLE_FIELDS.find((field) => new RegExp(`\\b${field}\\b`).test(thrown.message)) ?? null;
}

async function loadImages(request: ModelRequest, load: OpenAIModelOptions['loadImage']) {
  const images = new Map<string, string>();
  if (load === undefined) return images;
  for (const path of localImages(request.history)) {
    // An image that has gone since must not stop the conversation: the model is told that it could not be read.
    const url = await load(path).catch(() => null);
    if (url !== null) images.set(path, url);
  }
  return images;
}

/** What the client's error says about the server; null when none was reached. */
function explainFailure(thrown: unknown, { baseURL, apiKey, clock }: Settings): Fault | null {
  if (!(thrown instanceof APIError) || thrown instanceof APIConnectionError || thrown.status === undefined) return null;
  const { status, headers } = thrown;
  const words = textOf(fieldsOf(thrown.error).message) ?? thrown.message.replace(/^\d{3} /, '');
  const message = apiKey.length < SECRET_LENGTH_MIN ? words : words.replaceAll(apiKey, '[the API key]');
  const wait = headers === undefined ? null : retryAfterMs(headers, clock.now());
  return faultOf(
    { status, code: textOf(thrown.code), type: textOf(thrown.type), message, retryAfterMs: wait },
    baseURL,
  );
}

/** Shorter keys are placeholders such as `none`. */
const SECRET_LENGTH_MIN = 8;

type Settings = Readonly<{
  client: OpenAI;
  model: string;
  apiKey: string;
  baseURL: string;
  provider: string;
  isOpenAI: boolean;
  wireApi: WireApi;
  maxRetries: number;
  timeoutMs: number;
  idleTimeoutMs: number;
  clock: Clock;
  rng: Rng;
  loadImage: OpenAIModelOptions['loadImage'];
}>;

function readSettings(options: OpenAIModelOptions): Settings {
  const env = options.env ?? process.env;
  const { model, wireApi = 'responses', clock = systemClock, rng = systemRng, loadImage } = options;
  if (typeof model !== 'string' || model === '') throw invalid('model', 'the name of a model', model);
  if (!Object.hasOwn(WIRES, wireApi)) throw invalid('wireApi', `'${Object.keys(WIRES).join("' or '")}'`, wireApi);
  const baseURL = options.baseURL || env.OPENAI_BASE_URL || OPENAI_BASE_URL;
  const host = hostOf(baseURL);
  const isOpenAI = /(^|\.)api\.openai\.com$/.test(host);
  const apiKey = options.apiKey || env.OPENAI_API_KEY || (isOpenAI ? null : 'none');
  if (apiKey === null) throw invalid('apiKey', 'a key: set OPENAI_API_KEY, or pass apiKey', 'none');
  const client = createClient(options, { apiKey, baseURL, env: isOpenAI ? env : {} });
  return {
    client,
    model,
    apiKey,
    baseURL,
    provider: isOpenAI ? 'openai' : `openai-compatible:${host}`,
    isOpenAI,
    wireApi,
    maxRetries: checked('maxRetries', options.maxRetries ?? RETRIES_MAX, 0),
    timeoutMs: checked('timeoutMs', options.timeoutMs ?? ATTEMPT_TIMEOUT_MS, 1),
    idleTimeoutMs: checked('idleTimeoutMs', options.idleTimeoutMs ?? IDLE_TIMEOUT_MS, 1),
    clock,
    rng,
    loadImage,
  };
}

/** The client with its own retries, timeouts and logs switched off, and told what it would look up in the environment. */
function createClient(
  { headers, fetch }: OpenAIModelOptions,
  { apiKey, baseURL, env }: { apiKey: string; baseURL: string; env: Readonly<Record<string, string | undefined>> },
): OpenAI {
  return new OpenAI({
    apiKey,
    baseURL,
    adminAPIKey: null,
    organization: env.OPENAI_ORG_ID ?? null,
    project: env.OPENAI_PROJECT_ID ?? null,
    webhookSecret: null,
    maxRetries: 0,
    timeout: TIMER_MAX_MS,
    logLevel: 'off',
    ...(headers === undefined ? {} : { defaultHeaders: headers }),
    ...(fetch === undefined ? {} : { fetch }),
  });
}

function hostOf(baseURL: string): string {
  const url = URL.parse(baseURL);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.host;
  throw invalid('baseURL', 'an http or https URL', baseURL);
}

function checked(name: string, value: number, least: number): number {
  if (Number.isFinite(value) && value >= least) return value;
  throw invalid(name, `a number, at least ${least}`, value);
}

function invalid(name: string, expected: string, got: unknown): TroupeError {
  return new TroupeError('invalid-config', `Expected ${name} to be ${expected}, got ${messageOf(got)}.`);
}
