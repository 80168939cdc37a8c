import { messageOf, TroupeError } from '../protocol/errors.ts';
import { type Clock, systemClock } from '../runtime/clock.ts';
import { type Rng, systemRng } from '../runtime/ids.ts';
import { nodeHttp } from './node-http.ts';
import { WIRES, type WireApi } from './wires.ts';

/** Where OpenAI itself answers. */
export const OPENAI_BASE_URL = 'https://api.openai.com/v1';
/** How long a server may be silent, as in Codex. */
export const IDLE_TIMEOUT_MS = 300_000;
/** How long one attempt may take. */
export const ATTEMPT_TIMEOUT_MS = 3_600_000;
/** Retries of one request, as in Codex. */
export const RETRIES_MAX = 4;
/** Requests for one question to the model, those included in which it is learned what the server knows. */
export const REQUESTS_MAX = 6;

export type OpenAIModelOptions = Readonly<{
  model: string;
  /** Else OPENAI_API_KEY of `env`. Servers that are not OpenAI's may need none. */
  apiKey?: string | undefined;
  /** Else OPENAI_BASE_URL of `env`, else OpenAI's own. */
  baseURL?: string | undefined;
  /** Which of OpenAI's interfaces the server is spoken to in: `responses` (default), `chat`, or `auto`. */
  wireApi?: WireApi;
  /** Tokens that fit; by model, where tasks use others than this one. Unknown when absent: then nothing is compacted by itself. */
  contextWindow?: number | Readonly<Record<string, number>>;
  /** Sent with every request, as the `openai` client does it; null leaves out a header that it would send. */
  defaultHeaders?: Readonly<Record<string, string | null | undefined>>;
  /** Put into the URL of every request. */
  defaultQuery?: Readonly<Record<string, string | undefined>>;
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

/** The options with what holds where they say nothing. */
export type Settings = Readonly<{
  model: string;
  apiKey: string;
  baseURL: string;
  provider: string;
  /** The server is OpenAI's own: its key and its organisation are needed, or known. */
  isOpenAIHost: boolean;
  /** It speaks as OpenAI does in every respect; so does Azure where it runs OpenAI's models. */
  isOpenAI: boolean;
  wireApi: WireApi;
  headers: Readonly<Record<string, string | null | undefined>>;
  query: Readonly<Record<string, string | undefined>> | undefined;
  /** What must not be shown. */
  secrets: readonly string[];
  maxRetries: number;
  timeoutMs: number;
  idleTimeoutMs: number;
  clock: Clock;
  rng: Rng;
}>;

/** Throws a `TroupeError` for options that cannot work. */
export function readSettings(options: OpenAIModelOptions): Settings {
  const env = options.env ?? process.env;
  const { model, wireApi = 'responses', clock = systemClock, rng = systemRng, defaultHeaders = {} } = options;
  if (typeof model !== 'string' || model === '') throw invalid('model', 'the name of a model', model);
  if (!Object.hasOwn(WIRES, wireApi)) throw invalid('wireApi', `'${Object.keys(WIRES).join("' or '")}'`, wireApi);
  const baseURL = options.baseURL || env.OPENAI_BASE_URL || OPENAI_BASE_URL;
  const { host } = urlOf(baseURL);
  const isOpenAIHost = /(^|\.)api\.openai\.com$/.test(host);
  const apiKey = options.apiKey || env.OPENAI_API_KEY || (isOpenAIHost ? null : NO_KEY);
  if (apiKey === null) throw invalid('apiKey', 'a key: set OPENAI_API_KEY, or pass apiKey', 'none');
  checkSendable('apiKey', { authorization: apiKey });
  checkSendable('defaultHeaders', defaultHeaders);
  return {
    model,
    apiKey,
    baseURL,
    provider: isOpenAIHost ? 'openai' : `openai-compatible:${host}`,
    isOpenAIHost,
    isOpenAI: isOpenAIHost || /\.(openai|cognitiveservices)\.azure\.com$/.test(host),
    wireApi,
    headers: withoutSecondKey(defaultHeaders),
    query: options.defaultQuery,
    secrets: [apiKey, ...secretsIn(defaultHeaders)].filter((secret) => secret.length >= SECRET_LENGTH_MIN),
    maxRetries: checked('maxRetries', options.maxRetries ?? RETRIES_MAX, 0),
    timeoutMs: checked('timeoutMs', options.timeoutMs ?? ATTEMPT_TIMEOUT_MS, 1),
    idleTimeoutMs: checked('idleTimeoutMs', options.idleTimeoutMs ?? IDLE_TIMEOUT_MS, 1),
    clock,
    rng,
  };
}

/** What servers that need no key are sent. */
const NO_KEY = 'none';
/** Shorter keys are placeholders such as `none`. */
const SECRET_LENGTH_MIN = 8;
/** Headers that carry a key. */
const KEY_HEADERS = ['api-key', 'x-api-key', 'authorization'];

type HeaderOptions = NonNullable<OpenAIModelOptions['defaultHeaders']>;

/** Azure is given its key in `api-key`, and then no other one, as the client's own class for Azure does it. */
function withoutSecondKey(headers: HeaderOptions): HeaderOptions {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  return names.includes('api-key') && !names.includes('authorization') ? { ...headers, Authorization: null } : headers;
}

function secretsIn(headers: HeaderOptions): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value && KEY_HEADERS.includes(name.toLowerCase()) ? [value, value.replace(/^Bearer /i, '')] : [],
  );
}

function urlOf(baseURL: string): URL {
  const url = URL.parse(baseURL);
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw invalid('baseURL', 'an http or https URL', baseURL);
  if (url.username === '' && url.password === '') return url;
  throw invalid('baseURL', 'a URL without a user and a password: pass them as a header, in defaultHeaders', 'one with');
}

/** Headers that cannot be sent would fail each request in the same way. */
function checkSendable(name: string, headers: HeaderOptions): void {
  const given = Object.entries(headers).filter(([header, value]) => !isPlain(header, value ?? ''));
  if (given.length === 0) return;
  const { validateHeaderName, validateHeaderValue } = nodeHttp();
  try {
    for (const [header, value] of given) {
      validateHeaderName(header);
      validateHeaderValue(header, value ?? '');
    }
  } catch {
    throw invalid(name, 'text that fits into a header: one line, Latin letters', 'other characters');
  }
}

/** Surely sendable, as keys mostly are: Node's HTTP, which knows for sure, takes a while to load. */
function isPlain(header: string, value: string): boolean {
  return /^[a-z-]+$/i.test(header) && /^[!-~]+$/.test(value);
}

function checked(name: string, value: number, least: number): number {
  if (Number.isFinite(value) && value >= least) return value;
  throw invalid(name, `a number, at least ${least}`, value);
}

function invalid(name: string, expected: string, got: unknown): TroupeError {
  return new TroupeError('invalid-config', `Expected ${name} to be ${expected}, got ${messageOf(got)}.`);
}
