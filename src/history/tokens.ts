import type { HistoryEntry } from '../protocol/history.ts';

/** How many bytes of UTF-8 are taken for one token where nobody has counted (reference of behaviour, 5.5). */
const BYTES_PER_TOKEN = 4;
/** What an image is taken for, in tokens: about what providers count for one of middling size. */
const IMAGE_TOKENS = 1_000;

/** About how many tokens an entry is, from its size. */
export function tokensOf(entry: HistoryEntry): number {
  switch (entry.type) {
    case 'message':
      if (entry.role === 'assistant') return tokensIn(entry.text);
      return entry.content.reduce((sum, part) => sum + (part.type === 'text' ? tokensIn(part.text) : IMAGE_TOKENS), 0);
    case 'reasoning':
      // What is encrypted is not shown, but the model has it.
      return Math.max(tokensIn(entry.text), entry.raw === undefined ? 0 : tokensIn(JSON.stringify(entry.raw.item)));
    case 'call':
      return tokensIn(entry.name) + tokensIn(entry.arguments);
    case 'output':
      return tokensIn(entry.output);
    default:
      return entry satisfies never;
  }
}

/** About how many tokens a text is. */
export function tokensIn(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
}

/** The start and the end of a text, about so many tokens in all, with a word on what is left out between them. */
export function cutInTheMiddle(text: string, tokensMax: number): string {
  const bytes = Buffer.from(text);
  if (tokensIn(text) <= tokensMax) return text;
  const half = Math.floor((tokensMax * BYTES_PER_TOKEN) / 2);
  const left = tokensIn(text) - tokensMax;
  const [head, tail] = [bytes.subarray(0, half), bytes.subarray(bytes.length - half)].map((part) =>
    part.toString().replace(/^\ufffd+|\ufffd+$/g, ''),
  );
  return `${head}\n… about ${left} tokens left out …\n${tail}`;
}
