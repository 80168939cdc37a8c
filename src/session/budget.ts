import type { Budget } from '../protocol/budget.ts';
import type { Usage } from '../protocol/usage.ts';

/** US dollars for a million tokens. */
export type Price = Readonly<{ input: number; cachedInput?: number; output: number }>;
export type Prices = Readonly<Record<string, Price>>;

const MILLION = 1_000_000;

/** What tokens cost, in US dollars; 0 for a model whose price is not known. */
export function costOf(prices: Prices, model: string, { inputTokens, cachedInputTokens, outputTokens }: Usage): number {
  const price = Object.hasOwn(prices, model) ? prices[model] : undefined;
  if (price === undefined) return 0;
  const fresh = inputTokens - cachedInputTokens;
  return (
    (fresh * price.input + cachedInputTokens * (price.cachedInput ?? price.input) + outputTokens * price.output) /
    MILLION
  );
}

/** What is used up, in words that say what to do; null while nothing is. */
export function exhausted(budget: Budget, used: { tokens: number; usd: number; wallMs: number }): string | null {
  const { tokens, usd, wallMs } = budget;
  if (tokens !== undefined && used.tokens >= tokens) return over(`${tokens} tokens`, `${used.tokens}`);
  if (usd !== undefined && used.usd >= usd) return over(`$${usd}`, `$${used.usd.toFixed(4)}`);
  if (wallMs !== undefined && used.wallMs >= wallMs) return over(`${wallMs} ms`, `${used.wallMs} ms`);
  return null;
}

function over(limit: string, used: string): string {
  return `The budget of ${limit} is used up (${used}). Raise \`budget\`, or go on in another session.`;
}
