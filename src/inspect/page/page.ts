import type { Reply, Wish } from '../view/wire.ts';
import type { Notice, PageState, Selection } from './page-state.ts';

/** The page as its parts see it: what is shown, and what a person can do. */
export type Page = {
  readonly state: PageState;
  /** The node of the tree that has the keyboard. */
  focusedKey: string | null;
  /** Draws anew, soon and once. */
  draw(): void;
  select(selection: Selection): void;
  fold(key: string, isFolded: boolean): void;
  /** Gives a node of the tree the keyboard. */
  focusNode(key: string): void;
  /** Asks the program for something; what comes of it is shown, in the words of `toNotice`. */
  wish(wish: Wish, toNotice?: (reply: Reply) => Notice | null): Promise<Reply>;
};
