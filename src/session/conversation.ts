import type { GitResult } from '../workspace/hardened-git.ts';
import type { Book } from './book.ts';
import { commit } from './commit.ts';

/** Takes the last tasks in which somebody spoke out of what the model is shown; gives how many entries that were. */
export function cutConversation(book: Book, taskId: string, tasks: number): GitResult<number> {
  const said = book.beginnings.filter(({ isSaid }) => isSaid);
  const first = said.at(-tasks);
  if (first === undefined || said.length < tasks) {
    const why =
      `Expected ${tasks === 1 ? 'a task' : `${tasks} tasks`} to take back of the conversation, there are ${said.length}: ` +
      'what was summarised, or taken back, is gone.';
    return { ok: false, why };
  }
  const gone = book.history.length - first.entries;
  const left = book.beginnings.filter((one) => one.entries <= first.entries && one !== first);
  const entries = book.history.slice(0, first.entries);
  commit(
    book,
    { type: 'history.replaced', why: 'undo', entries: entries.length },
    { taskId, history: { op: 'replace', entries } },
  );
  book.beginnings.push(...left);
  return { ok: true, value: gone };
}
