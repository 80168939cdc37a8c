import * as z from 'zod';
import { createSession, defineTool, type Model, openaiModel, type Session } from '../src/index.ts';
import { type Conversation, type Peer, USER_TEXT } from './peer.ts';

const noop = defineTool({ name: 'noop', description: 'Does nothing.', input: z.object({}), execute: () => '' });

/** Ours: a session for each conversation, one model for all of them; no files are read or written, as in the baseline. */
export function troupePeer(baseURL: string): Peer {
  const models = new Map<string, Model>();
  const modelOf = (name: string) => {
    const model = models.get(name) ?? openaiModel({ model: name, apiKey: 'none', baseURL });
    models.set(name, model);
    return model;
  };
  return { open: (model) => openConversation(modelOf(model)) };
}

function openConversation(model: Model): Conversation {
  const session = createSession({ model, tools: [noop], rollout: 'off', projectInstructions: false });
  const conversation: Held = Object.create(METHODS);
  conversation.session = session;
  return conversation;
}

type Held = Conversation & { session: Session };

/** All conversations share these: what is measured of an idle one is its session, and nothing beside it. */
const METHODS: Conversation & ThisType<Held> = {
  async turn() {
    await this.session.run(USER_TEXT).orThrow();
  },
  begin() {
    const task = this.session.run(USER_TEXT);
    const aborted = task.outcome.then((outcome) => {
      if (outcome.status !== 'aborted') throw new Error(`Expected the turn to be aborted, got one ${outcome.status}.`);
    });
    return { abort: () => void task.abort(), aborted };
  },
  follow(onDelta) {
    this.session.events$.subscribe((event) => {
      if (event.type === 'item.delta') onDelta(event.delta);
    });
  },
  close() {
    return this.session.close();
  },
};
