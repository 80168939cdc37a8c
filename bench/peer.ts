/** One way to talk to a model, as the measurements see it. */
export type Peer = Readonly<{
  /** Opens a conversation with the model of that name. */
  open(model: string): Conversation;
  /**
   * A conversation that calls an agent, which has a conversation of its own and does the same, so many levels down; the last
   * one calls a tool that has to be approved, which is decided at the root. Gives how often that was asked. `way` is how
   * an agent is called, where a peer has several.
   */
  nest(levels: number, way: NestingWay): Promise<number>;
}>;

/** A tool that is a session, opened by the caller; or sub-sessions, started and awaited with two tools of the session. */
export type NestingWay = 'session-as-tool' | 'sub-sessions';

export type Conversation = Readonly<{
  /** One turn of the user, to its end. Rejects when the answer is not whole. */
  turn(): Promise<void>;
  /** Begins a turn that is going to be aborted. */
  begin(): AbortableTurn;
  /** Calls back for each piece of text from here on. */
  follow(onDelta: (delta: string) => void): void;
  close(): Promise<void>;
}>;

export type AbortableTurn = Readonly<{
  abort(): void;
  /** Resolves when the peer says that the turn was aborted; rejects when it ends in another way. */
  aborted: Promise<void>;
}>;

export const PEER_NAMES = ['baseline', 'troupe'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

/** Loads a peer, and nothing of the other one. */
export async function loadPeer(name: PeerName, baseURL: string): Promise<Peer> {
  if (name === 'baseline') return (await import('./baseline-peer.ts')).baselinePeer(baseURL);
  return (await import('./troupe-peer.ts')).troupePeer(baseURL);
}

/** What the user says in each turn. */
export const USER_TEXT = 'Please go on.';
