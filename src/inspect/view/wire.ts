import type { Item } from '../../protocol/items.ts';
import type { Decision } from '../../protocol/requests.ts';
import type { WaitingOn } from '../../protocol/waiting.ts';
import type { Chart } from '../chart.ts';
import type { ActorView, MessageView } from './actor-view.ts';
import type { SessionView } from './tree-view.ts';

/** What a page is shown first: what it looks at. */
export type Hello = Readonly<{
  /** `live`: a program that runs; `recording`: the logs of a session; `library`: nothing yet, but sessions to choose from. */
  mode: 'live' | 'recording' | 'library';
  title: string;
  /** Where an XState program connects its WebSocket inspector, with the token. */
  inspectorUrl: string | null;
  recording: RecordingView | null;
  library: readonly ListedSession[];
}>;

/** A recorded session tree. A position is how many of its events have happened, from 0 to `length`. */
export type RecordingView = Readonly<{
  sessionId: string;
  length: number;
  /** When each event was told, in ms since 1970. */
  times: readonly number[];
  marks: readonly Mark[];
  /** What is to be known of the logs: damage, or that only a part was read. */
  notes: readonly string[];
}>;

/** A moment worth going to: the position right after it. */
export type Mark = Readonly<{
  position: number;
  what: 'message' | 'request' | 'decision' | 'error' | 'end';
  text: string;
}>;

export type ListedSession = Readonly<{
  sessionId: string;
  lastAt: string | null;
  cwd: string | null;
  said: string | null;
  isOpen: boolean;
}>;

/** An item with what was streamed of it. `append`: nothing but this was added to what was streamed before. */
export type ItemPut = Readonly<
  { id: string; isOpen: boolean; taskId: string | null } & ({ item: Item; streamed: string } | { append: string })
>;

/** One message to a page: what has changed since the last one. */
export type Frame = Readonly<{
  /** The program's clock, in ms since 1970; in a recording, the time of the position. */
  at: number;
  /** Everything that the page knew is void: this is all there is. */
  isWhole?: true;
  hello?: Hello;
  sessions?: readonly SessionView[];
  actors?: readonly ActorView[];
  /** Ids of sessions and actors that are gone. */
  gone?: readonly string[];
  messages?: readonly MessageView[];
  /** Messages that are not shown, because there were too many at once. */
  skipped?: number;
  /** Of the session that is looked at. */
  conversation?: Readonly<{ sessionId: string; isWhole: boolean; items: readonly ItemPut[]; omitted: number }>;
  waiting?: Readonly<{ sessionId: string; chain: readonly WaitingOn[] }>;
  /** What the actor that is looked at keeps, as JSON. */
  context?: Readonly<{ actorId: string; text: string }>;
  charts?: Readonly<Record<string, Chart>>;
  position?: number;
  replies?: readonly Reply[];
}>;

/** What came of a wish; `value` is what it gave. */
export type Reply = Readonly<{ id: number } & ({ ok: true; value: unknown } | { ok: false; why: string })>;

/** What a page says. Each wish is answered by one reply with its id. */
export type PageMessage =
  | Readonly<{ type: 'look'; sessionId: string | null; actorId: string | null; charts: readonly string[] }>
  | Readonly<{ type: 'wish'; id: number; wish: Wish }>;

export type Wish =
  | Readonly<{ do: 'answer'; sessionId: string; requestId: string; decision: Decision }>
  | Readonly<{ do: 'interrupt'; sessionId: string }>
  | Readonly<{ do: 'abort' | 'cancel'; sessionId: string; taskId: string }>
  | Readonly<{ do: 'steer'; sessionId: string; text: string }>
  | Readonly<{ do: 'go'; position: number }>
  | Readonly<{ do: 'fork'; sessionId: string }>;
