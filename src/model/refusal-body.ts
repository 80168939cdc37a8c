import { ERROR_BYTES_MAX, shortText } from './bounded-body.ts';
import type { Refusal } from './endpoint.ts';
import { retryAfterMs } from './faults.ts';
import { fieldsOf, textOf } from './wire-values.ts';

/** What keeps keys out of messages, and what makes a date a delay. */
export type RefusalContext = Readonly<{ signal: AbortSignal; secrets: readonly string[]; nowMs: number }>;

/** What a server said with a bad status. Rejects when the connection breaks, or `signal` aborts, while it says so. */
export async function readRefusal(response: Response, context: RefusalContext): Promise<Refusal> {
  const { signal, secrets, nowMs } = context;
  const text = await shortText(response, ERROR_BYTES_MAX, signal);
  const { error } = fieldsOf(parsed(text));
  const { message, code, type, param } = fieldsOf(error);
  return {
    status: response.status,
    code: textOf(code),
    type: textOf(type),
    param: textOf(param),
    message: secrets.reduce(
      (words, secret) => words.replaceAll(secret, '[the API key]'),
      wordsOf(message ?? error, text),
    ),
    retryAfterMs: retryAfterMs(response.headers, nowMs),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Words for people, wherever the server put them. */
function wordsOf(said: unknown, text: string): string {
  if (typeof said === 'string' && said !== '') return said;
  if (said !== undefined && said !== null && said !== '') return JSON.stringify(said);
  return text.trim() === '' ? 'status code (no body)' : text;
}
