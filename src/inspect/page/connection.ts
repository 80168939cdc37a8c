import type { Frame, PageMessage, Reply, Wish } from '../view/wire.ts';

/** The page's line to its program. It comes back by itself when it was lost. */
export type Connection = Readonly<{
  look(message: Omit<Extract<PageMessage, { type: 'look' }>, 'type'>): void;
  wish(wish: Wish): Promise<Reply>;
}>;

export type ConnectionEvents = Readonly<{
  onFrame(frame: Frame): void;
  onState(state: 'connecting' | 'open' | 'lost' | 'refused', problem: string | null): void;
}>;

/** How long it waits before it tries again, in ms. */
const AGAIN_MS = 1_000;
/** Closed with these codes, trying again is of no use. */
const REFUSED_FROM = 4_400;

export function connect({ onFrame, onState }: ConnectionEvents): Connection {
  let socket: WebSocket;
  let nextId = 1;
  const waiting = new Map<number, (reply: Reply) => void>();

  const open = (): void => {
    onState('connecting', null);
    socket = new WebSocket(`ws://${location.host}/page${location.search}`);
    socket.addEventListener('open', () => onState('open', null));
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as Frame; // Our own server speaks.
      for (const reply of frame.replies ?? []) {
        waiting.get(reply.id)?.(reply);
        waiting.delete(reply.id);
      }
      onFrame(frame);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      for (const [id, settle] of waiting) settle({ id, ok: false, why: 'The line to the program was lost.' });
      waiting.clear();
      if (code >= REFUSED_FROM) {
        onState('refused', reason);
        return;
      }
      onState('lost', null);
      setTimeout(open, AGAIN_MS);
    });
  };
  const say = (message: PageMessage): boolean => {
    if (socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  };
  open();
  return {
    look: (message) => void say({ type: 'look', ...message }),
    wish(wish) {
      const id = nextId;
      nextId += 1;
      return new Promise((resolve) => {
        waiting.set(id, resolve);
        if (say({ type: 'wish', id, wish })) return;
        waiting.delete(id);
        resolve({ id, ok: false, why: 'There is no line to the program.' });
      });
    },
  };
}
