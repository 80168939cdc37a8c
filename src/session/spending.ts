import type { Budget } from '../protocol/budget.ts';
import { addUsage, type Usage } from '../protocol/usage.ts';
import type { Book, TaskRecord } from './book.ts';
import { costOf, exhausted } from './budget.ts';
import { commit } from './commit.ts';
import { tell } from './telling.ts';

/** What a session and all below it may use, and have used. A sub-session's is carved out of what those above have. */
export type Allowance = { readonly budget: Budget; usd: number; spawns: number; readonly openedAtMs: number };

/** Counts what a model request has used: for the task, its session, and all above, because a sub-session is paid by who opened it. */
export function spend(book: Book, record: TaskRecord, usage: Usage): void {
  record.usage = addUsage(record.usage, usage);
  book.usage = addUsage(book.usage, usage);
  commit(book, { type: 'usage.updated', usage, total: book.usage }, { taskId: record.order.taskId });
  for (let below = book, above = book.parent; above !== null; below = above, above = above.parent) {
    above.usage = addUsage(above.usage, usage);
    for (const opener of above.tasks.values()) {
      if (opener.children.includes(below)) opener.usage = addUsage(opener.usage, usage);
    }
  }
  const usd = costOf(book.world.prices, record.order.context.model, usage);
  for (const one of upwards(book)) if (one.allowance !== null) one.allowance.usd += usd;
  stopWhenSpent(book);
}

/** What is used up of what this session and those above may use, in words that say what to do; null while nothing is. */
export function spentAt(book: Book): string | null {
  for (const one of upwards(book)) {
    const words = spentOf(one);
    if (words !== null) return words;
  }
  return null;
}

/** Counts a sub-session that is about to open below `book`; gives why it may not, in words. */
export function spendSpawn(book: Book): string | null {
  const why = whyNoSpawn(book);
  if (why === null) for (const { allowance } of upwards(book)) if (allowance !== null) allowance.spawns += 1;
  return why;
}

/** Why no other sub-session may be opened below `book`, in words; null when one may. */
export function whyNoSpawn(book: Book): string | null {
  for (const { allowance } of upwards(book)) {
    const spawns = allowance?.budget.spawns;
    if (allowance !== null && spawns !== undefined && allowance.spawns >= spawns)
      return `Expected at most ${spawns} sub-sessions in all, got one more. Raise budget.spawns.`;
  }
  return null;
}

/** Ends what runs, from the uppermost session down whose budget is used up. */
function stopWhenSpent(book: Book): void {
  const spent = [...upwards(book)].findLast((one) => spentOf(one) !== null);
  if (spent === undefined) return;
  const at = book.world.clock.now();
  tell(spent, { type: 'op.interrupt', reason: 'budget', at, deadline: at + book.settings.limits.graceMs });
}

function spentOf({ allowance, usage, world }: Book): string | null {
  if (allowance === null) return null;
  const { budget, usd, openedAtMs } = allowance;
  return exhausted(budget, { tokens: usage.totalTokens, usd, wallMs: world.clock.now() - openedAtMs });
}

function* upwards(book: Book): Generator<Book> {
  for (let at: Book | null = book; at !== null; at = at.parent) yield at;
}
