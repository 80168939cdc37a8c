import type { Fields } from './wire-values.ts';

/** An event of the Responses API with a piece of text, as OpenAI and most others write it. */
const TEXT_DELTA =
  /^\{"type":"response\.output_text\.delta","sequence_number":\d+,("item_id":"[\w-]*","output_index":\d{1,9},"content_index":\d{1,9}),"delta":"([^"\\\p{Cc}]*(?:\\.[^"\\\p{Cc}]*)*)"(?:,"logprobs":\[\])?(?:,"obfuscation":"[\w+/=-]*")?\}$/u;
/** Characters of an event that is worth the try; most have less than 300. */
const CHARACTERS_MAX = 4_096;

/** Where the last delta belonged: the next one mostly belongs there, too. */
let lastPlace = '';
let lastFields: Fields = {};

/**
 * Reads an event with a piece of text at a fraction of the price of `JSON.parse`: most events of an answer are such. Has
 * what that gives but for `sequence_number`, `logprobs` and `obfuscation`. Null when it is another event, or written in
 * another way; throws like `JSON.parse` where it is not JSON after all.
 */
export function textDeltaIn(data: string): Fields | null {
  const [, place, text] = (data.length > CHARACTERS_MAX ? null : TEXT_DELTA.exec(data)) ?? [];
  if (place === undefined || text === undefined) return null;
  if (place !== lastPlace) {
    lastFields = JSON.parse(`{"type":"response.output_text.delta",${place}}`);
    lastPlace = place;
  }
  return { ...lastFields, delta: text.includes('\\') ? JSON.parse(`"${text}"`) : text };
}
