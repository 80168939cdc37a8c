import type { ErrorCode, TaskError } from '../protocol/errors.ts';
import { fieldsOf, textOf } from './wire-values.ts';

/** Why one attempt to reach a model came to nothing, and how often it is worth trying again. */
export type Fault = Readonly<{
  error: TaskError;
  /** At most this many retries in all; 0: another attempt would end the same way. */
  retriesMax: number;
  /** How long the server asked to wait; null when it did not. */
  retryAfterMs: number | null;
}>;

/** What a server said with an HTTP status or in an event of its stream. */
export type Complaint = Readonly<{
  status?: number | undefined;
  code?: string | null | undefined;
  type?: string | null | undefined;
  message: string;
  retryAfterMs?: number | null;
}>;

/** Nobody listens there, or the name is unknown: it may be starting up, but waiting long would not help. */
const REFUSED_RETRIES_MAX = 2;
/** A server's wish for a delay is not followed further than this. */
export const RETRY_AFTER_MAX_MS = 60_000;
/** Characters of a server's own words that are passed on. */
const QUOTE_MAX = 500;

/** A fault from what a server said about itself or about the request. `where` is the base URL. */
export function faultOf(complaint: Complaint, where: string): Fault {
  const rule = RULES.find((candidate) => candidate.applies(complaint)) ?? OTHERWISE;
  const status = complaint.status === undefined ? '' : `${complaint.status}: `;
  const quote = `${status}${quoted(complaint.message)}`;
  return {
    error: { code: rule.code, message: `${rule.says} (${quote}; ${where}) ${rule.advice}`, retryable: rule.retry },
    retriesMax: rule.retry ? Number.POSITIVE_INFINITY : 0,
    retryAfterMs: complaint.retryAfterMs ?? delayInWords(complaint.message),
  };
}

/** A fault from whatever a transport threw, before or after the first byte. */
export function connectionFault(thrown: unknown, where: string, begun: boolean): Fault {
  const causes = causesOf(thrown);
  const codes = causes.flatMap((cause) => textOf(fieldsOf(cause).code) ?? []);
  const words = quoted(codes.find(isSystemCode) ?? lastMessage(causes));
  if (!begun && codes.some((code) => NOBODY_THERE.has(code))) {
    const message = `No model server answers at ${where} (${words}). Check that it runs and that the base URL is right.`;
    return fault({ code: 'model-unreachable', message, retryable: true }, REFUSED_RETRIES_MAX);
  }
  if (codes.some((code) => NO_TLS.test(code))) {
    const message = `The server at ${where} does not speak TLS as expected (${words}). Check whether the base URL should begin with http:// or https://.`;
    return fault({ code: 'model-unreachable', message, retryable: false }, 0);
  }
  if (codes.some((code) => UNTRUSTED.test(code))) {
    const message = `The certificate of ${where} is not trusted (${words}). If it is yours, name the file of its authority in NODE_EXTRA_CA_CERTS; else check the address, the date of this machine and whether a proxy stands between.`;
    return fault({ code: 'model-unreachable', message, retryable: false }, 0);
  }
  if (begun) return cutFault(`The connection to ${where} broke while the model answered (${words}). ${LOOK}`);
  return fault({
    code: 'model-unreachable',
    message: `The connection to ${where} broke (${words}). ${LOOK}`,
    retryable: true,
  });
}

const LOOK = 'Look at the network, at the log of the server, and at proxies between.';

/** A stream that ended, or fell silent, before the model said that it was done. */
export function cutFault(message: string): Fault {
  return fault({ code: 'stream-cut', message, retryable: true });
}

/** A server that does not keep to the protocol. */
export function protocolFault(message: string, retryable: boolean): Fault {
  return fault({ code: 'model-error', message, retryable }, retryable ? Number.POSITIVE_INFINITY : 0);
}

/** Events that make no sense: another attempt may go better. */
export function unreadableFault(what: string, where: string): Fault {
  const advice = 'Check the base URL and the wireApi, and whether a proxy changes answers.';
  return protocolFault(`The model server at ${where} sent what no client can read: ${what}. ${advice}`, true);
}

/** The delay that `retry-after-ms` or `retry-after` (seconds or a date) asks for; null when it makes no sense. */
export function retryAfterMs(headers: { get(name: string): string | null }, nowMs: number): number | null {
  const precise = Number(headers.get('retry-after-ms')?.trim() || Number.NaN);
  if (precise >= 0) return Math.min(precise, RETRY_AFTER_MAX_MS);
  const text = headers.get('retry-after')?.trim();
  if (!text) return null;
  const wanted = /^[-+]?[\d.]+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return wanted >= 0 ? Math.min(wanted, RETRY_AFTER_MAX_MS) : null;
}

type Rule = Readonly<{
  code: ErrorCode;
  retry: boolean;
  says: string;
  advice: string;
  applies(complaint: Complaint): boolean;
}>;

