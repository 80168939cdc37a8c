import type { WaitingOn } from '../protocol/waiting.ts';
import type { Chart } from './chart.ts';
import type { MessageRing } from './message-ring.ts';
import type { ActorView } from './view/actor-view.ts';
import type { TreeView } from './view/tree-view.ts';
import type { Hello, Wish } from './view/wire.ts';

/** What a page looks at. A program that runs has one for all its pages, a recording one for each: it has a position. */
export interface PageSource {
  readonly tree: TreeView;
  readonly messages: MessageRing;
  hello(): Omit<Hello, 'inspectorUrl' | 'library'>;
  /** Grows when all that was shown before is void. */
  version(): number;
  /** Grows with each change. */
  rev(): number;
  /** The clock, in ms since 1970. */
  now(): number;
  /** Where in a recording it is; null when it is live. */
  position(): number | null;
  actors(): readonly ActorView[];
  chart(key: string): Chart | null;
  /** What an actor keeps beside its states. */
  context(actorId: string): unknown;
  /** Why a session waits. */
  why(sessionId: string): readonly WaitingOn[];
  /** Does what a person at the page wants. Rejects with a sentence for people when that cannot be. */
  fulfil(wish: Wish): Promise<unknown>;
}
