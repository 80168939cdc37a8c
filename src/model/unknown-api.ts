import type { Refusal } from './endpoint.ts';

/** Whether the server says that it has no such interface; not, that it knows it but not the model. */
export function lacksApi(refusal: Refusal | null): boolean {
  if (refusal === null) return false;
  const { status, message, code } = refusal;
  if (status === 405 || status === 501) return true;
  if (status === 404) return code !== 'model_not_found' && !/\bmodel\b/i.test(message);
  return (status === 400 || status === 422) && saysUnknownApi(message);
}

/** Whether words say so: some servers answer that, and no error, to what they do not know. */
export function saysUnknownApi(words: string): boolean {
  const shown = words.slice(0, WORDS_MAX);
  return UNKNOWN.test(shown) && WAY.test(shown);
}

const WORDS_MAX = 2_000;
const UNKNOWN =
  /unknown|unsupported|unrecogni[sz]ed|unexpected|invalid url|no such|not (found|supported?|implemented|available|enabled|known)|only (available|enabled|supported)/i;
const WAY = /\b(route|path|endpoint|url|method|operation|responses( api)?)\b/i;