/** The first that applies counts. What the words say goes before what the status says. */
const RULES: readonly Rule[] = [
  {
    code: 'context-window-exceeded',
    retry: false,
    says: "The conversation is longer than the model's context window.",
    advice: 'Compact the history or choose a model with a larger window.',
    applies: (complaint) =>
      says(complaint, /context_length_exceeded|exceed_context_size/) ||
      (isAboutRequest(complaint) &&
        /context (length|window|size)|maximum context|prompt is too long|too many tokens/i.test(complaint.message)),
  },
  {
    code: 'rate-limited',
    retry: false,
    says: "The account's quota is used up.",
    advice: 'Check the plan and the billing details with the provider.',
    applies: (complaint) =>
      complaint.status === 402 || says(complaint, /insufficient_quota|billing|usage_limit|usage_not_included/),
  },
  {
    code: 'model-refused',
    retry: false,
    says: 'The provider refused the request because of its content policy.',
    advice: 'Change what is asked for.',
    applies: (complaint) =>
      says(complaint, /content_policy|content_filter|policy_violation|invalid_prompt|cyber_policy|bio_policy/),
  },
  {
    code: 'unauthorized',
    retry: false,
    says: 'The server refused the API key.',
    advice: 'Check OPENAI_API_KEY, or the option apiKey.',
    applies: (complaint) => complaint.status === 401 || says(complaint, /invalid_api_key|authentication_error/),
  },
  {
    code: 'unauthorized',
    retry: false,
    says: 'The server does not let this API key do that.',
    advice: 'Check that the key may use this model, and that the provider serves this region.',
    applies: (complaint) => complaint.status === 403,
  },
  {
    code: 'rate-limited',
    retry: true,
    says: 'The server asks for fewer requests.',
    advice: 'Wait, or run fewer sessions at once.',
    applies: (complaint) => complaint.status === 429 || says(complaint, /rate_limit/),
  },
  {
    code: 'model-error',
    retry: false,
    says: 'The server does not know the model or the address.',
    advice: 'Check the name of the model and the base URL (it usually ends in /v1).',
    applies: (complaint) => complaint.status === 404 || says(complaint, /model_not_found/),
  },
  {
    code: 'model-error',
    retry: false,
    says: 'The server sends requests to another address, to which they were not followed.',
    advice: 'Give the address that it means as the base URL.',
    applies: ({ status }) => status !== undefined && status >= 300 && status < 400,
  },
  {
    code: 'model-error',
    retry: false,
    says: 'The server does not offer what was asked of it.',
    advice: "Check the base URL and the wireApi: some servers speak 'chat' only.",
    applies: (complaint) => complaint.status === 405 || complaint.status === 501 || complaint.status === 505,
  },
  {
    code: 'unauthorized',
    retry: false,
    says: 'A proxy between here and the server wants to know who asks.',
    advice: 'Check the settings of the proxy.',
    applies: (complaint) => complaint.status === 407,
  },
  {
    code: 'model-error',
    retry: false,
    says: 'The server rejected the request.',
    advice: 'What it said tells which part; the same request will be rejected again.',
    applies: (complaint) =>
      (isAboutRequest(complaint) && complaint.status !== undefined) || says(complaint, /^invalid_|_image|image_/),
  },
];

const OTHERWISE: Omit<Rule, 'applies'> = {
  code: 'model-error',
  retry: true,
  says: 'The server failed.',
  advice: 'Try again later.',
};

/** 4xx but those that mean "later"; a complaint in a stream has no status and may be about the request. */
function isAboutRequest({ status }: Complaint): boolean {
  return status === undefined || (status >= 400 && status < 500 && ![408, 409, 425, 429].includes(status));
}

function says(complaint: Complaint, words: RegExp): boolean {
  return words.test(complaint.code ?? '') || words.test(complaint.type ?? '');
}

function fault(error: TaskError, retriesMax = Number.POSITIVE_INFINITY): Fault {
  return { error, retriesMax, retryAfterMs: null };
}

/** Some servers say when to come back only in words: "Please try again in 1.5s", or "in 7m12s". */
function delayInWords(message: string): number | null {
  const found = /try again in ((?:\d+(?:\.\d+)? ?(?:ms|h|m|s)(?:econds?|inutes?|ours?)? ?)+)/i.exec(message);
  if (found === null) return null;
  const pieces = [...(found[1] ?? '').matchAll(/(\d+(?:\.\d+)?) ?(ms|h|m|s)/gi)];
  const wanted = pieces.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNITS_MS[unit?.toLowerCase() ?? ''] ?? 0),
    0,
  );
  return Number.isFinite(wanted) ? Math.min(wanted, RETRY_AFTER_MAX_MS) : null;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function quoted(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return (line.length > QUOTE_MAX ? `${line.slice(0, QUOTE_MAX)}…` : line || 'no message').toWellFormed();
}

/** What was thrown and what caused it, outermost first; of several attempts (IPv6, IPv4) each. */
function causesOf(thrown: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  let layer: unknown[] = [thrown];
  while (layer.length > 0 && causes.length < CAUSES_MAX) {
    causes.push(...layer);
    layer = layer.flatMap((cause) => {
      const { cause: inner, errors } = fieldsOf(cause);
      return [...(inner === undefined ? [] : [inner]), ...(Array.isArray(errors) ? errors : [])];
    });
  }
  return causes;
}

const CAUSES_MAX = 20;

function lastMessage(causes: readonly unknown[]): string {
  return causes.flatMap((cause) => textOf(fieldsOf(cause).message) ?? []).findLast((text) => text !== '') ?? '';
}

function isSystemCode(code: string): boolean {
  return /^E[A-Z]+(_[A-Z]+)*$|^UND_/.test(code) || UNTRUSTED.test(code);
}

/** Handshakes that fail because one side speaks no TLS, or another one. */
const NO_TLS = /^EPROTO$|^ERR_SSL_(WRONG_VERSION|PACKET|UNSUPPORTED|NO_PROTOCOLS|.*ALERT|HTTP)/;
/** The ways in which OpenSSL, through Node, finds fault with a certificate (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const UNTRUSTED = /CERT|SIGNATURE|^CRL_|_CRL$|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH/;

const NOBODY_THERE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);
