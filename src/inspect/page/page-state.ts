import type { Item } from '../../protocol/items.ts';
import type { WaitingOn } from '../../protocol/waiting.ts';
import type { Chart } from '../chart.ts';
import type { ActorView, MessageView } from '../view/actor-view.ts';
import type { SessionView } from '../view/tree-view.ts';
import type { Frame, Hello } from '../view/wire.ts';

/** How many messages the page keeps to look back at. */
const MESSAGES_MAX = 1_000;

/** What is looked at: a session, one of its tasks, or an actor. */
export type Selection = Readonly<{ sessionId: string | null; taskId: string | null; actorId: string | null }>;

export type ShownItem = Readonly<{ item: Item; streamed: string; isOpen: boolean; taskId: string | null }>;

/** All that the page shows. Frames change it, and what a person does at the page. */
export type PageState = {
  connection: 'connecting' | 'open' | 'lost' | 'refused';
  problem: string | null;
  hello: Hello | null;
  /** How much the program's clock is ahead of ours, in ms. */
  aheadMs: number;
  at: number;
  readonly sessions: Map<string, SessionView>;
  readonly actors: Map<string, ActorView>;
  readonly charts: Map<string, Chart>;
  messages: MessageView[];
  /** Messages that were left out, because there were too many at once. */
  skipped: number;
  conversation: { sessionId: string; omitted: number; items: Map<string, ShownItem> } | null;
  waiting: Readonly<{ sessionId: string; chain: readonly WaitingOn[] }> | null;
  context: Readonly<{ actorId: string; text: string }> | null;
  position: number | null;
  selection: Selection;
  filter: string;
  sequenceAs: 'diagram' | 'list';
  /** The number of the message whose contents are shown. */
  openMessage: number | null;
  showsAllActors: boolean;
  /** Nodes of the tree that are closed. */
  readonly folded: Set<string>;
  chartOf: 'own' | 'work';
  /** The chart as large as it is, where it would be made smaller to be seen as a whole. */
  isChartLarge: boolean;
  isPlaying: boolean;
  speed: number;
  notice: Notice | null;
};

/** What came of the last thing that a person wanted. */
export type Notice = Readonly<{ tone: 'good' | 'bad'; title: string; lines: readonly string[] }>;

const NOTHING: Selection = { sessionId: null, taskId: null, actorId: null };

export function emptyState(): PageState {
  return {
    connection: 'connecting',
    problem: null,
    hello: null,
    aheadMs: 0,
    at: 0,
    sessions: new Map(),
    actors: new Map(),
    charts: new Map(),
    messages: [],
    skipped: 0,
    conversation: null,
    waiting: null,
    context: null,
    position: null,
    selection: NOTHING,
    filter: '',
    sequenceAs: 'diagram',
    openMessage: null,
    showsAllActors: false,
    folded: new Set(),
    chartOf: 'own',
    isChartLarge: false,
    isPlaying: false,
    speed: 1,
    notice: null,
  };
}

/** Takes a frame in. */
export function applyFrame(state: PageState, frame: Frame, nowHere: number): void {
  state.at = frame.at;
  if (state.hello?.mode !== 'recording') state.aheadMs = frame.at - nowHere;
  if (frame.isWhole) {
    state.sessions.clear();
    state.actors.clear();
    state.messages = [];
    state.skipped = 0;
    state.conversation = null;
  }
  if (frame.hello !== undefined) state.hello = frame.hello;
  for (const session of frame.sessions ?? []) state.sessions.set(session.id, session);
  for (const actor of frame.actors ?? []) state.actors.set(actor.id, actor);
  for (const id of frame.gone ?? []) {
    state.sessions.delete(id);
    state.actors.delete(id);
  }
  if (frame.messages !== undefined) state.messages = [...state.messages, ...frame.messages].slice(-MESSAGES_MAX);
  state.skipped += frame.skipped ?? 0;
  if (frame.conversation !== undefined) applyConversation(state, frame.conversation);
  if (frame.waiting !== undefined) state.waiting = frame.waiting;
  if (frame.context !== undefined) state.context = frame.context;
  for (const [key, chart] of Object.entries(frame.charts ?? {})) state.charts.set(key, chart);
  if (frame.position !== undefined) state.position = frame.position;
}

function applyConversation(state: PageState, told: NonNullable<Frame['conversation']>): void {
  const isOther = state.conversation?.sessionId !== told.sessionId;
  if (isOther || told.isWhole || state.conversation === null)
    state.conversation = { sessionId: told.sessionId, omitted: told.omitted, items: new Map() };
  const { items } = state.conversation;
  for (const put of told.items) {
    const { id, isOpen, taskId } = put;
    const known = items.get(id);
    if ('item' in put) items.set(id, { item: put.item, streamed: put.streamed, isOpen, taskId });
    else if (known !== undefined) items.set(id, { ...known, streamed: known.streamed + put.append, isOpen });
  }
}

/** The program's clock now, in ms since 1970; that of the position in a recording. */
export function clockOf(state: PageState): number {
  return state.hello?.mode === 'recording' ? state.at : Date.now() + state.aheadMs;
}
