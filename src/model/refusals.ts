import type { Refusal } from './endpoint.ts';
import type { Fields } from './wire-values.ts';

/**
 * Something in a request that a server may refuse to know, and without which the answer is the same, or nearly so.
 * `words` find it in what the server says; it counts only where `words` stand beside "unknown", "unsupported" and the
 * like, or where `byParam` the server names the field as the culprit.
 */
export type Refusable = Readonly<{ name: string; words: RegExp; byParam: boolean; isIn(body: Fields): boolean }>;

const UNSUPPORTED =
  /unknown|unsupported|unrecogni[sz]ed|unexpected|unavailable|not (support|permit|allow|recogni[sz]|implement|available)|does not support|extra|invalid (role|parameter)|forbidden/i;

/** Not about what the server knows, but about a schema that the caller wrote. */
const ABOUT_SCHEMA = /invalid schema|invalid_json_schema/i;

/** What the server refuses to know of what was sent; empty when its complaint is about something else. */
export function refusedIn(
  refusal: Refusal | null,
  bodyOf: () => Fields,
  refusables: readonly Refusable[],
): readonly string[] {
  if (refusal === null || (refusal.status !== 400 && refusal.status !== 422)) return [];
  const { message, code } = refusal;
  const body = bodyOf();
  const param = refusal.param?.split(/[.[]/)[0] ?? null;
  const saysSo = (UNSUPPORTED.test(message) || UNSUPPORTED.test(code ?? '')) && !ABOUT_SCHEMA.test(message);
  return refusables
    .filter(({ isIn }) => isIn(body))
    .filter(
      ({ name, words, byParam }) => (byParam && name === param) || (saysSo && (name === param || words.test(message))),
    )
    .map(({ name }) => name);
}

/** A field of the body. */
export function refusableField(name: string, words = new RegExp(`\\b${name}\\b`, 'i'), byParam = true): Refusable {
  return { name, words, byParam, isIn: (body) => name in body };
}

/** Messages that are the developer's and not the user's: older servers know them as the system's. */
export const DEVELOPER_ROLE = { name: 'developer role', words: /\bdeveloper\b/, byParam: false } as const;
