import { tokensOf } from '../history/tokens.ts';
import type { HistoryWindow } from '../tasks/ports.ts';
import type { Book } from './book.ts';

/** What is known of how long a history is for a model: what was counted by its provider, up to an entry. */
export type Measured = { tokens: number; entries: number; model: string };

/** At this part of a model's window a history is compacted (reference of behaviour, 9: 90 %). */
const FULL_PART = 0.9;

/** How long the history of a session is, for the model of a task. */
export function windowOf(book: Book, model: string): HistoryWindow {
  const tokens = () => {
    const { history } = book;
    const known = book.measured ?? { tokens: 0, entries: 0, model };
    for (let at = known.entries; at < history.length; at += 1) {
      const entry = history[at];
      if (entry !== undefined) known.tokens += tokensOf(entry);
    }
    book.measured = { ...known, entries: history.length };
    return known.tokens;
  };
  const mayCompact = book.settings.compacts !== false;
  return {
    tokens,
    mayCompact,
    get isFull() {
      const size = mayCompact ? sizeOf(book, model) : null;
      return size !== null && tokens() >= size * FULL_PART;
    },
    get size() {
      return sizeOf(book, model);
    },
    get lastModel() {
      return book.measured?.model ?? model;
    },
    measured(counted) {
      book.measured = { tokens: counted, entries: book.history.length, model };
    },
  };
}

function sizeOf({ settings }: Book, model: string): number | null {
  const { contextWindow, contextWindowOf, name } = settings.model;
  if (contextWindowOf !== undefined) return contextWindowOf(model);
  return model === name ? contextWindow : null;
}
