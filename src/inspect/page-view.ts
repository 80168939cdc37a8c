import { messageOf } from '../protocol/errors.ts';
import { jsonOf } from './message-ring.ts';
import type { PageSource } from './page-source.ts';
import type { ItemView } from './view/tree-view.ts';
import type { Frame, Hello, ItemPut, PageMessage, Reply, Wish } from './view/wire.ts';

/** How many messages one frame shows at most; of more, the newest. */
const MESSAGES_MAX = 200;
/** How many items of a conversation a page is given when it begins to look at it. */
const ITEMS_FIRST = 400;
/** How many changed items one frame has at most; what is more comes with the next. */
const ITEMS_MAX = 400;
/** How often it is looked anew why a session waits, in ms. */
const WHY_EVERY_MS = 1_000;
/** How much of an actor's context is shown, in characters. */
const CONTEXT_MAX_CHARACTERS = 40_000;

/** What one page has seen of its source, and what it is to be shown next. */
export type PageView = Readonly<{
  /** What has changed since the last frame; null when nothing has. */
  frame(): Frame | null;
  /** Takes what the page says. A wish is fulfilled, and its reply is part of a later frame. */
  take(message: PageMessage): void;
}>;

type Look = Extract<PageMessage, { type: 'look' }>;
type Changes = { -readonly [Key in keyof Frame]: Frame[Key] };

export function createPageView(
  source: PageSource,
  about: Pick<Hello, 'inspectorUrl' | 'library'>,
  onReply: () => void,
): PageView {
  let version = -1;
  let seenRev = -1;
  let nextMessage = 0;
  let look: Look = { type: 'look', sessionId: null, actorId: null, charts: [] };
  let hasLookChanged = true;
  let lookedWhyAt = Number.NEGATIVE_INFINITY;
  /** Something has changed since it was looked why the session waits. */
  let isWhyOld = false;
  let shownIds = new Set<string>();
  let shownItems = new Map<string, Readonly<{ view: ItemView; characters: number }>>();
  let replies: Reply[] = [];

  const fulfil = async (id: number, wish: Wish): Promise<void> => {
    let reply: Reply;
    try {
      reply = { id, ok: true, value: (await source.fulfil(wish)) ?? null };
    } catch (error) {
      reply = { id, ok: false, why: messageOf(error) };
    }
    replies.push(reply);
    onReply();
  };

  /** What was added to each item of the session that is looked at, since it was shown last. */
  const conversation = (): Frame['conversation'] => {
    const { sessionId } = look;
    const known = sessionId === null ? undefined : source.tree.conversations.get(sessionId);
    if (sessionId === null || known === undefined) return undefined;
    const isWhole = hasLookChanged;
    const candidates = isWhole ? [...known.items].slice(-ITEMS_FIRST) : [...known.items];
    const puts: ItemPut[] = [];
    for (const [id, view] of candidates) {
      const shown = shownItems.get(id);
      if (shown?.view === view && shown.characters === view.streamed.length) continue;
      if (puts.length === ITEMS_MAX) break;
      const { item, streamed, isOpen, taskId } = view;
      const isLonger = shown?.view === view && !isWhole;
      puts.push({
        id,
        isOpen,
        taskId,
        ...(isLonger ? { append: streamed.slice(shown.characters) } : { item, streamed }),
      });
      shownItems.set(id, { view, characters: streamed.length });
    }
    if (puts.length === 0 && !isWhole) return undefined;
    return { sessionId, isWhole, items: puts, omitted: known.omitted + known.items.size - candidates.length };
  };

  return {
    frame() {
      const frame: Changes = { at: source.now() };
      const isFirst = version === -1;
      if (source.version() !== version) {
        version = source.version();
        seenRev = -1;
        nextMessage = 0;
        shownIds = new Set();
        hasLookChanged = true;
        frame.isWhole = true;
        frame.hello = { ...source.hello(), ...about };
      }
      const rev = source.rev();
      const hasChanged = rev !== seenRev;
      const now = source.now();
      if (hasChanged) {
        const sessions = [...source.tree.sessions.values()];
        const actors = source.actors();
        frame.sessions = sessions.filter((one) => one.rev > seenRev);
        frame.actors = actors.filter((one) => one.rev > seenRev);
        const ids = new Set([...sessions.map(({ id }) => id), ...actors.map(({ id }) => id)]);
        frame.gone = [...shownIds].filter((id) => !ids.has(id));
        shownIds = ids;
        const { messages, skipped } = source.messages.since(nextMessage, MESSAGES_MAX);
        nextMessage = source.messages.next();
        if (messages.length > 0) frame.messages = messages;
        if (skipped > 0 && !isFirst && frame.isWhole === undefined) frame.skipped = skipped;
        const position = source.position();
        if (position !== null) frame.position = position;
      }
      if (hasLookChanged) shownItems = new Map();
      if (hasChanged || hasLookChanged) {
        const changed = conversation();
        if (changed !== undefined) frame.conversation = changed;
        if (look.actorId !== null && (hasLookChanged || frame.actors?.some(({ id }) => id === look.actorId))) {
          const text = jsonOf(source.context(look.actorId) ?? null, 2).slice(0, CONTEXT_MAX_CHARACTERS);
          frame.context = { actorId: look.actorId, text };
        }
        const charts = look.charts.flatMap((key) => {
          const chart = source.chart(key);
          return chart === null ? [] : [[key, chart] as const];
        });
        if (charts.length > 0) frame.charts = Object.fromEntries(charts);
      }
      isWhyOld ||= hasChanged;
      if (look.sessionId !== null && (hasLookChanged || (isWhyOld && now - lookedWhyAt >= WHY_EVERY_MS))) {
        lookedWhyAt = now;
        isWhyOld = false;
        frame.waiting = { sessionId: look.sessionId, chain: source.why(look.sessionId) };
      }
      if (replies.length > 0) frame.replies = replies;
      const isNothing = !hasChanged && !hasLookChanged && frame.waiting === undefined && replies.length === 0;
      replies = [];
      seenRev = rev;
      hasLookChanged = false;
      look = { ...look, charts: [] };
      return isNothing ? null : frame;
    },
    take(message) {
      if (message.type === 'wish') {
        void fulfil(message.id, message.wish);
        return;
      }
      look = message;
      hasLookChanged = true;
    },
  };
}
