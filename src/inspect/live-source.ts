import type { InspectionEvent } from 'xstate';
import type { EventStream } from '../channel/guarded.ts';
import { TroupeError } from '../protocol/errors.ts';
import type { SessionEvent } from '../protocol/events.ts';
import { pathText } from '../protocol/path.ts';
import type { Session } from '../session/handle.ts';
import { createForeignActors, type ForeignActors } from './foreign-actors.ts';
import { createLiveActors } from './live-actors.ts';
import { createMessageRing } from './message-ring.ts';
import type { PageSource } from './page-source.ts';
import { applyEvent, conversationIn, sessionIn } from './view/apply-event.ts';
import { emptyTree } from './view/tree-view.ts';
import type { Hello, Wish } from './view/wire.ts';

/** A program that runs: its sessions, its actors, and those of other programs that have connected. */
export interface LiveSource extends PageSource {
  inspect(event: InspectionEvent): void;
  attach(session: Session, told$: EventStream<SessionEvent>): void;
  /** Somebody is at a page, and may decide; until what this gives is called. */
  listen(): () => void;
  /** A program that speaks the protocol of `@statelyai/inspect` has connected. */
  connect(): Readonly<{ take(message: unknown): void; end(): void }>;
}

export type LiveOptions = Readonly<{ now: () => number; mode: Hello['mode']; title: string }>;

/** How many programs that have connected are kept in sight. */
const PROGRAMS_MAX = 20;

export function createLiveSource({ now, mode, title }: LiveOptions): LiveSource {
  const tree = emptyTree();
  const nextRev = () => {
    tree.rev += 1;
    return tree.rev;
  };
  const own = createLiveActors(nextRev);
  const programs: { name: string; actors: ForeignActors }[] = [];
  const messages = createMessageRing();
  const roots = new Set<Session>();
  const listening = new Map<Session, () => void>();
  let connected = 0;
  let listeners = 0;

  const sessionOf = (sessionId: string): Session => {
    for (const root of roots) {
      const found = root.at(sessionId);
      if (found !== null) return found;
    }
    throw new TroupeError('closed', `Expected a session that is open, ${sessionId} is not (any more).`);
  };
  const listenTo = (root: Session): void => {
    if (listeners === 0 || listening.has(root)) return;
    const following = root.requests$.subscribe(() => {});
    listening.set(root, () => following.unsubscribe());
  };
  const chartKey = (program: { name: string }, key: string) => `${program.name}/${key}`;

  return {
    tree,
    messages,
    hello: () => ({ mode, title, recording: null }),
    version: () => 0,
    rev: () => tree.rev,
    now,
    position: () => null,
    actors: () => [
      ...own.views(),
      ...programs.flatMap((program) =>
        program.actors
          .views()
          .map((view) => ({ ...view, chart: view.chart === null ? null : chartKey(program, view.chart) })),
      ),
    ],
    chart(key) {
      for (const program of programs)
        if (key.startsWith(`${program.name}/`)) return program.actors.chart(key.slice(program.name.length + 1));
      return own.chart(key);
    },
    context(actorId) {
      for (const program of programs)
        if (actorId.startsWith(`${program.name}/`)) return program.actors.context(actorId);
      return own.context(actorId);
    },
    why: (sessionId) =>
      [...roots]
        .map((root) => root.at(sessionId))
        .find((one) => one !== null)
        ?.waitingOn() ?? [],
    fulfil: async (wish) => fulfil(wish, sessionOf),

    inspect(event) {
      const sent = own.inspect(event, now());
      if (sent === null) return;
      messages.add(sent, now());
      nextRev();
    },
    attach(session, told$) {
      roots.add(session);
      listenTo(session);
      const view = sessionIn(tree, {
        sessionId: session.id,
        path: session.path,
        time: new Date(now()).toISOString(),
        seq: null,
        epoch: 0,
      });
      view.budget = session.budget;
      view.usage = session.usage;
      view.rev = nextRev();
      const { items } = conversationIn(tree, session.id);
      for (const item of session.history())
        items.set(item.id, { item, streamed: '', isOpen: false, taskId: null, rev: tree.rev });
      told$.subscribe({
        next(event) {
          const isKnown = tree.sessions.has(event.sessionId);
          applyEvent(tree, event);
          const found = isKnown ? undefined : tree.sessions.get(event.sessionId);
          if (found !== undefined) found.budget = session.at(event.sessionId)?.budget ?? null;
        },
        complete() {
          roots.delete(session);
          listening.get(session)?.();
          listening.delete(session);
        },
      });
    },
    listen() {
      listeners += 1;
      for (const root of roots) listenTo(root);
      return () => {
        listeners -= 1;
        if (listeners > 0) return;
        for (const end of listening.values()) end();
        listening.clear();
      };
    },
    connect() {
      connected += 1;
      const program = { name: `program-${connected}`, actors: createForeignActors(`program-${connected}`, nextRev) };
      programs.push(program);
      if (programs.length > PROGRAMS_MAX) programs.shift();
      return {
        take(message) {
          const taken = program.actors.take(message, now());
          if ('sent' in taken) messages.add(taken.sent, now());
          nextRev();
        },
        end() {
          program.actors.end();
          nextRev();
        },
      };
    },
  };
}

async function fulfil(wish: Wish, sessionOf: (sessionId: string) => Session): Promise<unknown> {
  switch (wish.do) {
    case 'answer':
      return sessionOf(wish.sessionId).answer(wish.requestId, wish.decision);
    case 'interrupt':
      return sessionOf(wish.sessionId).interrupt();
    case 'steer':
      return sessionOf(wish.sessionId).steer(wish.text);
    case 'abort':
    case 'cancel': {
      const session = sessionOf(wish.sessionId);
      const task = session.task(wish.taskId);
      if (task === null)
        throw new TroupeError(
          'rejected',
          `Expected a task of ${pathText(session.path)} that runs, this one has ended.`,
        );
      if (wish.do === 'abort') return task.abort();
      task.cancel();
      return 'asked to finish its step';
    }
    default:
      throw new TroupeError('rejected', `Expected a recording for "${wish.do}", this is a program that runs.`);
  }
}
